"""Off-topic images on hand-made embeddings."""

import numpy as np
import pytest

from auditor.checks.outlier import Outlier
from auditor.checks.stored import StoredImage
from auditor.labels.remoteness import remoteness, robust_z
from tests.checks.judged import judged


def two_kinds(count=300, dimension=40, off=6, seed=0):
    """Two clusters, one a class, and then some images that are like each other and unlike all others."""
    rng = np.random.default_rng(seed)
    base, middles = rng.normal(0, 1, dimension), rng.normal(0, 0.6, (2, dimension))
    labels = np.arange(count) % 2
    usual = 3 * base + middles[labels] + rng.normal(0, 0.4, (count, dimension))
    strange = 3 * rng.normal(0, 1, dimension) + rng.normal(0, 0.2, (off, dimension))
    return np.concatenate([usual, strange]), np.concatenate([labels, np.arange(off) % 2])


@pytest.mark.parametrize("off", [1, 6, 15])
def test_a_group_of_off_topic_images_is_found_though_they_are_like_each_other(off):
    embeddings, labels = two_kinds(off=off)
    result = Outlier().run(judged(labels, embeddings=embeddings))

    assert np.flatnonzero(result.flagged).tolist() == list(range(300, 300 + off))
    assert result.score[300:].max() < 0.5 < result.score[:300].min()
    assert "standard deviations further than usual" in result.messages[300]
    assert result.messages[0] == ""


def test_a_wrong_label_is_no_outlier():
    embeddings, labels = two_kinds(off=0)
    labels[::20] = 1 - labels[::20]

    assert not Outlier().run(judged(labels, embeddings=embeddings)).flagged.any()


@pytest.mark.parametrize("change", ["rotated", "shifted", "rectified", "scaled"])
def test_it_works_on_the_embeddings_of_other_networks(change):
    embeddings, labels = two_kinds(off=6)
    rng = np.random.default_rng(1)
    if change == "rotated":
        embeddings = embeddings @ np.linalg.qr(rng.normal(0, 1, (40, 40)))[0]
    if change == "shifted":
        embeddings = embeddings + 20 * rng.normal(0, 1, 40)
    if change == "rectified":
        embeddings = np.maximum(embeddings @ rng.normal(0, 0.2, (40, 400)), 0)
    if change == "scaled":
        embeddings = embeddings * 1e-3

    assert Outlier().run(judged(labels, embeddings=embeddings)).flagged[300:].all()


def test_images_of_which_none_is_unusual_are_not_flagged():
    embeddings = np.random.default_rng(2).normal(0, 1, (500, 30)) + 2

    assert Outlier().run(judged(np.zeros(500, int), embeddings=embeddings)).flagged.mean() <= 0.005


def test_the_most_similar_image_is_named():
    embeddings, labels = two_kinds(off=1)
    near = np.full((301, 2), -1, np.int32)
    similarity = np.full((301, 2), np.nan, np.float32)
    near[300, 0], similarity[300, 0] = 7, 0.25
    result = Outlier().run(judged(labels, embeddings=embeddings, neighbours=near, similarity=similarity))

    assert result.messages[300].endswith("The most similar image is 7.jpg (similarity 0.25).")


@pytest.mark.parametrize("count", [0, 1, 5, 19, 20, 60])
@pytest.mark.parametrize("kind", ["missing", "constant", "zero", "no features"])
def test_nothing_to_go_by(count, kind):
    embeddings = {
        "missing": np.full((count, 4), np.nan),
        "constant": np.full((count, 4), 3.0),
        "zero": np.zeros((count, 4)),
        "no features": np.zeros((count, 0)),
    }[kind]
    result = Outlier().run(judged(np.full(count, -1), embeddings=embeddings))

    assert len(result.score) == count
    assert not result.flagged.any()


def test_an_image_without_an_embedding_is_not_judged():
    embeddings, labels = two_kinds(off=6)
    embeddings[3] = np.nan
    distance = remoteness(embeddings.astype(np.float16), labels)

    assert np.isnan(distance[3])
    assert np.isfinite(np.delete(distance, 3)).all()


def test_the_same_embeddings_give_the_same_distances():
    embeddings, labels = two_kinds()

    assert remoteness(embeddings, labels).tobytes() == remoteness(embeddings, labels).tobytes()


def test_a_robust_z_score_ignores_the_few():
    values = np.array([1, 2, 3, 4, 1000.0])

    assert robust_z(values)[:4] == pytest.approx([-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826])
    assert robust_z(np.full(5, 7.0)).tolist() == [0] * 5


def test_it_says_why_not():
    assert "3.5 standard deviations" in Outlier.why_not(StoredImage({}, {"spread": 3.5}, True, True))
