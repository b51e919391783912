"""`auditor train`: transfer learning, fine-tuning, training from scratch; the part that needs TensorFlow."""
