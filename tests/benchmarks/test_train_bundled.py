"""How the bundled model is made: the head that is fitted, what is held out, and the embeddings that are kept."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="making the bundled model needs auditor[tensorflow]")

from auditor.data.sample import Sample
from benchmarks.train_bundled import HELD_OUT, Photo, embeddings, fit_head


def photos(count):
    """Their hashes are all different in the last digits, so that one in ten is held out."""
    return [
        Photo(Sample(f"{number}.jpg", f"{number}.jpg", "cat", None), number % 2, f"{7919 * number:064x}")
        for number in range(count)
    ]


def test_one_photograph_in_ten_is_held_out_by_its_content():
    drawn = photos(2000)

    assert sum(photo.held_out for photo in drawn) == len(drawn) / HELD_OUT


def test_the_head_answers_in_the_features_own_scale():
    """Feature 3, far from 0 and small, separates the classes; the others are large noise."""
    drawn, stickers = photos(400), 200
    labels = np.array([photo.label for photo in drawn] + [number % 2 for number in range(stickers)])
    points = np.random.default_rng(0).normal(50, 3, (len(labels), 6))
    points[:, 3] = 10 + 4 * labels + np.random.default_rng(1).normal(0, 0.3, len(labels))

    (kernel, bias), measured = fit_head(points.astype(np.float16), drawn, stickers)

    assert kernel.shape == (6, 2) and np.allclose(kernel[:, 0], -kernel[:, 1])
    assert ((points @ kernel + bias).argmax(axis=1) == labels).all()
    assert measured["accuracy_photographs_held_out"] == measured["accuracy_stickers_held_out"] == 1
    assert measured["photographs_held_out"] == 40 and measured["stickers_held_out"] == 20
    assert measured["photographs_trained_on"] + measured["stickers_trained_on"] == 540


def test_embeddings_that_are_kept_are_not_computed_again(tmp_path):
    import keras

    image = keras.Input((224, 224, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D(name="avg_pool")(image))
    kept = tmp_path / "kept.npz"

    first = embeddings(model, [], 3, "one backbone", kept)
    grown = embeddings(model, [], 5, "one backbone", kept)
    with np.load(kept) as archive:
        contents = archive["contents"].tolist()
    np.savez(kept, embeddings=np.zeros((5, 3), np.float16), contents=contents, files=[""] * 5, backbone="one backbone")

    assert first.shape == (3, 3) and np.array_equal(grown[:3], first)
    assert not embeddings(model, [], 5, "one backbone", kept).any()                     # used as they are
    assert np.array_equal(embeddings(model, [], 5, "another backbone", kept), grown)
