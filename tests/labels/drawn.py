"""Drawn embeddings: classes as clouds of points, and contents for them."""

import hashlib

import numpy as np


def clusters(per_class, dimension=40, classes=3, seed=0, distance=3.0):
    """Clouds around centres so far from the origin: points (N, D) float16, labels (N,)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, dimension))
    centres *= distance / np.linalg.norm(centres, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), per_class)
    return (centres[labels] + rng.normal(0, 1, (len(labels), dimension))).astype(np.float16), labels


def contents(count):
    """A hash for each image."""
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
