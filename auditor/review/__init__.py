"""What people decided about findings: read, carried out on the folder, undone, and remembered by the next scan."""
