"""A run has its id before the work, is published whole or not at all, and clears away what killed runs left."""

import errno
import os
import platform
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from auditor.errors import Incomplete, InputError
from auditor.runs.folder import claim, run_id

posix = pytest.mark.skipif(sys.platform == "win32", reason="no locks that the system lets go of")


def write(out, name="cats", wanted=None, text=""):
    """A run from its claim to its publication; returns its id."""
    with claim(out, name, wanted) as run, run.publish() as folder:
        (folder / "index.html").write_text(text or run.id)
    return run.id


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed(out, wanted, *, at="os.kill(os.getpid(), 9)"):
    """A process that claims a run, begins to write it, and is killed."""
    code = (
        "import os, sys; from pathlib import Path; from auditor.runs.folder import claim\n"
        "with claim(Path(sys.argv[1]), 'cats', sys.argv[2]) as run, run.publish() as folder:\n"
        f"    (folder / 'index.html').write_text('half'); {at}"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out), wanted], timeout=60)
    assert done.returncode == -signal.SIGKILL
    return out / "cats" / f".{wanted}.partial"


def test_latest_points_at_the_newest_run_by_a_relative_link(tmp_path):
    write(tmp_path, wanted="one")
    write(tmp_path, wanted="two")

    assert (tmp_path / "cats" / "latest").readlink().as_posix() == "two"
    assert (tmp_path / "cats" / "latest" / "index.html").read_text() == "two"
    assert (tmp_path / "cats" / "one" / "index.html").read_text() == "one"
    assert names(tmp_path / "cats") == ["latest", "one", "two"]


def test_an_id_is_the_time_in_utc(tmp_path):
    start = datetime(2025, 1, 31, 3, 0, 5, tzinfo=timezone(timedelta(hours=1)))

    assert run_id(start) == "20250131T020005Z"
    with claim(tmp_path, "cats") as run:
        assert datetime.strptime(run.id, "%Y%m%dT%H%M%SZ")


def test_two_runs_of_one_second_get_two_ids(tmp_path):
    assert [write(tmp_path, wanted="now") for _ in range(3)] == ["now", "now-2", "now-3"]
    assert names(tmp_path / "cats") == ["latest", "now", "now-2", "now-3"]


def test_an_id_is_taken_from_the_claim_on(tmp_path):
    with claim(tmp_path, "cats", "now") as first, claim(tmp_path, "cats", "now") as second:
        assert (first.id, second.id) == ("now", "now-2")
        with second.publish(), first.publish():
            pass

    assert names(tmp_path / "cats") == ["latest", "now", "now-2"]


def test_an_id_that_was_not_used_is_free_again(tmp_path):
    with claim(tmp_path, "cats", "now"):
        pass

    assert write(tmp_path, wanted="now") == "now"


def test_runs_that_start_together_never_share_an_id(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda _: write(tmp_path, wanted="now"), range(64)))

    assert len(set(ids)) == 64
    assert names(tmp_path / "cats") == sorted(["latest", *ids])
    for run in ids:
        assert (tmp_path / "cats" / run / "index.html").read_text() == run


def test_nothing_of_a_run_is_seen_before_it_is_whole(tmp_path):
    with claim(tmp_path, "cats", "now") as run, run.publish() as folder:
        (folder / "index.html").write_text("half")
        assert not run.folder.exists()
        assert [name for name in names(tmp_path / "cats") if not name.startswith(".")] == []

    assert names(run.folder) == ["index.html"]


def test_a_run_that_fails_leaves_nothing_behind(tmp_path):
    write(tmp_path, wanted="good")

    with pytest.raises(ZeroDivisionError), claim(tmp_path, "cats", "bad") as run, run.publish() as folder:
        (folder / "x").touch()
        _ = 1 / 0

    assert names(tmp_path / "cats") == ["good", "latest"]
    assert (tmp_path / "cats" / "latest").resolve().name == "good"


def test_work_that_fails_leaves_not_even_the_folders_that_were_made_for_it(tmp_path):
    (tmp_path / "mine").mkdir()

    with pytest.raises(ZeroDivisionError), claim(tmp_path / "mine" / "new" / "reports", "cats"):
        _ = 1 / 0

    assert names(tmp_path / "mine") == []


@posix
def test_the_next_run_removes_what_a_killed_one_left(tmp_path):
    write(tmp_path, wanted="good")
    draft = killed(tmp_path, "dead")
    assert [path.name for path in draft.rglob("*.html")] == ["index.html"]
    assert (tmp_path / "cats" / "latest").resolve().name == "good"

    assert write(tmp_path, wanted="dead") == "dead"

    assert names(tmp_path / "cats") == ["dead", "good", "latest"]
    assert (tmp_path / "cats" / "latest" / "index.html").read_text() == "dead"


