"""`auditor split`: train, validation and test parts; all copies of a picture are in the same part."""
