"""Training, evaluation and export of models; the only room that may need TensorFlow."""
