"""What an ImageNet classifier, or a further head, sees: red is a Labrador, green a koala, blue a cat, yellow a lynx."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

import auditor
from auditor.backends.base import NamedHead
from auditor.backends.head import linear_head
from auditor.classes.imagenet import output_names
from auditor.classes.imagenet_view import ImageNetView
from auditor.errors import InputError
from tests.backends.fake import FakeBackend

LABRADOR, KOALA, TABBY, TIGER_CAT, LYNX = 208, 105, 281, 282, 287


class FakeImageNet(FakeBackend):
    """A 1000- or 1001-class model; without names where `names` is ()."""

    def __init__(self, outputs: int = 1000, names: tuple[str, ...] | None = None, no_head: str = "") -> None:
        super().__init__(output_names(outputs), no_head=no_head)
        spare = outputs - 1000
        weights = np.zeros((8, outputs), np.float32)            # (K, C); features 0 to 2 are red, green and blue
        weights[0, LABRADOR + spare] = weights[1, KOALA + spare] = 12
        weights[2, [TABBY + spare, TIGER_CAT + spare]] = 9      # two cats, each less likely than both together
        weights[:2, LYNX + spare] = 9                           # what is both red and green
        self.weights = linear_head(weights)
        self.head = None if no_head else self.weights
        if names is not None:
            self.card = replace(self.card, classes=names)


class FakeTransferred(FakeBackend):
    """A model of cats and dogs, by their redness, with ImageNet's head of `FakeImageNet` beside its own."""

    def __init__(self, classes: tuple[str, ...] = ("cat", "dog"), names: tuple[str, ...] = output_names(1000)) -> None:
        super().__init__(classes)
        self.other_heads = (NamedHead("imagenet", names, FakeImageNet().weights),)


def paint(colour, seed):
    """A 48 x 48 picture of one colour with grain."""
    grain = np.random.default_rng(seed).normal(0, 8, (48, 48, 3))
    return np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)


RED, GREEN, BLUE, YELLOW = (250, 5, 5), (5, 250, 5), (5, 5, 250), (250, 250, 5)


@pytest.fixture
def folder(tmp_path, place):
    """Cats: five blue, two red, one green, one pale green, one yellow. Dogs: four red, one green."""
    colours = {"cat": [BLUE] * 5 + [RED] * 2 + [GREEN, (5, 210, 5), YELLOW], "dog": [RED] * 4 + [GREEN]}
    for label, painted in colours.items():
        for number, colour in enumerate(painted):
            place(paint(colour, 10 * len(label) + number + (label == "dog") * 100), tmp_path / label / f"{number}.png")
    return tmp_path


def scan(path, backend=None, **options):
    return auditor.scan(path, backend=backend or FakeImageNet(), class_map="imagenet", **options)


def seen_in(audit):
    return audit.addition(ImageNetView)


def test_each_class_has_its_names_and_its_share_of_the_other_animal(folder):
    cat, dog = seen_in(scan(folder)).classes

    assert (cat.label, cat.kind, cat.images, cat.cats, cat.dogs) == ("cat", "cat", 10, 5, 2)
    assert (dog.label, dog.kind, dog.images, dog.cats, dog.dogs) == ("dog", "dog", 5, 0, 4)
    assert {name.name: (name.images, name.kind) for name in cat.names}["Labrador retriever"] == (2, "dog")
    assert sum(name.images for name in cat.names if name.kind == "cat") == 5
    assert [(name.name, name.images, name.synset) for name in dog.names] == [
        ("Labrador retriever", 4, "n02099712"),
        ("koala", 1, "n01882714"),
    ]


def test_the_most_confident_absurdities_come_first_with_their_heatmap(folder):
    view = seen_in(scan(folder))

    assert view.absurd == 3                                     # the lynx is a near miss
    assert [absurdity.name for absurdity in view.absurdities] == ["koala"] * 3
    shares = [absurdity.probability for absurdity in view.absurdities]
    assert shares == sorted(shares, reverse=True)
    assert view.absurdities[-1].file == "cat/8.png"             # the pale one
    for absurdity in view.absurdities:
        assert absurdity.overlay is not None
        assert absurdity.overlay != absurdity.thumbnail
        assert (absurdity.width, absurdity.height) == (48, 48)
    assert view.method == "Grad-CAM"


def test_a_copy_of_an_absurdity_is_not_shown_twice(folder):
    (folder / "cat" / "copy.png").write_bytes((folder / "cat" / "7.png").read_bytes())

    view = seen_in(scan(folder))

    assert view.absurd == 4
    assert len(view.absurdities) == 3


def test_no_more_absurdities_than_fit_are_shown(folder, place):
    for number in range(9):
        place(paint(GREEN, 900 + number), folder / "cat" / f"more {number}.png")

    view = seen_in(scan(folder))

    assert view.absurd == 12
    assert len(view.absurdities) == 8


def test_the_summed_probabilities_are_the_models_prediction(folder):
    audit = scan(folder)

    assert audit.model.matched
    table = audit.predictions.set_index("file")
    assert table.loc["cat/0.png", "predicted"] == "cat"         # no single cat is likelier than the two together
    assert table.loc["cat/0.png", "confidence"] > 0.8
    assert table.loc["cat/5.png", "predicted"] == "dog"
    assert table.loc["cat/7.png", "predicted"] == "koala"


def test_images_without_subfolders_are_one_class_named_after_the_folder(folder):
    audit = scan(folder / "cat")

    assert [seen.label for seen in seen_in(audit).classes] == ["cat"]
    assert seen_in(audit).classes[0].dogs == 2


