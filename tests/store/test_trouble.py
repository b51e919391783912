"""A store that is damaged, foreign, full or out of reach costs time at most, and says so in one note."""

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from auditor.engines import Task
from auditor.store import collect, database, open_store, upkeep
from auditor.store.database import STORE
from auditor.store.schema import MIGRATIONS, VERSION, migrate
from tests.backends.fake import FakeBackend
from tests.store.scanned import Counted, dataset, same, scan

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def store(folder):
    """The folder of a store that knows all pictures."""
    scan(folder)
    return folder.parent / "reports" / STORE


def execute(store, statement, *values):
    with sqlite3.connect(store / "auditor.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()


def moved(store):
    return [path.name for path in store.parent.iterdir() if path.name.startswith("store.damaged-")]


DAMAGE = {
    "text": lambda file: file.write_text("no database, but long enough to be taken for one " * 100),
    "empty pages": lambda file: file.write_bytes(file.read_bytes()[:100] + bytes(file.stat().st_size - 100)),
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 3]),
    "a table is gone": lambda file: execute(file.parent, "DROP TABLE pixels"),
    "cut to nothing": lambda file: file.write_bytes(b""),
    "another database": lambda file: execute(file.parent, "PRAGMA user_version = 0"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_moved_aside_and_begun_anew(folder, store, damage):
    first = scan(folder)[0]
    DAMAGE[damage](store / "auditor.sqlite")

    second, known, _, notes = scan(folder)

    assert known == 0 and same(first, second)
    assert len(notes) == len(moved(store)) == 1
    assert "was damaged" in notes[0] and moved(store)[0] in notes[0]
    assert scan(folder)[1] == 12


def test_a_store_of_a_newer_auditor_is_left_alone(folder, store):
    execute(store, f"PRAGMA user_version = {VERSION + 1}")

    _, known, opened, notes = scan(folder)

    assert known == 0 and len(opened) == 12
    assert "a newer auditor made it" in notes[0] and len(notes) == 1
    assert not moved(store)


def test_a_store_on_a_network_drive_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(database, "_file_system", lambda _: "nfs4")

    notes = scan(folder)[3]

    assert "network file system (nfs4)" in notes[0]
    assert not list((folder.parent / "reports" / STORE).iterdir())


def test_the_file_system_of_a_folder_is_the_one_that_the_system_names(tmp_path):
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("only Linux tells")

    assert database._file_system(Path("/proc")) == "proc"


def test_a_file_in_the_place_of_the_store_is_told(folder):
    (folder.parent / "reports").mkdir()
    (folder.parent / "reports" / STORE).write_text("mine")

    outcomes, _, _, notes = scan(folder)

    assert len(outcomes) == 12 and len(notes) == 1 and "was not used" in notes[0]
    assert (folder.parent / "reports" / STORE).read_text() == "mine"


def test_a_store_without_shards_that_was_cut_to_nothing_is_told_too(folder, store):
    for shard in store.glob("*.npy"):
        shard.unlink()
    (store / "auditor.sqlite").write_bytes(b"")
    os.utime(store / "auditor.sqlite", (0, 0))

    assert "is empty" in scan(folder)[3][0]


def test_a_database_that_another_scan_just_begins_is_left_to_it(folder):
    begun = folder.parent / "reports" / STORE / "auditor.sqlite"
    begun.parent.mkdir(parents=True)
    begun.touch()

    assert scan(folder)[3] == []


@pytest.mark.parametrize("error", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN])
def test_a_store_that_can_only_be_read_is_not_called_damaged(error, tmp_path):
    failed = sqlite3.OperationalError("attempt to write a readonly database")
    failed.sqlite_errorcode = error

    told = str(upkeep._told(failed, tmp_path / "reports" / STORE))

    assert "SQLite writes beside a database even to read it" in told and "name the copy with --out" in told
    assert "damaged" not in told


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_not_be_written_to_is_told(folder, store):
    for path in (store / "auditor.sqlite", store):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))

    notes = scan(folder)[3]

    store.chmod(0o755)
    assert len(notes) == 1 and "was not used" in notes[0]


@pytest.mark.parametrize("damage", ["missing", "cut", "pickled", "of other numbers"])
def test_what_a_damaged_shard_held_is_inferred_again(folder, store, damage):
    first = scan(folder)[0]
    (shard,) = store.glob("*.npy")
    if damage == "missing":
        shard.unlink()
    elif damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-20])
    elif damage == "pickled":
        np.save(shard, np.array([print] * 11, object), allow_pickle=True)
    else:
        rows = np.load(shard)
        rows[3] += 1
        np.save(shard, rows)

    second, known, _, notes = scan(folder)

    assert same(first, second) and notes == []
    assert known == (11 if damage == "of other numbers" else 1)
    assert scan(folder)[1] == 12