@posix
@pytest.mark.parametrize(
    ("step", "call"),
    [
        *(("Path.mkdir", call) for call in (1, 2, 3)),          # of the name, the claim, the draft
        ("os.open", 1),
        ("Path.rename", 1),
        ("Path.symlink_to", 1),
        ("Path.replace", 1),
        ("shutil.rmtree", 1),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_a_run_is_whole_or_not_there(tmp_path, step, call, when):
    write(tmp_path, wanted="good")
    code = (
        "import os, shutil, sys; from pathlib import Path; from auditor.runs.folder import claim\n"
        f"real, calls = {step}, []\n"
        "def deadly(*arguments, **options):\n"
        "    calls.append(1)\n"
        f"    if len(calls) < {call}: return real(*arguments, **options)\n"
        f"    {'real(*arguments, **options)' if when == 'after' else 'pass'}\n"
        "    os.kill(os.getpid(), 9)\n"
        f"{step} = deadly\n"
        "with claim(Path(sys.argv[1]), 'cats', 'dead') as run, run.publish() as folder:\n"
        "    (folder / 'index.html').write_text('whole')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL

    home = tmp_path / "cats"
    assert (home / "latest" / "index.html").read_text() in ("good", "whole")
    published = (home / "dead").exists()
    assert not published or (home / "dead" / "index.html").read_text() == "whole"

    write(tmp_path, wanted="next")
    assert names(home) == sorted(["good", "latest", "next", *(["dead"] if published else [])])


@posix
def test_a_run_that_is_still_at_work_keeps_its_draft(tmp_path):
    code = (
        "import sys; from pathlib import Path; from auditor.runs.folder import claim\n"
        "with claim(Path(sys.argv[1]), 'cats', 'slow') as run, run.publish() as folder:\n"
        "    (folder / 'index.html').write_text('slow'); print('at work', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "at work\n"
        os.utime(tmp_path / "cats" / ".slow.partial" / f"on-{platform.node()}")

        assert write(tmp_path, wanted="slow") == "slow-2"

        process.communicate("\n", timeout=60)
        assert process.returncode == 0
    assert names(tmp_path / "cats") == ["latest", "slow", "slow-2"]
    assert (tmp_path / "cats" / "slow" / "index.html").read_text() == "slow"


@posix
@pytest.mark.parametrize(("days", "left"), [(6, [".there.partial", "latest", "run"]), (8, ["latest", "run"])])
def test_a_draft_from_another_machine_is_a_leftover_only_after_a_week(tmp_path, days, left):
    draft = tmp_path / "cats" / ".there.partial"
    (draft / "on-another").mkdir(parents=True)
    then = datetime.now().timestamp() - days * 24 * 3600
    os.utime(draft, (then, then))

    write(tmp_path, wanted="run")

    assert names(tmp_path / "cats") == left


@posix
@pytest.mark.parametrize(("days", "left"), [(6, [".dead.partial", "latest", "run"]), (8, ["latest", "run"])])
def test_where_there_are_no_locks_age_tells(tmp_path, monkeypatch, days, left):
    import fcntl

    def refused(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    draft = killed(tmp_path, "dead")
    then = datetime.now().timestamp() - days * 24 * 3600
    os.utime(draft, (then, then))
    monkeypatch.setattr(fcntl, "flock", refused)

    write(tmp_path, wanted="run")

    assert names(tmp_path / "cats") == left


def test_other_names_and_files_of_the_user_are_left_alone(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "notes.txt").write_text("mine")
    (tmp_path / "cats" / ".notes.partial").write_text("mine")
    (tmp_path / "dogs" / ".run.partial").mkdir(parents=True)

    write(tmp_path, wanted="run")

    assert names(tmp_path / "cats") == [".notes.partial", "latest", "notes.txt", "run"]
    assert names(tmp_path / "dogs") == [".run.partial"]


def test_a_full_disk_is_an_incomplete_run(tmp_path):
    with pytest.raises(Incomplete, match="full"), claim(tmp_path, "cats") as run, run.publish():
        raise OSError(errno.ENOSPC, "No space left on device")

    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_written_to_is_said_before_the_work(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)

    with pytest.raises(InputError, match=r"Permission denied.*--out"), claim(tmp_path, "cats"):
        pytest.fail("the work began")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system of the kernel")
def test_a_folder_that_cannot_be_made_is_said_before_the_work():
    with pytest.raises(InputError, match=r"proc/reports.* cannot be made.*--out"), claim(Path("/proc/reports"), "cats"):
        pytest.fail("the work began")


def test_an_error_of_the_work_is_not_taken_for_one_of_writing(tmp_path):
    with pytest.raises(PermissionError), claim(tmp_path, "cats"):
        raise PermissionError(errno.EACCES, "Permission denied", "data/cat/1.jpg")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "latest"])
def test_a_name_that_is_no_folder_name_is_refused_before_the_work(tmp_path, name):
    with pytest.raises(InputError, match="--name"), claim(tmp_path, name):
        pytest.fail("the work began")
    assert names(tmp_path) == []


@pytest.mark.parametrize("wanted", ["../up", "a/b", "", ".hidden", "latest"])
def test_an_id_that_is_no_folder_name_is_refused(tmp_path, wanted):
    with pytest.raises(InputError, match="run's id"), claim(tmp_path, "cats", wanted):
        pytest.fail("the work began")


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "reports").write_text("mine")

    with pytest.raises(InputError, match="--out"), claim(tmp_path / "reports", "cats"):
        pytest.fail("the work began")
    assert (tmp_path / "reports").read_text() == "mine"


def test_a_latest_that_is_no_link_is_refused_before_the_work(tmp_path):
    (tmp_path / "cats" / "latest").mkdir(parents=True)

    with pytest.raises(InputError, match="move it away"), claim(tmp_path, "cats"):
        pytest.fail("the work began")
    assert names(tmp_path / "cats") == ["latest"]
