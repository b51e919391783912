"""Pictures inside a page, and beside it."""

import base64

import numpy as np
import pytest

from auditor.images.encoding import indexed_png, jpeg, webp
from auditor.report.shared.assets import PLACES, Folder, Inline
from auditor.runs.files import is_picture

GREY = np.full((4, 6, 3), 90, np.uint8)
PICTURES = {
    "webp": webp(GREY),
    "png": indexed_png(np.zeros((2, 2), np.uint8), np.array([[1, 2, 3, 128]], np.uint8)),
    "jpeg": jpeg(GREY),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_inside_a_page_a_picture_is_its_own_address(kind):
    address = Inline().link(PICTURES[kind])

    head, data = address.split(",")
    assert head == f"data:image/{kind};base64"
    assert base64.b64decode(data) == PICTURES[kind]


@pytest.mark.parametrize("kind", PICTURES)
def test_beside_a_page_a_picture_is_a_file_named_by_its_hash(kind, tmp_path):
    assets = Folder(tmp_path / "assets")
    assert not (tmp_path / "assets").exists()

    address = assets.link(PICTURES[kind])

    assert (tmp_path / address).read_bytes() == PICTURES[kind]
    assert address.startswith("assets/") and is_picture((tmp_path / address).name)
    assert (tmp_path / address).suffix == f".{kind}"


def test_the_same_picture_is_one_file(tmp_path):
    first, second = (Folder(tmp_path / "assets").link(PICTURES["webp"]) for _ in range(2))

    assert first == second
    assert len(list((tmp_path / "assets").iterdir())) == 1


def test_a_page_in_a_folder_finds_its_pictures_there(tmp_path):
    assert PLACES["inline"](tmp_path).link(PICTURES["png"]).startswith("data:")
    assert (tmp_path / PLACES["folder"](tmp_path).link(PICTURES["png"])).is_file()