@pytest.mark.parametrize("outputs", [1000, 1001])
def test_outputs_that_nothing_names_are_called_by_the_table_and_that_is_stated(folder, outputs):
    backend = FakeImageNet(outputs, names=())

    audit = scan(folder, backend)

    assert seen_in(audit).classes == seen_in(scan(folder)).classes
    assert f"the {outputs} of ImageNet" in audit.model.guessed["classes"]
    assert backend.card.classes == ()                           # the caller's own model stays as it was


def test_a_model_without_a_head_shows_occlusion_maps_as_many_as_are_allowed(folder):
    backend = FakeImageNet(no_head="it has none")

    view = seen_in(scan(folder, backend, max_occlusion=2))

    assert view.method == "occlusion"
    assert [absurdity.overlay is not None for absurdity in view.absurdities] == [True, True, False]


def test_a_further_head_gives_the_same_view_and_the_models_own_classes_stay(folder):
    audit, before = scan(folder, FakeTransferred()), scan(folder)

    view = seen_in(audit)
    assert (view.second_head, seen_in(before).second_head) == (True, False)
    assert [replace(seen, transferred=None) for seen in view.classes] == list(seen_in(before).classes)
    assert [absurdity.file for absurdity in view.absurdities] == [each.file for each in seen_in(before).absurdities]
    assert audit.model.classes == ("cat", "dog") and audit.model.matched
    table = audit.predictions.set_index("file")
    assert (table.loc["cat/7.png", "predicted"], table.loc["cat/5.png", "predicted"]) == ("cat", "dog")


def test_what_transfer_learning_made_of_a_class_is_counted(folder):
    cat, dog = seen_in(scan(folder, FakeTransferred())).classes

    assert (cat.images, cat.cats, cat.transferred) == (10, 5, 7)        # two are red, and so is the yellow one
    assert (dog.images, dog.dogs, dog.transferred) == (5, 4, 4)
    assert [seen.transferred for seen in seen_in(scan(folder)).classes] == [None, None]


def test_the_heatmaps_are_those_of_the_further_head(folder, tmp_path, place):
    """Green on the left: what speaks for the koala lies there, and nothing speaks for the dog."""
    half = paint((5, 5, 5), 1)
    half[:, :24] = paint(GREEN, 2)[:, :24]
    place(half, tmp_path / "half" / "cat" / "0.png")
    place(paint(RED, 3), tmp_path / "half" / "dog" / "0.png")

    (absurd,) = seen_in(scan(tmp_path / "half", FakeTransferred())).absurdities

    small, drawn = (
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for data in (absurd.thumbnail, absurd.overlay)
    )
    changed = np.abs(drawn - small).sum(axis=2)                 # (H, W)
    assert absurd.name == "koala"
    assert changed[:, :16].mean() > 2 * changed[:, 32:].mean()


def test_a_model_whose_own_classes_are_other_ones_has_the_view_all_the_same(folder):
    audit = scan(folder, FakeTransferred(classes=("ant", "bee")))

    assert not audit.model.matched
    assert [seen.transferred for seen in seen_in(audit).classes] == [None, None]
    assert seen_in(audit).absurd == 3


def test_a_further_head_of_other_classes_is_no_view(folder):
    with pytest.raises(InputError, match=r"2 classes \(cat, dog\)"):
        scan(folder, FakeTransferred(names=tuple(f"thing {number}" for number in range(1000))))


def test_a_folder_without_cats_and_dogs_is_refused_for_a_further_head_too(folder):
    (folder / "cat").rename(folder / "horse")
    (folder / "dog").rename(folder / "cow")

    with pytest.raises(InputError, match="cow, horse"):
        scan(folder, FakeTransferred())


def test_other_models_and_other_folders_are_refused_with_what_they_have(folder, tmp_path):
    with pytest.raises(InputError, match="has 2 outputs"):
        nameless = FakeBackend()
        nameless.card = replace(nameless.card, classes=())
        scan(folder, nameless)
    with pytest.raises(InputError, match=r"2 classes \(cat, dog\)"):
        scan(folder, FakeBackend())
    (folder / "cat").rename(folder / "horse")
    (folder / "dog").rename(folder / "cow")
    with pytest.raises(InputError, match="cow, horse"):
        scan(folder)


def test_a_scan_without_the_map_has_no_view(folder):
    assert seen_in(auditor.scan(folder, backend=FakeImageNet())) is None


def test_the_summary_holds_the_view_without_pictures(folder, tmp_path):
    from auditor.outputs import summary

    record = json.loads(json.dumps(summary(scan(folder))))["imagenet"]

    assert record["classes"][0]["dogs"] == 2
    assert (record["second_head"], record["classes"][0]["transferred"]) == (False, None)
    assert record["absurdities"][0]["name"] == "koala"
    assert "thumbnail" not in record["absurdities"][0]


def test_a_quantised_mobilenet_without_names_tells_what_cats_are(shared, mobilenet, tmp_path):
    import tarfile

    (tmp_path / "cats").mkdir()
    wanted = {f"cat.{number}.jpg" for number in (1, 10, 166, 295, 1000, 1002)}
    with tarfile.open(shared / "data" / "dogs-vs-cats-160.tar") as archive:
        for member in archive:
            if (name := member.name.rpartition("/")[2]) in wanted:
                (tmp_path / "cats" / name).write_bytes(archive.extractfile(member).read())

    view = seen_in(auditor.scan(tmp_path / "cats", model=mobilenet, class_map="imagenet"))

    assert [(seen.label, seen.kind, seen.images) for seen in view.classes] == [("cats", "cat", 6)]
    assert view.classes[0].cats >= 3
    assert {absurdity.name for absurdity in view.absurdities} >= {"bulletproof vest", "Crock Pot"}
