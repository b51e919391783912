"""What all pages share: HTML, charts, lists of facts, matrices."""
