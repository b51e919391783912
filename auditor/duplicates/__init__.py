"""Finding images that are the same picture."""
