"""Sources of samples: folders, tables, Hugging Face metadata, TFRecords."""
