"""Old runs' folders go, and nothing else does."""

import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from auditor.outputs import FILES
from auditor.outputs.run import scan_to_disk, write_run
from auditor.runs.folder import remove_old_runs
from auditor.settings import Settings
from auditor.store import Changes
from auditor.store.nights import nights_of
from tests.gates.made import audited
from tests.history.nights import RULES


@pytest.fixture
def home(tmp_path):
    """Five runs of five nights."""
    audit = audited()
    for day in range(1, 6):
        run = replace(audit.run, id=f"2026010{day}T020000Z", started_at=f"2026-01-0{day}T02:00:00+00:00")
        write_run(replace(audit, run=run), tmp_path / "reports")
    return tmp_path / "reports" / "data-pets"


def days(home):
    return sorted(path.name[7] for path in home.iterdir() if path.name.startswith("2026"))


def test_the_newest_stay(home):
    remove_old_runs(home, 2, FILES)

    assert days(home) == ["4", "5"]
    assert os.path.realpath(home / "latest") == os.path.realpath(home / "20260105T020000Z")
    assert sorted(path.name for path in home.iterdir()) == ["20260104T020000Z", "20260105T020000Z", "latest"]


def test_where_latest_leads_and_the_baseline_stay(home):
    (home / "latest").unlink()
    (home / "latest").symlink_to("20260101T020000Z")

    remove_old_runs(home, 1, FILES, [home / "20260103T020000Z"])

    assert days(home) == ["1", "3", "5"]


def test_what_is_not_only_a_run_stays(home, tmp_path):
    (home / "20260101T020000Z" / "my notes.txt").write_text("keep me")
    (home / "20260102T020000Z" / "summary.json").write_text("{}")
    (home / "20260103T020000Z").rename(home / "20260109-mine")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(home / "20260104T020000Z", elsewhere)
    (home / "20260104T020000Z").symlink_to(elsewhere)
    (home / "photos").mkdir()

    remove_old_runs(home, 1, FILES)

    assert sorted(path.name for path in home.iterdir()) == [
        "20260101T020000Z", "20260102T020000Z", "20260104T020000Z", "20260105T020000Z", "20260109-mine", "latest",
        "photos",
    ]  # fmt: skip
    assert (elsewhere / "summary.json").is_file()


def test_a_scan_keeps_as_many_runs_as_it_is_told_and_the_history_all(nights):
    settings = Settings(
        data=str(nights.data), out=nights.out, name="pets", no_model=True, rules=RULES, threads=1, keep_runs=1
    )
    for _ in range(3):
        audit = scan_to_disk(settings)

    kept = [path.name for path in (nights.out / "pets").iterdir() if not path.is_symlink()]
    assert sorted(kept) == sorted([audit.run.id, "history.html"])
    assert (nights.out / "pets" / "latest" / "index.html").is_file()
    assert len(nights_of(nights.out, "pets")) == 3


def test_a_scan_without_a_store_is_no_night(nights):
    scan_to_disk(Settings(data=str(nights.data), out=nights.out, no_model=True, rules=RULES, threads=1, store=False))

    assert not (nights.out / "store").exists()


def test_a_store_out_of_reach_is_told_once(nights):
    nights.out.mkdir(exist_ok=True)
    (nights.out / "store").write_text("a file")

    audit = scan_to_disk(Settings(data=str(nights.data), out=nights.out, no_model=True, rules=RULES, threads=1))

    assert [note for note in audit.notes if "was not used" in note] == list(audit.notes[:1])


def test_a_scan_of_changes_only_is_no_night(nights):
    settings = Settings(data=str(nights.data), out=nights.out, name="pets", no_model=True, rules=RULES, threads=1)
    scan_to_disk(settings)
    for command in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m all"):
        subprocess.run(["git", *command.split()], cwd=nights.data, check=True, capture_output=True)
    nights.place("cat/new.png", (-255, -255, -255))

    audit = scan_to_disk(replace(settings, changed_since="HEAD"))

    assert audit.statuses()["new"] == 1 and audit.addition(Changes) is None
    assert len(nights_of(nights.out, "pets")) == 1
