"""Pictures of groups of copies, and of the examples of findings about the data set."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.audit import Finding, Rule
from auditor.checks.copies import KINDS, Copies
from auditor.data.sources import load_dataset
from auditor.duplicates.copies import find_copies
from auditor.engines import LocalEngine, Outcomes, Task
from auditor.progress import Progress
from auditor.scanning import pictures as module
from auditor.scanning.judging import judge
from auditor.scanning.pictures import EXAMPLES, GROUPS, IN_GROUP, Pictures, in_turns
from auditor.settings import Limits
from tests.pictures import draw_photo, place_image

RULES = tuple(
    Rule(kind, kind, "", {}, kind)  # type: ignore[arg-type]
    for kind in ("conflict", "copies", "image", "dataset")
)
MIRRORED, ALTERED = KINDS.index("mirrored"), KINDS.index("altered")


def finding(place: int, rule: str, file: str | None, *related: str, **fields: object) -> Finding:
    return replace(
        Finding(f"{place:016x}", rule, "low", file, None, related, None, None, 0.0, None, None, ""), **fields
    )


@pytest.fixture
def scanned(tmp_path):
    """`scanned(files, pairs)`: pictures of a folder with these files, in which these pairs of files are copies."""

    def _scanned(files, *pairs):
        for name, pixels in files.items():
            if isinstance(pixels, bytes):
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(pixels)
            else:
                place_image(pixels, tmp_path / name)
        dataset = load_dataset(str(tmp_path))
        task = Task(None, Limits(), batch_size=4, threads=1, describe=True)
        outcomes = Outcomes.collect(LocalEngine().run(dataset.samples, task), dataset.samples)
        samples = judge(dataset, outcomes, find_copies(outcomes, Limits())).samples
        row_of = {file: row for row, file in enumerate(samples.files)}
        rows = sorted((row_of[one], row_of[other], alike, kind) for one, other, alike, kind in pairs)
        centre, copy, alike, kind = map(np.array, zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
        copies = Copies(
            centre.astype(np.intp), copy.astype(np.intp), alike.astype(np.float32), kind.astype(np.int8)
        )
        return Pictures(outcomes, replace(samples, copies=copies), RULES, Limits(), Progress())

    return _scanned


def pixels_of(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def test_a_group_is_the_first_image_and_its_copies_with_how_they_are_the_same(scanned):
    photo = draw_photo(1, 300, 400)
    pictures = scanned(
        {"train/cat/a.png": photo, "val/dog/b.png": cv2.resize(photo, (200, 150))},
        ("train/cat/a.png", "val/dog/b.png", 0.97, ALTERED),
    )

    conflict = finding(1, "conflict", "train/cat/a.png", "val/dog/b.png", related_values=(0.97,))

    first, copy = pictures.copies([conflict])[conflict.id]

    assert (first.file, first.label, first.split, first.kind, first.difference) == (
        "train/cat/a.png", "cat", "train", "", None,
    )  # fmt: skip
    assert (copy.label, copy.split, copy.kind, copy.similarity) == ("dog", "val", "altered", 0.97)
    assert max(pixels_of(first.thumbnail).shape) == module.COPY_SIDE


def test_equal_files_share_a_picture_and_differ_in_nothing(scanned):
    photo = draw_photo(2)
    pictures = scanned({"cat/a.png": photo, "cat/b.png": photo})

    first, copy = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png")])[f"{1:016x}"]

    assert (copy.kind, copy.similarity, copy.difference) == ("bytes", 1.0, None)
    assert copy.thumbnail is first.thumbnail


def test_a_mirrored_copy_is_turned_back_before_it_is_compared(scanned):
    photo = draw_photo(3)
    mirrored = np.ascontiguousarray(photo[:, ::-1])
    mirrored[:20, :20] = 0                                      # at the top right of the original
    pictures = scanned({"cat/a.png": photo, "cat/b.png": mirrored}, ("cat/a.png", "cat/b.png", 0.9, MIRRORED))

    copy = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png")])[f"{1:016x}"][1]

    difference = pixels_of(copy.difference)
    assert difference.shape == photo.shape
    assert np.abs(difference[40:] - 128).mean() < 3             # grey: no difference
    assert difference[4:16, -16:-4].mean() < 100                # black where the patch is


def test_a_brighter_copy_is_brighter_than_grey_all_over(scanned):
    photo = (draw_photo(4) * 0.6).astype(np.uint8)
    pictures = scanned({"cat/a.png": photo, "cat/b.png": photo + 30}, ("cat/a.png", "cat/b.png", 0.9, ALTERED))

    copy = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png")])[f"{1:016x}"][1]

    assert abs(pixels_of(copy.difference).mean() - 158) < 4


def test_a_part_of_the_picture_is_laid_where_it_belongs(scanned):
    photo = draw_photo(5, 200, 200)
    pictures = scanned(
        {"cat/a.png": photo, "cat/b.png": photo[12:-12, 12:-12]}, ("cat/a.png", "cat/b.png", 0.9, ALTERED)
    )

    copy = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png")])[f"{1:016x}"][1]

    assert np.abs(pixels_of(copy.difference) - 128).mean() < 6


def test_equal_copies_of_an_image_both_show_what_differs(scanned):
    photo = draw_photo(1)
    darker = (photo * 0.5).astype(np.uint8)
    pairs = (("cat/a.png", f"cat/{name}.png", 0.9, ALTERED) for name in "bc")
    pictures = scanned({"cat/a.png": photo, "cat/b.png": darker, "cat/c.png": darker}, *pairs)

    _, one, other = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png", "cat/c.png")])[f"{1:016x}"]

    assert one.difference is not None and one.difference is other.difference


def test_two_copies_of_a_third_image_are_compared_by_way_of_it(scanned):
    files = {f"cat/{name}.png": draw_photo(place) for place, name in enumerate("abcde")}
    pairs = (("b", MIRRORED), ("c", MIRRORED), ("d", KINDS.index("pixels")), ("e", KINDS.index("pixels")))
    pictures = scanned(files, *(("cat/a.png", f"cat/{name}.png", 0.9, kind) for name, kind in pairs))

    def kinds(first, *others):
        found = finding(1, "conflict", f"cat/{first}.png", *(f"cat/{name}.png" for name in others))
        return [copy.kind for copy in pictures.copies([found])[found.id][1:]]

    assert kinds("b", "a", "c", "d") == ["mirrored", "altered", "mirrored"]
    assert kinds("d", "a", "e") == ["pixels", "pixels"]


def test_similarities_are_those_of_the_finding(scanned):
    pictures = scanned({"cat/a.png": draw_photo(1), "cat/b.png": draw_photo(2), "cat/c.png": draw_photo(3)})
    group = finding(1, "copies", "cat/a.png", "cat/b.png", "cat/c.png", related_values=(0.8,))

    copies = pictures.copies([group])[group.id][1:]

    assert [copy.kind for copy in copies] == ["altered", "altered"]
    assert copies[0].similarity == 0.8 and np.isnan(copies[1].similarity)


def test_a_file_that_is_gone_leaves_its_place_empty(scanned, tmp_path):
    pictures = scanned({"cat/a.png": draw_photo(1), "cat/b.png": draw_photo(2)})
    (tmp_path / "cat" / "b.png").unlink()

    copy = pictures.copies([finding(1, "copies", "cat/a.png", "cat/b.png")])[f"{1:016x}"][1]

    assert (copy.thumbnail, copy.difference) == (None, None)


def test_groups_and_images_of_a_group_are_limited(scanned):
    files = {f"cat/{number}.png": draw_photo(1, 16, 16) for number in range(9)}
    pictures = scanned(files)
    first, *others = files
    many = [finding(number, "copies", first, *others) for number in range(GROUPS + 5)]

    found = pictures.copies(many)

    assert list(found) == [each.id for each in many[:GROUPS]]
    assert {len(group) for group in found.values()} == {IN_GROUP}


def test_pictures_end_where_the_page_would_become_too_large(scanned, monkeypatch):
    pictures = scanned({"cat/a.png": draw_photo(1), "cat/b.png": draw_photo(2)})
    groups = [finding(number, "copies", "cat/a.png", "cat/b.png") for number in range(3)]
    [size] = {sum(len(each.thumbnail) + len(each.difference or b"") for each in group)
              for group in pictures.copies(groups).values()}  # fmt: skip

    monkeypatch.setattr(module, "_COPIES_BYTES", 2 * size)

    assert len(pictures.copies(groups)) == 2


def test_only_groups_of_the_same_picture_are_shown(scanned):
    pictures = scanned({"cat/a.png": draw_photo(1), "cat/b.png": draw_photo(2)})

    found = pictures.copies([
        finding(1, "image", "cat/a.png", "cat/b.png"),
        finding(2, "dataset", None, "cat/a.png", "cat/b.png"),
        finding(3, "copies", "cat/a.png"),
    ])  # fmt: skip

    assert found == {}


def test_examples_are_the_first_images_of_findings_about_the_data_set(scanned):
    files = {f"cat/{number:02}.png": draw_photo(number, 200, 300) for number in range(EXAMPLES + 3)}
    pictures = scanned({**files, "cat/broken.png": b"no image"})

    found = pictures.examples([
        finding(1, "dataset", None, "cat/broken.png", *files),
        finding(2, "image", "cat/14.png", "cat/13.png"),
    ])  # fmt: skip

    assert list(found) == list(files)[: EXAMPLES - 1]
    assert max(pixels_of(found["cat/00.png"]).shape) == module.EXAMPLE_SIDE


def test_rules_take_turns():
    findings = [finding(number, rule, "a.png") for number, rule in enumerate(("x", "x", "x", "y", "z", "y"))]

    assert [int(found.id, 16) for found in in_turns(findings)] == [0, 3, 4, 1, 5, 2]
