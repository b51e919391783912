"""The heatmaps of a flagged image: which classes are compared, by which method, and in which colours."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import auditor
from auditor.checks.copies import Copies
from auditor.classes.names import match_classes
from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.engines import Inferred, Outcome, Outcomes
from auditor.heatmaps.grad_cam import scale
from auditor.heatmaps.layers import contrast_layer
from auditor.images.decoding import resize
from auditor.images.reader import read_again
from auditor.scanning.classifier import Classifier
from auditor.scanning.judging import judge
from auditor.scanning.overlays import Overlays
from auditor.settings import Limits
from tests.backends.fake import FakeBackend

NAMES = ("cat", "dog", "fox")


def spotted(redness=255):
    """(32, 32, 3): grey, with one red cell, the second row's third."""
    image = np.full((32, 32, 3), 70, np.uint8)
    image[8:16, 16:24, 0] = redness
    return image


def inferred_of(backend, image):
    """What the scan keeps of an image."""
    found = backend.forward(resize(image, *backend.card.input_size)[None])
    none = np.empty(0, np.intp), np.empty((0, 4, 4), np.float16)
    return Inferred(found.probabilities[0], found.embedding[0].astype(np.float16), *none)


def overlays_of(images, labels, backend, *, folders=NAMES, class_map=None, occlusions=5):
    """Overlays for a folder of images (H, W, 3) with labels, -1 for none."""
    found = [
        Outcome(
            Sample("", f"{number:04}.png", None if label < 0 else folders[label], None),
            content=f"{number:08x}{0:056x}", size=1, inferred=inferred_of(backend, image),
        )
        for number, (image, label) in enumerate(zip(images, labels, strict=True))
    ]  # fmt: skip
    samples = tuple(outcome.sample for outcome in found)
    outcomes = Outcomes.collect(found, samples)
    match = match_classes(folders, backend.card.classes, class_map or {})
    dataset = Dataset(Path(), "drawn", samples, (), (), folders, ())
    judgement = judge(dataset, outcomes, Copies.none(), Classifier(backend, match, ()))
    return Overlays(backend, match, judgement, "inferno", occlusions), outcomes


def drawn(label, suggested=-1, *, folders=NAMES, backend=None, occlusions=5, image=None, class_map=None):
    """A single image: no probe judges it, so that the model's own maps are drawn."""
    backend, image = backend or FakeBackend(NAMES), spotted() if image is None else image
    overlays, (outcome,) = overlays_of([image], [label], backend, folders=folders, class_map=class_map,
                                       occlusions=occlusions)  # fmt: skip
    return overlays.draw(image, outcome.inferred, 0, suggested)


def pixels_of(layer):
    """(H, W, 4) RGBA of a heatmap."""
    return np.asarray(Image.open(io.BytesIO(layer.picture)).convert("RGBA")).astype(int)


def hottest(layer):
    """Row and column, among 4 x 4 cells, of what is least clear."""
    opacity = pixels_of(layer)[..., 3]
    y, x = np.unravel_index(opacity.argmax(), opacity.shape)
    return 4 * y // len(opacity), 4 * x // opacity.shape[1]


def described(views):
    return [(view.subject, view.against) for view in views]


