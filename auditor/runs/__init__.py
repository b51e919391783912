"""A run's folder: claimed, written aside, published at once, read back."""
