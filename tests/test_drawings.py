"""The heatmaps of a flagged image: which classes are set beside each other, from what, and in which colours."""

import cv2
import numpy as np
import pytest
from backends.fake import FakeBackend

import auditor
from auditor.classes import match_classes
from auditor.dataset import Sample
from auditor.drawings import VIEW_SIDE, Drawings
from auditor.engines.base import Inferred
from auditor.evidence import read_again

NAMES = ("cat", "dog", "fox")


def spotted():
    """(32, 32, 3): grey, with one red cell, the second row's third."""
    image = np.full((32, 32, 3), 70, np.uint8)
    image[8:16, 16:24, 0] = 255
    return image


def inferred_of(backend, image):
    """What the scan keeps of an image."""
    from auditor.engines.local import _inferred

    return next(iter(_inferred(backend.forward(image[None]), backend.head)))


def drawn(label, suggested=-1, *, folders=NAMES, backend=None, occlusions=5, image=None):
    backend = backend or FakeBackend(NAMES)
    image = spotted() if image is None else image
    drawings = Drawings(backend, match_classes(folders, NAMES, {}), "inferno", occlusions)
    return drawings.draw(image, 32, inferred_of(backend, image), label, suggested)


def change(view, image):
    """(H, W): how far a view is from the picture."""
    return np.abs(view.pixels.astype(int) - cv2.resize(image, view.pixels.shape[1::-1])).sum(axis=-1)


def described(views):
    return [(view.subject, view.against) for view in views]


