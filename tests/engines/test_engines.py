"""Engines: one outcome per sample, in order, for every batch size; the same contract for all engines."""

import numpy as np
import pytest

from auditor.backends.base import Forward
from auditor.data.sample import LocalFiles, Sample
from auditor.engines import Decoded, Inferred, LocalEngine, Outcomes, Task
from auditor.engines.base import Known
from auditor.engines.serial import SerialEngine
from auditor.engines.steps import ALL_MAPS_UP_TO, TOP_MAPS
from auditor.heatmaps.grad_cam import class_heatmaps, contrast_heatmap, scale
from auditor.images import reader
from auditor.images.decoding import decode, resize
from auditor.settings import Limits
from tests.backends.fake import FakeBackend

ENGINES = [LocalEngine(), SerialEngine()]


@pytest.fixture
def samples(tmp_path, draw, place):
    files = [place(draw(number), tmp_path / f"{number:02}.png") for number in range(23)]
    files[5].write_bytes(b"")
    files[11].unlink()
    return [Sample(path.name, path.name, "cat", None, LocalFiles(str(tmp_path))) for path in files]


@pytest.fixture(params=ENGINES, ids=lambda engine: type(engine).__name__)
def engine(request):
    return request.param


def outcomes(samples, backend=None, engine=ENGINES[0], **options):
    task = Task(**{"backend": backend or FakeBackend(), "batch_size": 4, "threads": 2} | options)
    return list(engine.run(samples, task))


class Remembers:
    """A memory with the results of an earlier pass."""

    def __init__(self, earlier, *, pixels=True, forward=True):
        self.earlier = {outcome.content: outcome for outcome in earlier if outcome.failure is None}
        self.pixels, self.forward = pixels, forward

    def known(self, content):
        found = self.earlier.get(content)
        if found is None:
            return Known()
        return Known(None, found.decoded if self.pixels else None, found.inferred if self.forward else None)


class Counts(FakeBackend):
    """Counts the images of all forward passes."""

    shown = 0

    def forward(self, images):
        self.shown += len(images)
        return super().forward(images)


def test_outcomes_come_in_the_order_of_the_samples(samples, engine):
    found = outcomes(samples, engine=engine)

    assert [outcome.sample for outcome in found] == samples
    assert [row for row, outcome in enumerate(found) if outcome.failure] == [5, 11]
    assert found[5].failure == "empty file (0 bytes)"
    assert "No such file" in found[11].failure


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_size_of_batches_changes_nothing(samples, batch_size, engine):
    for left, right in zip(outcomes(samples), outcomes(samples, engine=engine, batch_size=batch_size), strict=True):
        assert (left.content, left.decoded) == (right.content, right.decoded)
        if left.inferred is not None:
            np.testing.assert_allclose(left.inferred.probabilities, right.inferred.probabilities, atol=1e-6)
            np.testing.assert_array_equal(left.inferred.maps, right.inferred.maps)


def test_without_a_model_images_are_read_and_nothing_is_inferred(samples, engine):
    found = list(engine.run(samples, Task(None, threads=2)))

    assert [row for row, outcome in enumerate(found) if outcome.failure] == [5, 11]
    assert all(outcome.inferred is None for outcome in found)
    assert found[0].decoded == Decoded("PNG", "RGB", 128, 96)


def test_images_with_both_results_known_are_neither_decoded_nor_inferred_on(samples, engine, monkeypatch):
    earlier, backend = outcomes(samples), Counts()
    monkeypatch.setattr(reader, "decode", None)   # would raise TypeError

    found = outcomes(samples[:5], backend, engine, memory=Remembers(earlier))

    assert backend.shown == 0
    assert [outcome.inferred for outcome in found] == [outcome.inferred for outcome in earlier[:5]]
    assert [outcome.decoded for outcome in found] == [outcome.decoded for outcome in earlier[:5]]


@pytest.mark.parametrize(("pixels", "forward", "shown"), [(True, False, 21), (False, True, 0)])
def test_images_with_one_result_known_are_inferred_on_only_if_needed(samples, engine, pixels, forward, shown):
    earlier, backend = outcomes(samples), Counts()

    found = outcomes(samples, backend, engine, memory=Remembers(earlier, pixels=pixels, forward=forward))

    assert backend.shown == shown
    assert [outcome.decoded for outcome in found] == [outcome.decoded for outcome in earlier]
    assert all((one.inferred is None) == (other.inferred is None) for one, other in zip(found, earlier, strict=True))


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
    found = outcomes(samples[:1], FakeBackend(no_head="its head cannot be read"))[0].inferred

    assert len(found.map_classes) == len(found.maps) == 0 and found.heatmap(0) is None


def test_an_embedding_beyond_half_precision_stays_finite(samples):
    class Loud(FakeBackend):
        def forward(self, images):
            quiet = super().forward(images)
            return Forward(quiet.probabilities, quiet.embedding * np.float32(1e9), quiet.features)

    assert np.isfinite(outcomes(samples[:1], Loud())[0].inferred.embedding).all()


def test_a_file_over_the_limit_is_not_read(samples, engine):
    found = outcomes(samples[:1], engine=engine, limits=Limits(max_bytes=10))[0]

    assert "limit" in found.failure
    assert found.content == ""


def test_without_samples_there_are_no_outcomes(engine):
    assert outcomes([], engine=engine) == []


def test_outcomes_are_kept_as_arrays_and_returned_unchanged(samples):
    found = outcomes(samples)

    kept = Outcomes.collect(iter(found), samples)

    assert len(kept) == len(found)
    assert kept.embeddings.dtype == np.float16 and kept.probabilities.shape == (23, 2)
    for one, other in zip(kept, found, strict=True):
        assert (one.sample, one.content, one.size, one.failure, one.decoded) == (
            other.sample, other.content, other.size, other.failure, other.decoded,
        )  # fmt: skip
        if other.inferred is None:
            assert one.inferred is None
            continue
        for name in ("probabilities", "embedding", "map_classes", "maps"):
            np.testing.assert_array_equal(getattr(one.inferred, name), getattr(other.inferred, name))


def test_files_that_failed_before_the_engine_are_sorted_in_by_name(samples):
    lost = Sample("07b.png", "07b.png", None, None)

    kept = Outcomes.collect(outcomes(samples), samples, [(lost, "line 3: no such file")])

    assert [sample.file for sample in kept.samples] == sorted(sample.file for sample in [*samples, lost])
    assert kept[8].failure == "line 3: no such file" and kept[8].content == ""
    assert kept[9].sample.file == "08.png" and kept[9].inferred is not None


def test_without_inference_the_arrays_have_no_columns(samples):
    kept = Outcomes.collect(outcomes(samples[5:6]), samples[5:6])

    assert kept.embeddings.shape == kept.probabilities.shape == (1, 0)
    assert isinstance(outcomes(samples)[0].inferred, Inferred)
