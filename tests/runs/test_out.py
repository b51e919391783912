"""A folder of `--out` that cannot be written to is refused before any work."""

import os
import sys

import pytest
from typer.testing import CliRunner

from auditor.atomic_write import check_out
from auditor.cli import app
from auditor.errors import InputError


def test_a_folder_that_is_there_or_can_be_made_is_left_as_it_was(tmp_path):
    (tmp_path / "there").mkdir()

    check_out(tmp_path / "there")
    check_out(tmp_path / "new" / "reports")
    check_out(tmp_path / "reports.v1.html.d")

    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_file_in_its_place_or_above_it_is_named(tmp_path):
    (tmp_path / "taken").write_text("mine")

    with pytest.raises(InputError, match="taken is a file and no folder; name another folder with --out"):
        check_out(tmp_path / "taken")
    with pytest.raises(InputError, match=r"reports cannot be made: .*taken is a file and no folder"):
        check_out(tmp_path / "taken" / "reports")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_that_may_not_be_written_to(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("of Linux")

    with pytest.raises(InputError, match=r"/proc/reports cannot be made: /proc cannot be written to .* --out"):
        check_out(type(tmp_path)("/proc/reports"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o555)

    with pytest.raises(InputError, match="cannot be written to"):
        check_out(tmp_path)
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("name", ["report.html", "REPORT.HTML", "model.onnx", "findings.csv"])
def test_the_name_of_a_file_is_answered_with_that_of_a_folder(tmp_path, name):
    with pytest.raises(InputError, match=f"{name} is named like a file; expected a folder.* Write --out .*[a-zA-Z]$"):
        check_out(tmp_path / name)
    (tmp_path / name).mkdir()
    check_out(tmp_path / name)


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "nowhere"), ("evaluate", "no-model", "nowhere"), ("train", "nowhere"), ("explain", "nowhere.jpg"),
    ],
)  # fmt: skip
def test_every_command_asks_before_it_reads_anything(command, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("mine")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError, match=r"^taken/reports cannot be made: taken is a file and no folder; name another"):
        CliRunner().invoke(app, [*command, "--out", "taken/reports"], catch_exceptions=False)


def test_an_export_asks_before_it_converts(tmp_path):
    onnx = pytest.importorskip("onnx")
    assert onnx
    from auditor.model_export.export import export_model

    (tmp_path / "taken").write_text("mine")
    (tmp_path / "net.onnx").write_bytes(b"")

    with pytest.raises(InputError, match="taken is a file and no folder"):
        export_model(tmp_path / "net.onnx", "fp16", out=tmp_path / "taken")
