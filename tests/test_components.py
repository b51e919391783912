"""Scaled features and their principal components, against numpy's own decomposition."""

import numpy as np
import pytest

from auditor.components import leading_components, standardise


@pytest.mark.parametrize("rooted", [False, True])
def test_every_column_has_one_scale_and_a_constant_one_stays_zero(rooted):
    values = np.random.default_rng(0).gamma(0.5, 3.0, (200, 5)).astype(np.float16)
    values[:, 2] = 7.0
    points = standardise(values, rooted=rooted)

    assert np.allclose(points.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(points.std(axis=0), [1, 1, 0, 1, 1], atol=1e-2)


def test_roots_keep_the_sign():
    assert standardise(np.array([[-9.0], [9.0]]), rooted=True).ravel().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("images, dimension", [(50, 20), (20, 50)])
def test_leading_components_keep_what_varies_most(images, dimension):
    points = np.random.default_rng(0).normal(0, 1, (images, dimension)) @ np.diag(np.linspace(3, 0.1, dimension))
    points = (points - points.mean(axis=0)).astype(np.float32)
    _, _, directions = np.linalg.svd(points, full_matrices=False)
    found, expected = leading_components(points, 5), points @ directions[:5].T

    assert np.allclose(found @ found.T, expected @ expected.T, atol=1e-2)