def test_where_the_model_denies_the_label_the_given_class_and_the_contrast_follow():
    views, method = drawn(label=NAMES.index("dog"))             # one red cell is too little for a dog

    assert method == "Grad-CAM"
    assert described(views) == [("cat", None), ("dog", None), ("cat", "dog")]
    assert views[0].blank                                       # redness is evidence against a cat, nothing is for one
    assert not views[1].blank and not views[2].blank
    assert pixels_of(views[0])[..., 3].max() == 0
    assert hottest(views[1]) == hottest(views[2]) == (1, 2)
    contrast = pixels_of(views[2])
    red, _, blue, _ = contrast[3 * len(contrast) // 8, 5 * len(contrast) // 8]
    assert blue > red                                           # there it is a dog rather than a cat: below 0


def test_where_the_model_agrees_there_is_one_view_unless_a_rule_suggests_another_class():
    assert described(drawn(label=NAMES.index("cat"))[0]) == [("cat", None)]
    assert described(drawn(label=-1)[0]) == [("cat", None)]

    views, _ = drawn(label=NAMES.index("cat"), suggested=NAMES.index("fox"))

    assert described(views) == [("cat", None), ("fox", None), ("fox", "cat")]


def test_a_given_class_that_the_model_does_not_have_is_left_out():
    views, _ = drawn(label=3, folders=(*NAMES, "wolf"))

    assert described(views) == [("cat", None)]


def test_of_several_model_classes_for_one_folder_class_the_most_probable_is_shown():
    backend = FakeBackend(("cat", "dog", "hound"))
    best = 1 + int(inferred_of(backend, spotted()).probabilities[1:].argmax())
    chosen = drawn(1, folders=("cat", "dog"), backend=backend, class_map={"hound": "dog"})[0]
    other = FakeBackend(("cat", "dog", "hound"))
    other.head.layers[0].weights[:, 3 - best] = 0               # the class that is not shown could be any

    assert described(chosen) == [("cat", None), ("dog", None), ("cat", "dog")]
    assert chosen[1] == drawn(1, folders=("cat", "dog"), backend=other, class_map={"hound": "dog"})[0][1]


def test_without_a_head_maps_are_made_by_occlusion_as_often_as_allowed():
    backend = FakeBackend(NAMES, no_head="its head is out of sight")
    overlays, (outcome,) = overlays_of([spotted()], [1], backend, occlusions=2)
    assert overlays.at_least == 64                              # pixels, so that the model can be run again

    found = [overlays.draw(spotted(), outcome.inferred, 0, -1) for _ in range(3)]

    assert [method for _, method in found] == ["occlusion", "occlusion", None]
    assert [len(views) for views, _ in found] == [3, 3, 0]
    assert hottest(found[0][0][1]) == (1, 2)


def pets(backend, **options):
    """A folder of forty pictures in two classes that the probe learns, a spotted one among the plain ones."""
    rng = np.random.default_rng(0)
    noise = rng.integers(-20, 20, (40, 32, 32, 3))
    images = [
        np.clip(spotted(70 if number % 2 else 240).astype(int) + noise[number] // 3, 0, 255).astype(np.uint8)
        for number in range(40)
    ]
    labels = [number % 2 for number in range(40)]
    labels[0] = 1                                               # spotted, but called plain
    return images, *overlays_of(images, labels, backend, folders=("spotted", "plain"), **options)


def test_heatmaps_are_of_the_folders_classes_whatever_the_model_calls_its_own():
    images, overlays, outcomes = pets(FakeBackend(("tree", "house")))

    views, method = overlays.draw(images[0], outcomes[0].inferred, 0, -1)

    assert method == "Grad-CAM"
    assert described(views) == [("spotted", None), ("plain", None), ("spotted", "plain")]
    assert hottest(views[0]) == (1, 2)                          # the spot is why it is spotted


def test_the_probes_map_is_its_weights_by_the_chain_rule():
    """A cell's evidence: what it adds to the mean of the features, times the slope of the probe's logit there."""
    backend = FakeBackend(("tree", "house"))
    images, overlays, outcomes = pets(backend)
    probe, row = overlays.judgement.probe, 2
    features = backend.forward(images[row][None]).features[0].astype(float)                 # (4, 4, 8)
    pooled = outcomes[row].inferred.embedding.astype(float)
    slope, step = np.zeros(8), 1e-3
    for feature in range(8):
        moved = np.tile(pooled, (2, 1))
        moved[:, feature] += [step, -step]
        logs = np.log(np.maximum(probe.answer(row, moved), 1e-30))
        slope[feature] = ((logs[0, 0] - logs[0, 1]) - (logs[1, 0] - logs[1, 1])) / (2 * step)
    by_hand = features @ slope                                  # (4, 4), for the first class against the second

    views, method = overlays.draw(images[row], outcomes[row].inferred, row, 1)

    assert method == "Grad-CAM"
    assert described(views)[2] == ("plain", "spotted")
    expected = replace(views[2], picture=contrast_layer(scale(-by_hand)))
    assert np.abs(pixels_of(views[2]) - pixels_of(expected))[..., 3].max() <= 12      # one level of opacity


def test_without_features_the_probe_is_asked_about_covered_pictures():
    backend = FakeBackend(("tree", "house"), no_head="its head is out of sight")
    images, overlays, outcomes = pets(backend, occlusions=1)

    views, method = overlays.draw(images[2], outcomes[2].inferred, 2, -1)
    further = overlays.draw(images[4], outcomes[4].inferred, 4, -1)

    assert method == "occlusion"
    assert described(views) == [("spotted", None)]
    assert hottest(views[0]) == (1, 2)
    assert further == ((), None)                                # one was allowed


@pytest.fixture
def folder(tmp_path, place):
    rng = np.random.default_rng(1)
    redness = {"cat": [0] * 10 + [120] * 3, "dog": [120] * 10}  # the last three cats look like dogs
    for name, amounts in redness.items():
        for number, amount in enumerate(amounts):
            image = rng.normal(80, 6, (64, 64, 3))
            image[..., 0] += amount
            place(np.clip(image, 0, 255).astype(np.uint8), tmp_path / name / f"{number:02}.png")
    return tmp_path


def test_a_scan_shows_why_the_predicted_why_the_given_and_why_not(folder):
    evidence = auditor.scan(folder, backend=FakeBackend()).evidence["cat/10.png"]

    assert (evidence.method, evidence.colours) == ("Grad-CAM", "inferno")
    assert described(evidence.heatmaps) == [("dog", None), ("cat", None), ("dog", "cat")]
    assert evidence.content == hashlib.sha256((folder / "cat" / "10.png").read_bytes()).hexdigest()
    thumbnail = Image.open(io.BytesIO(evidence.thumbnail))
    assert (thumbnail.format, *thumbnail.size) == ("WEBP", evidence.width, evidence.height)
    for each in evidence.heatmaps:
        layer = Image.open(io.BytesIO(each.picture))
        assert layer.format == "PNG" and len(each.picture) < 700


def test_a_scan_of_a_model_without_a_head_says_that_its_maps_are_occlusion_maps(folder):
    backend = FakeBackend(no_head="its head is out of sight")

    audit = auditor.scan(folder, backend=backend, max_occlusion=2)

    shown = [evidence for evidence in audit.evidence.values() if evidence.source]
    assert len(shown) >= 3
    assert [bool(evidence.heatmaps) for evidence in shown[:3]] == [True, True, False]
    assert {evidence.method for evidence in shown[:2]} == {"occlusion"}
    note = next(note for note in audit.notes if "occlusion" in note)
    assert "not Grad-CAM: its head is out of sight" in note
    assert f"2 of the {len(shown)} images with a flagged label have one (max_occlusion 2)" in note


def test_a_scan_without_any_map_says_why(folder):
    backend = FakeBackend(no_head="its head is out of sight")

    audit = auditor.scan(folder, backend=backend, max_occlusion=0)

    assert any(note == "There are no heatmaps: its head is out of sight" for note in audit.notes)
    assert not any(evidence.heatmaps for evidence in audit.evidence.values())


def test_the_colours_are_those_that_were_asked_for(folder):
    jet, inferno = (
        auditor.scan(folder, backend=FakeBackend(), colours=name).evidence["cat/10.png"]
        for name in ("jet", "inferno")
    )

    assert (jet.colours, inferno.colours) == ("jet", "inferno")
    assert jet.heatmaps[0] != inferno.heatmaps[0] and jet.thumbnail == inferno.thumbnail


def test_pictures_are_read_again_under_the_users_own_limit(tmp_path, photo, place):
    sample = Sample(str(place(photo, tmp_path / "a.png")), "a.png", None, None)
    pixels = photo.shape[0] * photo.shape[1]

    assert read_again(sample, 32, Limits(pixels)) is not None
    assert read_again(sample, 32, Limits(pixels - 1)) is None
