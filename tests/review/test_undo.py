"""`auditor undo`: whatever came in the middle of an apply, or of an undo, the folder is byte for byte as before."""

import errno
import itertools
import json
import os
import random
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.review.kept import read_kept
from auditor.review.undo import undo
from tests.review.deciding import OLD, Deciding, snapshot
from tests.review.killing import killed

#: All points take ten seconds; an odd stride meets those before and those after a change.
EVERY_POINT = pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 7])


def decide_all(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")                  # dog/a.jpg is taken
    pets.decide("dog/e.jpg", "relabel", "lynx")                 # whose folder is made
    pets.decide("cat/deep/d.jpg", "remove", label="cat")
    pets.decide("cat/b.jpg", "keep")


def apply_all(pets):
    return pets.apply(new_classes=("lynx",))


def put_all_back(pets):
    """Undoes every apply that began, as a user who read that it was killed would."""
    for journal in reversed(pets.home.journals()):
        if pets.home.journal(journal).stat().st_size:
            assert undo(pets.home, journal).refused == ()


def kept_of(pets):
    return read_kept(pets.home.out, "pets").rules


def test_everything_is_put_back_with_its_times(pets):
    decide_all(pets)
    before = snapshot(pets.data)
    apply_all(pets)
    assert snapshot(pets.data) != before

    undone = pets.undo()

    assert snapshot(pets.data) == before
    assert (undone.back, undone.refused) == (3, ())
    assert not pets.home.removed(undone.journal).exists()
    assert not kept_of(pets)


def test_a_second_undo_changes_nothing_and_says_so(pets):
    decide_all(pets)
    journal = apply_all(pets).journal
    pets.undo()
    before = snapshot(pets.folder)

    again = pets.undo(journal)

    assert again.before
    assert snapshot(pets.folder) == before


@EVERY_POINT
def test_an_apply_killed_at_any_point_can_be_undone(memory, stride):
    for at in itertools.count(0, stride):
        pets = _fresh(memory / str(at))
        before = snapshot(pets.data)
        was_killed = killed(lambda made=pets: apply_all(made), at)

        put_all_back(pets)

        assert snapshot(pets.data) == before, f"killed at point {at}"
        assert not kept_of(pets), f"killed at point {at}"
        if not was_killed:
            break
    assert at > 60


@EVERY_POINT
def test_an_apply_killed_at_any_point_goes_on_when_it_is_run_again(memory, stride):
    whole = _fresh(memory / "whole")
    apply_all(whole)
    for at in itertools.count(0, stride):
        pets = _fresh(memory / str(at))
        was_killed = killed(lambda made=pets: apply_all(made), at)

        again = apply_all(pets)

        assert again.refused == (), f"killed at point {at}"
        assert pets.files() == whole.files(), f"killed at point {at}"
        assert kept_of(pets) == kept_of(whole), f"killed at point {at}"
        if not was_killed:
            break


@EVERY_POINT
def test_an_undo_killed_at_any_point_is_run_again(memory, stride):
    for at in itertools.count(0, stride):
        pets = _fresh(memory / str(at))
        before = snapshot(pets.data)
        journal = apply_all(pets).journal
        was_killed = killed(lambda made=pets: made.undo(), at)

        undone = pets.undo(journal)

        assert undone.refused == (), f"killed at point {at}"
        assert snapshot(pets.data) == before, f"killed at point {at}"
        if not was_killed:
            break
    assert at > 20


@pytest.mark.parametrize("seed", range(3))
def test_apply_and_undo_killed_again_and_again(memory, seed):
    rng = random.Random(seed)
    pets = _fresh(memory / "pets")
    before = snapshot(pets.data)
    for _ in range(4):
        killed(lambda: apply_all(pets), rng.randrange(60))
        killed(lambda: put_all_back(pets), rng.randrange(30))

    put_all_back(pets)

    assert snapshot(pets.data) == before


@pytest.mark.parametrize("half", [1, 20, -2])
def test_half_a_line_at_the_end_of_the_journal_is_no_obstacle(pets, half):
    decide_all(pets)
    before = snapshot(pets.data)
    journal = pets.home.journal(apply_all(pets).journal)
    *whole, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(whole) + b'{"finished": true}'[:half])

    pets.undo()

    assert snapshot(pets.data) == before


def test_what_came_meanwhile_is_not_overwritten(pets):
    decide_all(pets)
    apply_all(pets)
    (pets.data / "cat" / "a.jpg").write_bytes(b"a new picture of the same name")

    undone = pets.undo()

    assert dict(undone.refused) == {"cat/a.jpg": "something else is at its place now, and is not overwritten"}
    assert (pets.data / "cat" / "a.jpg").read_bytes() == b"a new picture of the same name"
    assert (pets.data / "dog" / "a-2.jpg").read_bytes() == b"this is cat/a.jpg"
    assert (pets.data / "cat" / "deep" / "d.jpg").read_bytes() == b"this is cat/deep/d.jpg"


