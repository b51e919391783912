"""`auditor tfrecord`: packs images into TFRecord shards, and unpacks them."""
