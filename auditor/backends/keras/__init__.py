"""Keras 3 classifiers; the only backend that needs TensorFlow."""