def test_what_could_not_be_put_back_is_when_nothing_is_in_its_way(pets):
    decide_all(pets)
    before = snapshot(pets.data)
    apply_all(pets)
    (pets.data / "cat" / "a.jpg").write_bytes(b"a new picture of the same name")
    pets.undo()
    (pets.data / "cat" / "a.jpg").unlink()

    assert pets.undo().refused == ()
    assert snapshot(pets.data) == before


def test_a_file_that_was_changed_or_went_since_is_named(pets):
    decide_all(pets)
    apply_all(pets)
    (pets.data / "dog" / "a-2.jpg").write_bytes(b"edited")
    (pets.data / "lynx" / "e.jpg").unlink()

    refused = dict(pets.undo().refused)

    assert refused["cat/a.jpg"].endswith("dog/a-2.jpg was changed since")
    assert refused["dog/e.jpg"].endswith("lynx/e.jpg is gone")
    assert (pets.data / "dog" / "a-2.jpg").read_bytes() == b"edited"


def test_a_folder_with_news_keeps_its_time(pets):
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.apply()
    pets.place("cat/new.jpg")
    os.utime(pets.data / "cat", ns=(OLD + 7, OLD + 7))

    pets.undo()

    assert "cat/new.jpg" in pets.files()
    assert (pets.data / "cat").stat().st_mtime_ns != OLD


def test_links_are_put_back_as_links(pets):
    (pets.data / "cat" / "link.jpg").symlink_to("a.jpg")
    pets.age()
    pets.decide("cat/link.jpg", "remove")
    before = snapshot(pets.data)
    pets.apply()

    pets.undo()

    assert snapshot(pets.data) == before


def test_a_folder_that_became_a_link_elsewhere_is_not_followed(pets):
    pets.decide("cat/deep/d.jpg", "remove", label="cat")
    pets.apply()
    elsewhere = pets.folder / "elsewhere"
    elsewhere.mkdir()
    (pets.data / "cat" / "deep").rmdir()
    (pets.data / "cat" / "deep").symlink_to(elsewhere)

    undone = pets.undo()

    assert dict(undone.refused) == {"cat/deep/d.jpg": "a folder on its path is a link that leads elsewhere"}
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("path", ["../outside.jpg", "/tmp/outside.jpg", "cat/../../outside.jpg"])
def test_a_journal_that_leads_out_of_the_data_set_is_not_followed(pets, path):
    decide_all(pets)
    journal = pets.home.journal(apply_all(pets).journal)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if "from" in line:
            line["from"] = path
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    undone = pets.undo()

    assert undone.back == 0
    assert undone.notes
    assert not (pets.folder / "outside.jpg").exists()


def test_files_go_to_another_file_system_and_come_back(tmp_path, memory):
    if memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    pets = Away(memory / "pets", out=tmp_path / "reports")
    pets.place("cat/a.jpg", "cat/b.jpg", "dog/c.jpg")
    pets.decide("cat/a.jpg", "remove")
    before = snapshot(pets.data)
    aside = pets.home.removed(pets.apply().journal) / "cat" / "a.jpg"
    assert (aside.read_bytes(), aside.stat().st_mtime_ns) == (b"this is cat/a.jpg", OLD)
    pets.undo()
    assert snapshot(pets.data) == before

    for at in range(20, 60, 3):
        killed(pets.apply, at)
        killed(lambda: put_all_back(pets), at)
        put_all_back(pets)
        assert snapshot(pets.data) == before, f"killed at point {at}"


def test_a_file_system_without_hard_links_renames(pets, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)     # of the system, as on a memory card
    decide_all(pets)
    before = snapshot(pets.data)
    apply_all(pets)

    pets.undo()

    assert snapshot(pets.data) == before


def test_a_journal_that_is_not_there_is_answered_with_those_that_are(pets):
    decide_all(pets)
    journal = apply_all(pets).journal

    with pytest.raises(InputError, match=f"those in .* are {journal}"):
        pets.undo("20240101T000000Z")


class Away(Deciding):
    """Its reports lie elsewhere."""

    def __init__(self, folder: Path, out: Path) -> None:
        super().__init__(folder)
        self._out = out

    @property
    def home(self):
        from auditor.review.home import Home

        return Home(self._out, "pets")


def _fresh(folder):
    pets = Deciding(folder)
    pets.place("cat/a.jpg", "cat/b.jpg", "cat/deep/d.jpg", "dog/a.jpg", "dog/e.jpg", "dog/f.jpg")
    decide_all(pets)
    pets.age()
    return pets
