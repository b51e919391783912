"""Scripts that measure; none of them ships in the wheel."""
