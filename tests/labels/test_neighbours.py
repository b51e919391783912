"""Nearest neighbours, against brute force and votes counted by hand."""

import numpy as np

from auditor.labels.neighbours import Neighbours, class_votes, directions, nearest


def random_points(count, dimension=8, seed=0):
    return directions(np.random.default_rng(seed).normal(0, 1, (count, dimension)).astype(np.float16))


def test_they_are_those_of_brute_force(monkeypatch):
    monkeypatch.setattr("auditor.labels.neighbours.BLOCK", 500)         # several blocks of rows
    points = random_points(120)
    found = nearest(points, 7)
    close = points @ points.T
    np.fill_diagonal(close, -2)

    assert np.array_equal(found.indices, np.argsort(-close, axis=1)[:, :7])
    assert np.allclose(found.similarity, np.sort(close, axis=1)[:, ::-1][:, :7], atol=1e-6)


def test_a_copy_is_no_neighbour():
    points = random_points(20)
    points[5] = points[4]
    groups = [str(row) for row in range(20)]

    assert nearest(points, 3, groups=groups).indices[4, 0] == 5
    groups[5] = "4"
    assert 5 not in nearest(points, 3, groups=groups).indices[4]
    assert 4 not in nearest(points, 3, groups=groups).indices[5]


def test_an_image_without_an_embedding_has_no_neighbours_and_is_none():
    embeddings = np.random.default_rng(0).normal(0, 1, (6, 4))
    embeddings[2] = np.nan
    found = nearest(directions(embeddings), 5)

    assert (found.indices[2] == -1).all() and np.isnan(found.similarity[2]).all()
    assert 2 not in found.indices[[0, 1, 3, 4, 5]]
    assert (found.indices[0] >= 0).sum() == 4                    # fewer others than asked for


def test_only_some_images_may_be_found():
    among = np.arange(20) < 5
    found = nearest(random_points(20), 4, among=among)

    assert found.indices.max() < 5
    assert (found.indices[0] != 0).all()


def test_no_image_at_all():
    assert nearest(directions(np.zeros((0, 3))), 2).indices.shape == (0, 2)
    assert (nearest(directions(np.zeros((3, 0))), 2).indices == -1).all()


def test_votes_are_weighted_by_similarity_and_skip_what_has_no_label():
    neighbours = Neighbours(
        indices=np.array([[1, 2, 3], [0, -1, -1], [3, -1, -1], [-1, -1, -1]]),
        similarity=np.array([[0.8, 0.4, 0.9], [0.8, *[np.nan] * 2], [0.5, *[np.nan] * 2], [np.nan] * 3], np.float32),
    )
    votes = class_votes(neighbours, np.array([0, 1, 0, -1]), 2)

    assert np.allclose(votes[0], [0.2, 0.8])                     # 0.16 against 0.64
    assert votes[1].tolist() == [1, 0]
    assert np.isnan(votes[2:]).all()
