"""Random embeddings: each class is a cluster of points, with a content hash per image."""

import hashlib

import numpy as np


def clusters(per_class, dimension=40, classes=3, seed=0, distance=3.0):
    """Gaussian clusters around centres at this distance from the origin: points (N, D) float16, labels (N,)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, dimension))
    centres *= distance / np.linalg.norm(centres, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), per_class)
    return (centres[labels] + rng.normal(0, 1, (len(labels), dimension))).astype(np.float16), labels


def contents(count):
    """One content hash per image."""
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