@pytest.mark.parametrize(
    "change",
    ["properties = x'00'", "miniature = zeroblob(1024)", "width = -1", "format = 7", "hash = NULL", "failure = 'no'"],
)
def test_a_row_that_is_not_what_was_written_is_computed_again(folder, store, change):
    first = scan(folder)[0]
    execute(store, f"UPDATE pixels SET {change} WHERE rowid = (SELECT min(rowid) FROM pixels)")

    second, known, _, notes = scan(folder)

    assert same(first, second) and known == 11 and notes == []
    assert scan(folder)[1] == 12


@pytest.mark.parametrize("change", ["maps = 'text'", "probabilities = NULL", "shard = 99", "line = -1", "shard = 'x'"])
def test_a_hostile_answer_of_a_model_is_computed_again(folder, store, change):
    first = scan(folder)[0]
    execute(store, f"UPDATE forward SET {change} WHERE rowid = (SELECT min(rowid) FROM forward)")

    second, known, _, _ = scan(folder)

    assert same(first, second) and known == 11


def test_two_scans_at_once_share_a_store(folder, store):
    """One scan writes while another that began before it is still reading."""
    class Meanwhile(FakeBackend):
        sha256 = "2222" * 16
        done = False

        def forward(self, images):
            if not self.done:
                Meanwhile.done = True
                assert scan(folder, backend=Meanwhile())[1] == 12 - 11
            return super().forward(images)

    with open_store(store.parent) as opened:
        data = dataset(folder, Counted(str(folder)))
        outcomes, _ = collect(data, Task(Meanwhile(), batch_size=4, describe=True), opened, str(folder))
        assert len(opened.notes) == 1           # only that the model is new

    assert same(outcomes, scan(folder, backend=Meanwhile())[0])
    assert len(list(store.glob("*.npy"))) >= 2


def test_every_shard_is_a_valid_array(store):
    (shard,) = store.glob("*.npy")

    rows = np.load(shard, allow_pickle=False)

    assert rows.shape == (11, 8) and rows.dtype == np.float16 and np.isfinite(rows).all()


def test_a_store_is_made_by_its_migrations_one_after_the_other(tmp_path):
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None)
    migrate(connection)
    migrate(connection)

    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,) == (len(MIGRATIONS),)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


SCAN = """
    import os, sys
    from pathlib import Path
    from auditor.store import session
    from tests.store.scanned import scan
    from tests.backends.fake import FakeBackend

    class Mortal(FakeBackend):
        left = int(sys.argv[2])
        def forward(self, images):
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), 9)
            return super().forward(images)

    session.BATCH = 3
    Mortal.__module__, Mortal.__qualname__ = FakeBackend.__module__, FakeBackend.__qualname__
    scan(Path(sys.argv[1]), backend=Mortal())
"""


def run(folder, *arguments, before=""):
    command = [*before.split(), sys.executable, "-c", textwrap.dedent(SCAN), str(folder), *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("batches", [1, 2])
def test_a_killed_scan_goes_on_where_it_was(folder, batches):
    killed = run(folder, batches)
    assert killed.returncode == -9, killed.stderr

    outcomes, known, opened, notes = scan(folder)

    assert 0 < known < 12 and len(opened) == 12 - known
    assert notes == []
    (folder.parent / "reports").rename(folder.parent / "before")
    assert same(outcomes, scan(folder)[0])


@pytest.mark.parametrize("room", [20_000, 70_000])
def test_a_full_disk_ends_the_scan_with_what_to_do(folder, room):
    scan_with_limit = """
        import resource, sys
        from auditor.errors import Incomplete
        from tests.store.scanned import scan
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d))
        try: scan(Path(sys.argv[1]))
        except Incomplete as error: print(error); sys.exit(error.exit_code)
    """
    pytest.importorskip("resource", reason="limits of a process are Unix'")
    code = textwrap.dedent(scan_with_limit % (room, room))
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=REPOSITORY, capture_output=True, text=True)

    assert done.returncode == 3, done.stderr
    assert "is full" in done.stdout and "run the same command again" in done.stdout
    assert scan(folder)[3] == [] and scan(folder)[1] == 12
