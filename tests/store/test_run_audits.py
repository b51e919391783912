"""The audits of published runs: kept once where they are the same, as long as the run's folder is there."""

import shutil
import sqlite3
from dataclasses import fields, replace

import pandas as pd
import pytest

from auditor.audit import Audit
from auditor.errors import InputError
from auditor.scanning.scan import ADDITIONS
from auditor.store import keep_run_audit, run_audit
from auditor.store.database import STORE
from auditor.store.pruning import prune
from auditor.store.upkeep import contents_of
from auditor.store.upkeep_text import contents_text, pruned_text


@pytest.fixture
def keep(audit, tmp_path):
    """Publishes a run of the audit, as far as the store is concerned, and keeps it; gives its folder."""

    def _keep(run, name="pets", **changes):
        folder = tmp_path / name / run
        folder.mkdir(parents=True)
        told = replace(audit, name=name, run=replace(audit.run, id=run), **changes)
        assert keep_run_audit(tmp_path, told) == ()
        return folder

    return _keep


def ask(out, query):
    with sqlite3.connect(out / STORE / "auditor.sqlite") as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_a_run_comes_back_as_it_was_published(keep, audit, tmp_path):
    folder = keep("1")
    (folder.parent / "latest").symlink_to("1")

    for path in (folder, folder.parent / "latest"):
        back = run_audit(path, ADDITIONS)
        assert (back.name, back.run) == ("pets", replace(audit.run, id="1"))
        pd.testing.assert_frame_equal(back.predictions, audit.predictions)
        for each in fields(Audit):
            if each.name not in ("predictions", "name", "run"):
                assert getattr(back, each.name) == getattr(audit, each.name), each.name


def test_what_runs_share_is_kept_once(keep, tmp_path):
    keep("1")
    once = contents_of(tmp_path)
    for run in "2345":
        keep(run)

    found = contents_of(tmp_path)

    assert (once.runs, found.runs) == (1, 5)
    assert len(ask(tmp_path, "SELECT id FROM parts")) == len({*ask(tmp_path, "SELECT part FROM parts_of")})
    (heads,) = ask(tmp_path, "SELECT sum(length(head)) FROM audits WHERE run > '1'")[0]
    assert found.runs_size == once.runs_size + heads            # a text of its own, and nothing else
    assert "reports that can be written again: 5 runs" in "\n".join(contents_text(found))


def test_runs_whose_folder_is_gone_are_forgotten_by_the_next(keep, tmp_path):
    first, other = keep("1"), keep("1", "birds")
    shutil.rmtree(first)

    keep("2", examples={})

    assert ask(tmp_path, "SELECT name, run FROM audits ORDER BY id") == [("birds", "1"), ("pets", "2")]
    assert run_audit(other, ADDITIONS).name == "birds"
    with pytest.raises(InputError, match=r"has no audit of .*pets/1, .*; scan again"):
        run_audit(first)


def test_a_prune_forgets_them_too(keep, tmp_path):
    folder = keep("1")
    assert prune(tmp_path).audits == 0
    shutil.rmtree(folder)

    done = prune(tmp_path)

    assert "what the reports of 1 removed run said" in pruned_text(done)
    assert [ask(tmp_path, f"SELECT * FROM {table}") for table in ("audits", "parts_of", "parts")] == [[], [], []]


def test_a_run_that_is_made_anew_takes_the_place_of_the_first(keep, tmp_path):
    shutil.rmtree(keep("1"))

    folder = keep("1", notes=("another one",))

    assert run_audit(folder, ADDITIONS).notes == ("another one",)
    assert len(ask(tmp_path, "SELECT * FROM audits")) == 1


@pytest.mark.parametrize("damage", [
    "UPDATE audits SET crc = crc + 1", "UPDATE audits SET head = zeroblob(99)", "DELETE FROM parts WHERE id = 2",
    "UPDATE parts SET data = zeroblob(length(data)) WHERE id = 3",
])  # fmt: skip
def test_a_damaged_audit_is_refused(keep, tmp_path, damage):
    folder = keep("1")
    ask(tmp_path, damage)

    with pytest.raises(InputError, match=r"is damaged, or of another version of auditor .*; scan again"):
        run_audit(folder, ADDITIONS)


def test_an_audit_with_other_records_is_of_another_version(keep):
    folder = keep("1")

    with pytest.raises(InputError, match="of another version of auditor"):
        run_audit(folder)                       # a version that knows no additions


def test_without_a_store_that_is_told(tmp_path):
    (tmp_path / "pets" / "1").mkdir(parents=True)

    with pytest.raises(InputError, match="is no store"):
        run_audit(tmp_path / "pets" / "1")
