"""auditor init: a file that holds what was seen, and that every scan accepts."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from auditor.checks import known_checks, rule_of
from auditor.configuration import hints_of
from auditor.configuring.docstrings import texts_of
from auditor.configuring.first_file import write_first_file
from auditor.data.sources import stated_dataset
from auditor.errors import InputError
from auditor.settings import Settings

SETTING = re.compile(r"^# (\w+ = .+)$", re.MULTILINE)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory; `project(name, ...)` puts image files there, whose contents nobody opens."""
    monkeypatch.chdir(tmp_path)

    def fill(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(b"12345")

    return fill


def pets(folder="data/train"):
    return [f"{folder}/{label}/{number}.jpg" for label in ("cat", "dog") for number in range(4)]


def loaded(config=None):
    """What the file says; the tables of rules are there, and empty."""
    settings = Settings.load(config=config)
    assert not any(settings.checks.values())
    return replace(settings, checks={})


def comments(path="auditor.toml"):
    """The comments of the file as one line."""
    return " ".join(line.removeprefix("# ") for line in Path(path).read_text(encoding="utf-8").splitlines())


def test_a_folder_becomes_a_file_that_says_what_was_seen_and_scans_it(project):
    project(*pets())

    path, seen = write_first_file(None, {"data": "data/train"})

    assert path == Path("auditor.toml")
    assert seen.lines[:2] == ("Read as a folder of class folders: 8 images, 40 bytes.", "2 classes: cat 4, dog 4.")
    assert "2 classes: cat 4, dog 4." in comments()
    assert loaded() == Settings(data="data/train")
    assert len(stated_dataset(Settings.load()).samples) == 8


def test_every_setting_that_is_a_comment_is_its_default_and_is_accepted(project):
    project(*pets())
    write_first_file(None, {"data": "data/train"})
    text = Path("auditor.toml").read_text(encoding="utf-8")

    Path("auditor.toml").write_text(SETTING.sub(r"\1", text), encoding="utf-8")

    assert len(SETTING.findall(text)) > 20
    settings = Settings.load()
    rules = {rule: rule_of(check()).settings for rule, check in known_checks().items()}
    assert settings.checks == {rule: defaults for rule, defaults in rules.items() if defaults}
    for each in fields(Settings):
        if each.name not in ("data", "checks"):
            assert getattr(settings, each.name) == each.default


def test_every_setting_and_every_threshold_is_explained(project):
    project(*pets())
    write_first_file(None, {"data": "data/train"})
    text = comments()

    explained = texts_of(Settings)
    assert explained.keys() >= hints_of(Settings).keys()
    assert all(explained[name] in text for name in hints_of(Settings).keys() - {"checks"})
    for check in known_checks().values():
        assert texts_of(check).keys() >= rule_of(check()).settings.keys()
        assert all(explanation in text for explanation in texts_of(check).values())
    assert "None" not in text


def test_what_is_stated_is_written_and_found_from_where_the_file_lies(project):
    project(*pets())
    Path("jobs").mkdir()
    given = {"data": "data/train", "model": Path("models/ours"), "exclude": ["*.tif"], "threads": 2, "doubtful": True}

    write_first_file(Path("jobs/night.toml"), given)

    written = tomllib.loads(Path("jobs/night.toml").read_text(encoding="utf-8"))["scan"]
    assert written == {
        "data": "../data/train", "model": "../models/ours", "exclude": ["*.tif"], "threads": 2, "doubtful": True,
    }  # fmt: skip
    settings = Settings.load(config=Path("jobs/night.toml"))
    assert Path(settings.data).resolve() == Path("data/train").resolve()


@pytest.mark.parametrize(
    ("names", "setting"),
    [
        ([*pets(), *(name.replace(".jpg", "_mask.png") for name in pets())], 'exclude = ["*_mask.*"]'),
        ([*pets(), "data/train/cat/masks/0.png"], 'exclude = ["masks"]'),
        ([f"data/train/{label}.{number}.jpg" for label in "ab" for number in range(4)], 'label_from = "name"'),
        ([f"data/train/pets/{label}/{number}.jpg" for label in "ab" for number in range(4)], "classes_at = 2"),
    ],
)
def test_what_the_folder_may_need_is_suggested_as_a_comment(names, setting, project):
    project(*names)

    write_first_file(None, {"data": "data/train"})

    text = Path("auditor.toml").read_text(encoding="utf-8")
    assert f"\n# {setting}\n" in text
    assert loaded() == Settings(data="data/train")


def test_without_data_it_is_the_file_alone(project):
    path, seen = write_first_file(None, {})

    assert seen is None
    assert loaded(path) == Settings()


def test_nothing_is_written_over(project):
    project(*pets())
    Path("auditor.toml").write_text("[scan]\nthreads = 3\n")
    Path("pyproject.toml").write_text("")

    for path, complaint in (
        (None, "auditor.toml holds settings already and stays as it is; `--config NAME.toml` writes another"),
        (Path("auditor.toml"), "auditor.toml exists and is not empty; nothing is overwritten"),
        (Path("pyproject.toml"), r"pyproject.toml is written by hand: .*\[tool.auditor\]"),
    ):
        with pytest.raises(InputError, match=complaint):
            write_first_file(path, {"data": "data/train"})

    assert Path("auditor.toml").read_text() == "[scan]\nthreads = 3\n"
    assert Path("pyproject.toml").read_text() == ""


def test_what_cannot_be_scanned_leaves_no_file(project):
    project("data/readme.txt")

    for given, complaint in (
        ({"data": "data"}, "data holds no image"),
        ({"data": "nowhere"}, "nowhere cannot be opened"),
        ({"threads": 0}, "--threads is 0"),
        ({"fail_on": ("any >",)}, "--fail-on cannot be read"),
    ):
        with pytest.raises(InputError, match=complaint):
            write_first_file(None, given)
        assert not Path("auditor.toml").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="such names are for file systems that take any byte")
def test_names_cannot_break_out_of_a_comment_or_a_string(project):
    project('data/"\n[scan]/cat\nthreads = 7/0.jpg', 'data/"\n[scan]/\udcff/0.jpg')

    write_first_file(None, {"data": 'data/"\n[scan]'})

    assert loaded() == Settings(data='data/"\n[scan]')
    with pytest.raises(InputError, match=r"data is .*, which is no UTF-8"):
        write_first_file(Path("other.toml"), {"data": 'data/"\n[scan]/\udcff'})
    assert not Path("other.toml").exists()


def test_the_command_prints_what_was_seen_and_the_file(project):
    project(*pets())

    done = subprocess.run(
        [sys.executable, "-m", "auditor", "init", "data/train", "--fail-on", "unreadable > 0"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[1:] == ["2 classes: cat 4, dog 4.", "auditor.toml"]
    assert Settings.load().fail_on == ("unreadable > 0",)
