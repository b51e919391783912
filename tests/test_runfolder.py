"""A run's folder is published whole or not at all."""

import pytest

from auditor.errors import Incomplete, InputError
from auditor.runfolder import publish


def test_latest_points_at_the_newest_run_by_a_relative_link(tmp_path):
    for run in ("one", "two"):
        with publish(tmp_path, "cats", run) as folder:
            (folder / "index.html").write_text(run)

    assert (tmp_path / "cats" / "latest").readlink().as_posix() == "two"
    assert (tmp_path / "cats" / "latest" / "index.html").read_text() == "two"
    assert (tmp_path / "cats" / "one" / "index.html").read_text() == "one"


def test_two_runs_of_one_second_get_two_folders(tmp_path):
    for _ in range(2):
        with publish(tmp_path, "cats", "now") as folder:
            (folder / "x").touch()

    assert sorted(path.name for path in (tmp_path / "cats").iterdir()) == ["latest", "now", "now-2"]


def test_a_run_that_fails_leaves_nothing_behind(tmp_path):
    with publish(tmp_path, "cats", "good") as folder:
        (folder / "x").touch()

    with pytest.raises(ZeroDivisionError), publish(tmp_path, "cats", "bad") as folder:
        (folder / "x").touch()
        _ = 1 / 0

    assert sorted(path.name for path in (tmp_path / "cats").iterdir()) == ["good", "latest"]
    assert (tmp_path / "cats" / "latest").resolve().name == "good"


def test_a_full_disk_is_an_incomplete_run(tmp_path):
    with pytest.raises(Incomplete, match="full"), publish(tmp_path, "cats", "run"):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "latest"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="--name"), publish(tmp_path, name, "run"):
        pass


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "reports").write_text("mine")

    with pytest.raises(InputError, match="--out"), publish(tmp_path / "reports", "cats", "run"):
        pass
    assert (tmp_path / "reports").read_text() == "mine"
