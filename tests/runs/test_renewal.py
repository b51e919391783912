"""Pages of a published run are replaced file by file, and what the new ones do not need goes."""

import pytest

from auditor.errors import InputError
from auditor.runs.renewal import renew

RED, BLUE = "1" * 32 + ".webp", "2" * 32 + ".png"


@pytest.fixture
def files(tmp_path):
    """Writes files into a folder below a temporary one, and reads what a folder holds."""

    def _files(folder, **texts):
        for name, text in texts.items():
            path = tmp_path / folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        place = tmp_path / folder
        return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}

    return _files


def test_pages_are_replaced_and_everything_else_stays(files, tmp_path):
    files("run", **{"index.html": "old", "page-2.html": "old", "summary.json": "{}", "notes.txt": "mine"})
    files("draft", **{"index.html": "new", "report.csv": "a,b"})

    renew(tmp_path / "run", tmp_path / "draft")

    assert files("run") == {"index.html": "new", "report.csv": "a,b", "summary.json": "{}", "notes.txt": "mine"}


def test_pictures_beside_the_pages_come_and_go_with_them(files, tmp_path):
    files("run", **{"index.html": "old", f"assets__{RED}": "red", "assets__notes.txt": "mine"})
    files("draft", **{"index.html": "new", f"assets__{BLUE}": "blue"})

    renew(tmp_path / "run", tmp_path / "draft")

    assert files("run") == {"index.html": "new", f"assets/{BLUE}": "blue", "assets/notes.txt": "mine"}


def test_no_empty_folder_of_pictures_is_left(files, tmp_path):
    files("run", **{"index.html": "old", f"assets__{RED}": "red"})
    files("draft", **{"index.html": "new"})

    renew(tmp_path / "run", tmp_path / "draft")

    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["index.html"]


def test_where_a_page_cannot_be_written_the_old_ones_stay(files, tmp_path):
    before = files("run", **{"index.html": "old", "page-2.html__in the way": "x"})
    files("draft", **{"index.html": "new", "page-2.html": "new"})

    with pytest.raises(InputError, match=r"page-2\.html is a folder"):
        renew(tmp_path / "run", tmp_path / "draft")

    assert files("run") == before
