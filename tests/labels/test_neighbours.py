"""Nearest neighbours compared with brute force, and votes counted by hand."""

import numpy as np

from auditor.labels import neighbours
from auditor.labels.neighbours import Directions, Neighbours, class_votes, nearest, nearest_of_classes


def points_of(embeddings):
    return Directions.fit(embeddings).of_all(embeddings)


def random_points(count, dimension=8, seed=0):
    return points_of(np.random.default_rng(seed).normal(0, 1, (count, dimension)).astype(np.float16))


def test_they_agree_with_brute_force(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 500)         # several blocks of rows
    points = random_points(120)
    found = nearest(points, 7)
    close = points @ points.T
    np.fill_diagonal(close, -2)

    assert np.array_equal(found.indices, np.argsort(-close, axis=1)[:, :7])
    assert np.allclose(found.similarity, np.sort(close, axis=1)[:, ::-1][:, :7], atol=1e-6)


def test_a_copy_is_not_a_neighbour():
    points = random_points(20)
    points[5] = points[4]
    groups = [str(row) for row in range(20)]

    assert nearest(points, 3, groups=groups).indices[4, 0] == 5
    groups[5] = "4"
    assert 5 not in nearest(points, 3, groups=groups).indices[4]
    assert 4 not in nearest(points, 3, groups=groups).indices[5]


def test_an_image_without_an_embedding_has_no_neighbours_and_is_not_one():
    embeddings = np.random.default_rng(0).normal(0, 1, (6, 4))
    embeddings[2] = np.nan
    found = nearest(points_of(embeddings), 5)

    assert (found.indices[2] == -1).all() and np.isnan(found.similarity[2]).all()
    assert 2 not in found.indices[[0, 1, 3, 4, 5]]
    assert (found.indices[0] >= 0).sum() == 4                    # fewer others than asked for


def test_the_search_can_be_limited_to_some_images():
    among = np.arange(20) < 5
    found = nearest(random_points(20), 4, among=among)

    assert found.indices.max() < 5
    assert (found.indices[0] != 0).all()


def test_no_image_at_all():
    assert nearest(points_of(np.zeros((0, 3))), 2).indices.shape == (0, 2)
    assert (nearest(points_of(np.zeros((3, 0))), 2).indices == -1).all()


def test_votes_are_weighted_by_similarity_and_skip_unlabelled_images():
    neighbours = Neighbours(
        indices=np.array([[1, 2, 3], [0, -1, -1], [3, -1, -1], [-1, -1, -1]]),
        similarity=np.array([[0.8, 0.4, 0.9], [0.8, *[np.nan] * 2], [0.5, *[np.nan] * 2], [np.nan] * 3], np.float32),
    )
    votes = class_votes(neighbours, np.array([0, 1, 0, -1]), 2)

    assert np.allclose(votes[0], [0.2, 0.8])                     # 0.16 against 0.64
    assert votes[1].tolist() == [1, 0]
    assert np.isnan(votes[2:]).all()


def test_the_nearest_of_a_class_agree_with_brute_force_without_copies(monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS", 16)           # several blocks
    embeddings = np.random.default_rng(3).normal(0, 1, (70, 12)).astype(np.float16)
    embeddings[9] = embeddings[4]
    embeddings[20] = np.nan
    labels, contents = np.arange(70) % 3, [str(row) for row in range(70)]
    contents[9] = contents[4]
    directions = Directions.fit(embeddings)
    points = directions.of_all(embeddings)

    pairs = [(4, 0), (4, 1), (7, 2), (11, 5)]
    found = nearest_of_classes(directions, embeddings, labels, contents, pairs, 3)

    for (row, label), near in zip(pairs, found, strict=True):
        others = [
            other for other in np.flatnonzero(labels == label) if contents[other] != contents[row] and other != 20
        ]
        best = sorted(others, key=lambda other: -float(points[other] @ points[row]))[:3]
        assert [other for other, _ in near] == best
        np.testing.assert_allclose([close for _, close in near], points[best] @ points[row], atol=1e-6)


def clustered_points(count=3000, dimension=16, clusters=30):
    rng = np.random.default_rng(4)
    middles = rng.normal(0, 1, (clusters, dimension))
    return points_of(middles[rng.integers(0, clusters, count)] + rng.normal(0, 0.2, (count, dimension)))


def few_compared(monkeypatch):
    for name, value in (("EXACT_UP_TO", 100), ("IN_CELL", 50), ("COMPARED", 600)):
        monkeypatch.setattr(neighbours, name, value)


def test_among_many_images_nearly_all_neighbours_are_found(monkeypatch):
    points = clustered_points()
    true = nearest(points, 10)
    few_compared(monkeypatch)
    found = nearest(points, 10)

    assert (found.indices[:, :, None] == true.indices[:, None]).any(axis=1).mean() > 0.9
    rows = np.arange(len(points))[:, None]
    assert np.allclose(found.similarity, (points[rows] * points[found.indices]).sum(axis=2), atol=1e-5)
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    assert np.array_equal(found.indices, nearest(points, 10).indices)


def test_among_many_images_copies_and_images_that_may_not_be_found_are_left_out(monkeypatch):
    few_compared(monkeypatch)
    points = clustered_points()
    points[7], points[11] = np.nan, points[10]
    groups = [str(row // 2) for row in range(len(points))]
    among = np.arange(len(points)) % 3 > 0
    found = nearest(points, 5, groups=groups, among=among)

    rows = np.arange(len(points))
    assert (found.indices[7] == -1).all() and not (found.indices == 7).any()
    assert not (found.indices == rows[:, None]).any()
    assert not ((found.indices // 2 == rows[:, None] // 2) & (found.indices >= 0)).any()
    assert among[found.indices[found.indices >= 0]].all()


def test_many_equal_images_are_not_all_compared(monkeypatch):
    few_compared(monkeypatch)
    points = points_of(np.concatenate([np.ones((3000, 3)), np.random.default_rng(0).normal(0, 1, (50, 3))]))

    assert (nearest(points, 4).indices[:3000] >= 0).all()
