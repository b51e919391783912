"""Pages: what they share, and those of a scan and of an evaluation; they print records and compute nothing."""
