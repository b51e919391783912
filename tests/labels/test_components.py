"""Standardised features and their principal components, compared with numpy's SVD and finite differences."""

import numpy as np
import pytest

from auditor.labels import components
from auditor.labels.components import Standard


def features(images=200, dimension=5, seed=0):
    """Skewed values as after a ReLU, but of both signs, and not near 0, where a root is steep."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1, 1], (images, dimension)) * (0.2 + rng.gamma(0.5, 3.0, (images, dimension)))


@pytest.mark.parametrize("rooted", [False, True])
def test_points_have_mean_0_and_deviation_1_and_a_constant_feature_stays_0(rooted):
    values = features().astype(np.float16)
    values[:, 2] = 7.0
    points = Standard.fit(values, rooted=rooted).points(values)

    assert np.allclose(points.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(points.std(axis=0), [1, 1, 0, 1, 1], atol=1e-2)


def test_blocks_change_nothing(monkeypatch):
    values = features(150, 4)
    whole = Standard.fit(values, rooted=True).reduced(values, 3)
    monkeypatch.setattr(components, "BLOCK", 28)      # seven rows at a time
    blocks = Standard.fit(values, rooted=True).reduced(values, 3)

    assert np.allclose(blocks.mean, whole.mean, atol=1e-6) and np.allclose(blocks.deviation, whole.deviation, atol=1e-5)
    assert np.allclose(np.abs(blocks.basis.T @ whole.basis), np.eye(3), atol=1e-4)


def test_roots_keep_the_sign():
    values = np.array([[-9.0], [9.0]])

    assert Standard.fit(values, rooted=True).points(values).ravel().tolist() == [-1.0, 1.0]


def test_the_embeddings_of_the_caller_are_not_changed():
    values = features().astype(np.float32)
    copy = values.copy()
    Standard.fit(values, rooted=True).reduced(values, 2).points(values)

    assert np.array_equal(values, copy)


@pytest.mark.parametrize(("images", "dimension"), [(50, 20), (20, 50)])
def test_leading_components_keep_the_largest_variance(images, dimension):
    values = np.random.default_rng(0).normal(0, 1, (images, dimension))
    standard = Standard.fit(values, rooted=False)
    points = standard.points(values)
    _, _, directions = np.linalg.svd(points, full_matrices=False)
    reduced = standard.reduced(values, 5)
    found, expected = reduced.points(values), points @ directions[:5].T

    assert reduced.dimension == 5 and standard.dimension == dimension
    assert np.allclose(found @ found.T, expected @ expected.T, atol=1e-2)
    assert (np.diff(found.var(axis=0)) < 0).all()


@pytest.mark.parametrize(("images", "dimension"), [(6, 30), (20, 2048), (300, 2048)])
def test_with_fewer_images_than_dimensions_distances_stay_the_same(images, dimension):
    values = features(images, dimension)
    standard = Standard.fit(values, rooted=True)
    reduced = standard.reduced(values, dimension)
    points, rotated = standard.points(values), reduced.points(values)

    assert reduced.dimension == images - 1                      # they are centred
    assert np.allclose(reduced.basis.T @ reduced.basis, np.eye(images - 1), atol=1e-4)
    assert np.allclose(rotated @ rotated.T, points @ points.T, atol=1e-3 * dimension)


@pytest.mark.parametrize("rooted", [False, True])
@pytest.mark.parametrize("components", [None, 3])
@pytest.mark.parametrize("images", [200, 4])                        # fewer images than dimensions
def test_pulled_back_directions_agree_with_finite_differences(rooted, components, images):
    values = features(images, 6)
    standard = Standard.fit(values, rooted=rooted)
    if components is not None:
        standard = standard.reduced(values, components)
    some = values[:3]
    directions = np.random.default_rng(1).normal(size=(3, 2, standard.dimension)).astype(np.float32)

    found = standard.pull_back(directions, some)                                            # (3, 2, 6)

    step = 1e-2
    for feature in range(6):
        there, back = some.copy(), some.copy()
        there[:, feature] += step
        back[:, feature] -= step
        rise = np.einsum("nd,ncd->nc", standard.points(there) - standard.points(back), directions) / (2 * step)
        assert np.allclose(found[:, :, feature], rise, rtol=2e-2, atol=2e-3)


def test_a_feature_that_is_0_has_derivative_0_through_its_root():
    values = np.array([[0.0, 4.0], [1.0, 1.0], [4.0, 9.0]])
    standard = Standard.fit(values, rooted=True)
    found = standard.pull_back(np.ones((1, 1, 2), np.float32), values[:1])

    assert found[0, 0, 0] == 0
    assert found[0, 0, 1] == pytest.approx(0.25 / np.std([2.0, 1.0, 3.0]))


@pytest.mark.parametrize("rooted", [True, False])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("kinds", [2, 1000])
def test_images_that_differ_in_one_direction_alone_can_be_compacted(rooted, noise, kinds):
    rng = np.random.default_rng(1)
    shade = rng.normal(0, 1, kinds)[np.arange(1000) % kinds]
    embeddings = shade[:, None] * rng.normal(0, 1, (1, 2048)) + noise * rng.normal(0, 1, (1000, 2048))

    standard = Standard.fit(embeddings.astype(np.float16), rooted=rooted)
    points = standard.compact(embeddings.astype(np.float16)).points(embeddings.astype(np.float16))

    assert points.shape == (1000, 1000) and np.isfinite(points).all()
