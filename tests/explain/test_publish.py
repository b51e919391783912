"""Folders of pages: names are untrusted, and files of the user are never overwritten."""

import json

import pytest

from auditor.errors import InputError
from auditor.explain.publish import MARKER, FreeNames, choose_target, replaced, safe


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tabby, tabby cat", "tabby-tabby-cat"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c", "a-b-c"),
        ("line\nfeed\x1b[31m", "line-feed-31m"),
        ("Käuzchen", "Käuzchen"),
        ("...", ""),
        ("😀", ""),
        ("con", "con_"),
        ("NUL.txt", "NUL.txt_"),
        ("\udcff", ""),
    ],
)
def test_names_become_safe(name, expected):
    assert safe(name) == expected


def test_long_names_fit_a_file_system():
    assert len(safe("猫" * 300).encode()) <= 80
    assert len(safe("x" * 300)) <= 80


def test_each_file_has_a_name_of_its_own_on_any_system():
    names = FreeNames()

    given = [names.give("heatmap", name, suffix=".png") for name in ("Cat", "cat", "c a t", "c/a/t", "😀")]

    assert given == ["heatmap-Cat.png", "heatmap-cat-2.png", "heatmap-c-a-t.png", "heatmap-c-a-t-2.png", "heatmap.png"]


@pytest.fixture
def image(place, photo, tmp_path):
    return place(photo, tmp_path / "in" / "cat.jpg")


def write(target, source, text="page"):
    with replaced(target, {"source": str(source)}) as folder:
        (folder / "index.html").write_text(text)


def test_a_second_run_on_the_same_image_takes_the_place_of_the_first(image, tmp_path):
    home = tmp_path / "pages"
    write(choose_target(home, "cat", image), image, "first")
    write(choose_target(home, "cat", image), image, "second")

    assert [path.name for path in home.iterdir()] == ["cat"]
    assert (home / "cat" / "index.html").read_text() == "second"
    assert json.loads((home / "cat" / MARKER).read_text())["files"] == ["index.html"]


def test_another_image_of_the_same_name_gets_a_folder_of_its_own(image, place, photo, tmp_path):
    home, other = tmp_path / "pages", place(photo, tmp_path / "other" / "cat.jpg")
    write(choose_target(home, "cat", image), image)

    assert choose_target(home, "cat", other) == home / "cat-2"
    assert choose_target(home, "cat", image) == home / "cat"


@pytest.mark.parametrize("theirs", ["letter.txt", MARKER])
def test_a_folder_that_auditor_did_not_write_is_not_changed(image, tmp_path, theirs):
    (tmp_path / "pages" / "cat").mkdir(parents=True)
    (tmp_path / "pages" / "cat" / theirs).write_text("{}")

    with pytest.raises(InputError, match="--out"):
        choose_target(tmp_path / "pages", "cat", image)
    assert (tmp_path / "pages" / "cat" / theirs).read_text() == "{}"


def test_a_folder_with_an_added_file_is_not_replaced(image, tmp_path):
    home = tmp_path / "pages"
    write(choose_target(home, "cat", image), image)
    (home / "cat" / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match=r"notes\.txt"):
        choose_target(home, "cat", image)
    with pytest.raises(InputError, match=r"notes\.txt"):
        write(home / "cat", image)
    assert (home / "cat" / "notes.txt").read_text() == "mine"
    assert [path.name for path in home.iterdir()] == ["cat"]


def test_a_run_that_fails_leaves_the_last_one_and_nothing_else(image, tmp_path):
    home = tmp_path / "pages"
    write(choose_target(home, "cat", image), image, "first")

    with pytest.raises(RuntimeError), replaced(home / "cat", {}) as folder:
        (folder / "half.png").write_bytes(b"")
        raise RuntimeError

    assert [path.name for path in home.iterdir()] == ["cat"]
    assert (home / "cat" / "index.html").read_text() == "first"
