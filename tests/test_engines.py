"""The pixel pass: one outcome for each sample, in order, whatever the batches."""

import numpy as np
import pytest
from backends.fake import FakeBackend

from auditor.backends.base import Forward
from auditor.dataset import Sample
from auditor.engines import run_pass
from auditor.engines.local import ALL_MAPS_UP_TO, TOP_MAPS
from auditor.heatmap import class_heatmaps, contrast_heatmap, scale
from auditor.images import decode, resize


@pytest.fixture
def samples(tmp_path, draw, place):
    files = [place(draw(number), tmp_path / f"{number:02}.png") for number in range(23)]
    files[5].write_bytes(b"")
    files[11].unlink()
    return [Sample(path, path.name, "cat", None) for path in files]


def outcomes(samples, backend=None, **options):
    options = {"batch_size": 4, "threads": 2, "max_pixels": 10**8} | options
    return list(run_pass(samples, backend or FakeBackend(), **options))


def test_outcomes_come_in_the_order_of_the_samples(samples):
    found = outcomes(samples)

    assert [outcome.sample for outcome in found] == samples
    assert [row for row, outcome in enumerate(found) if outcome.failure] == [5, 11]
    assert found[5].failure == "empty file (0 bytes)"
    assert "No such file" in found[11].failure


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_size_of_batches_changes_nothing(samples, batch_size):
    for left, right in zip(outcomes(samples), outcomes(samples, batch_size=batch_size), strict=True):
        assert (left.content, left.decoded) == (right.content, right.decoded)
        if left.inferred is not None:
            np.testing.assert_allclose(left.inferred.probabilities, right.inferred.probabilities, atol=1e-6)
            np.testing.assert_array_equal(left.inferred.maps, right.inferred.maps)


def test_few_classes_keep_all_their_maps_and_many_only_the_most_probable(samples):
    few = outcomes(samples[:1])[0].inferred
    many = outcomes(samples[:1], FakeBackend([f"class {n}" for n in range(ALL_MAPS_UP_TO + 1)]))[0].inferred

    assert few.map_classes.tolist() == [0, 1]
    assert len(many.map_classes) == len(many.maps) == TOP_MAPS
    assert many.map_classes[0] == many.probabilities.argmax()


def test_the_maps_that_are_kept_give_heatmaps_and_their_difference_gives_contrasts(samples):
    backend = FakeBackend(("ant", "bee", "cow"))
    found = outcomes(samples[:1], backend)[0].inferred
    ran = backend.forward(resize(decode(samples[0].path.read_bytes()).pixels, *backend.card.input_size)[None])
    weights = backend.head.jacobian(ran.embedding, np.arange(3))[0]     # (C, K)

    contrast = contrast_heatmap(ran.features[0], weights[2], weights[0])

    np.testing.assert_allclose(found.heatmap(2), class_heatmaps(ran.features[0], weights)[2], atol=2e-3)
    np.testing.assert_allclose(scale(found.map_of(2) - found.map_of(0)), contrast, atol=2e-3)
    assert found.heatmap(7) is None and found.map_of(7) is None


def test_without_a_head_no_maps_are_kept(samples):
    found = outcomes(samples[:1], FakeBackend(no_head="it keeps its head to itself"))[0].inferred

    assert len(found.map_classes) == len(found.maps) == 0 and found.heatmap(0) is None


def test_an_embedding_beyond_half_precision_stays_finite(samples):
    class Loud(FakeBackend):
        def forward(self, images):
            quiet = super().forward(images)
            return Forward(quiet.probabilities, quiet.embedding * np.float32(1e9), quiet.features)

    assert np.isfinite(outcomes(samples[:1], Loud())[0].inferred.embedding).all()


def test_a_file_over_the_limit_is_not_read(samples, monkeypatch):
    monkeypatch.setattr("auditor.engines.local.MAX_FILE_BYTES", 10)

    found = outcomes(samples[:1])[0]

    assert "limit" in found.failure
    assert found.content == ""


def test_no_samples_no_outcomes():
    assert outcomes([]) == []