def test_where_the_model_denies_the_label_the_given_class_and_the_contrast_follow():
    views, method = drawn(label=NAMES.index("dog"))             # one red cell is too little for a dog

    assert method == "Grad-CAM"
    assert described(views) == [("cat", None), ("dog", None), ("cat", "dog")]
    assert views[0].blank                                       # redness speaks against a cat, nothing for one
    assert not views[1].blank and not views[2].blank
    y, x = np.unravel_index(change(views[1], spotted()).argmax(), (32, 32))
    assert (y // 8, x // 8) == (1, 2)
    red, _, blue = views[2].pixels[12, 20].astype(int) - spotted()[12, 20]
    assert blue > red                                           # there it is a dog rather than a cat: below 0


def test_where_the_model_agrees_there_is_one_view_unless_a_rule_suggests_another_class():
    assert described(drawn(label=NAMES.index("cat"))[0]) == [("cat", None)]
    assert described(drawn(label=-1)[0]) == [("cat", None)]

    views, _ = drawn(label=NAMES.index("cat"), suggested=NAMES.index("fox"))

    assert described(views) == [("cat", None), ("fox", None), ("fox", "cat")]


def test_a_given_class_that_the_model_does_not_have_is_left_out():
    views, _ = drawn(label=3, folders=(*NAMES, "wolf"))

    assert described(views) == [("cat", None)]


def test_a_given_class_without_a_stored_map_is_left_out():
    backend = FakeBackend(NAMES)
    whole = inferred_of(backend, spotted())
    wide = Inferred(whole.probabilities, whole.embedding, whole.map_classes[[0, 2]], whole.maps[[0, 2]])
    drawings = Drawings(backend, match_classes(NAMES, NAMES, {}), "inferno", 0)

    assert described(drawings.draw(spotted(), 32, wide, NAMES.index("dog"), -1)[0]) == [("cat", None)]
    assert len(drawings.draw(spotted(), 32, wide, NAMES.index("fox"), -1)[0]) == 3


def test_of_several_model_classes_for_one_folder_class_the_most_probable_is_shown():
    backend = FakeBackend(("cat", "dog", "hound"))
    match = match_classes(("cat", "dog"), backend.card.classes, {"hound": "dog"})
    inferred = inferred_of(backend, spotted())
    best = ("dog", "hound")[int(inferred.probabilities[1:].argmax())]

    views, _ = Drawings(backend, match, "inferno", 0).draw(spotted(), 32, inferred, 1, -1)

    assert described(views)[1:] == [(best, None), ("cat", best)]


def test_without_a_head_maps_are_made_by_occlusion_as_often_as_allowed():
    backend = FakeBackend(NAMES, no_head="its head is out of sight")
    drawings = Drawings(backend, match_classes(NAMES, NAMES, {}), "inferno", occlusions=2)
    assert drawings.at_least == 64                              # pixels, so that the model can be asked again

    found = [drawings.draw(spotted(), 32, inferred_of(backend, spotted()), 1, -1) for _ in range(3)]

    assert [method for _, method in found] == ["occlusion", "occlusion", None]
    assert [len(views) for views, _ in found] == [3, 3, 0]
    y, x = np.unravel_index(change(found[0][0][1], spotted()).argmax(), (32, 32))
    assert 8 <= y < 16 and 16 <= x < 24


def test_the_further_views_are_small_whatever_the_picture():
    large = cv2.resize(spotted(), (640, 400), interpolation=cv2.INTER_NEAREST)
    backend = FakeBackend(NAMES)

    views, _ = Drawings(backend, match_classes(NAMES, NAMES, {}), "inferno", 0).draw(
        large, 320, inferred_of(backend, spotted()), 1, -1
    )

    assert [max(view.pixels.shape) for view in views] == [320, VIEW_SIDE, VIEW_SIDE]


@pytest.fixture
def folder(tmp_path, place):
    rng = np.random.default_rng(1)
    redness = {"cat": [0] * 10 + [120] * 3, "dog": [120] * 10}  # the last three cats are none
    for name, amounts in redness.items():
        for number, amount in enumerate(amounts):
            image = rng.normal(80, 6, (64, 64, 3))
            image[..., 0] += amount
            place(np.clip(image, 0, 255).astype(np.uint8), tmp_path / name / f"{number:02}.png")
    return tmp_path


def test_a_scan_shows_why_the_predicted_why_the_given_and_why_not(folder):
    evidence = auditor.scan(folder, backend=FakeBackend()).evidence["cat/10.png"]

    assert (evidence.heatmap_class, evidence.method, evidence.colours) == ("dog", "Grad-CAM", "inferno")
    assert [(view.subject, view.against) for view in evidence.views] == [("cat", None), ("dog", "cat")]
    for view in evidence.views:
        pixels = cv2.imdecode(np.frombuffer(view.picture, np.uint8), cv2.IMREAD_COLOR)
        assert pixels.shape == (view.height, view.width, 3)


def test_a_scan_of_a_model_without_a_head_says_that_its_maps_are_occlusion_maps(folder):
    backend = FakeBackend(no_head="its head is out of sight")

    audit = auditor.scan(folder, backend=backend, max_occlusion=2)

    shown = list(audit.evidence.values())
    assert len(shown) >= 3
    assert [evidence.overlay is not None for evidence in shown[:3]] == [True, True, False]
    assert {evidence.method for evidence in shown[:2]} == {"occlusion"}
    note = next(note for note in audit.notes if "occlusion" in note)
    assert "no Grad-CAM: its head is out of sight" in note
    assert f"2 of the {len(shown)} images shown have one (max_occlusion 2)" in note


def test_a_scan_without_any_map_says_why(folder):
    backend = FakeBackend(no_head="its head is out of sight")

    audit = auditor.scan(folder, backend=backend, max_occlusion=0)

    assert any(note == "There are no heatmaps: its head is out of sight" for note in audit.notes)
    assert all(evidence.overlay is None and not evidence.views for evidence in audit.evidence.values())


def test_the_colours_are_those_that_were_asked_for(folder):
    jet, inferno = (
        auditor.scan(folder, backend=FakeBackend(), colours=name).evidence["cat/10.png"]
        for name in ("jet", "inferno")
    )

    assert (jet.colours, inferno.colours) == ("jet", "inferno")
    assert jet.overlay != inferno.overlay and jet.thumbnail == inferno.thumbnail


def test_pictures_are_read_again_under_the_users_own_limit(tmp_path, photo, place):
    sample = Sample(place(photo, tmp_path / "a.png"), "a.png", None, None)
    pixels = photo.shape[0] * photo.shape[1]

    assert read_again(sample, 32, pixels) is not None
    assert read_again(sample, 32, pixels - 1) is None
