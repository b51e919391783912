"""Every file of a run is in the registry, and a run from Python is as whole as one of the command."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import auditor
from auditor.errors import InputError
from auditor.outputs import OUTPUTS, summary, write_outputs
from auditor.outputs.run import scan_to_disk, write_run
from auditor.runs.stored import latest_runs
from auditor.settings import Settings

REPOSITORY = Path(__file__).parents[2]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_an_output_writes_the_file_that_it_is_named_for_and_no_other(audit, tmp_path, output):
    assert output.write(audit, tmp_path) == tmp_path / output.name
    assert names(tmp_path) == [output.name]
    assert (tmp_path / output.name).stat().st_size


def test_the_manual_says_what_each_file_is_for():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| file | for |")[2].partition("\n\n")[0]

    assert sorted(re.findall(r"^\| `(\S+)` \|", table, re.M)) == sorted(output.name for output in OUTPUTS)


def test_what_is_written_is_what_the_audit_says(audit, tmp_path):
    write_outputs(audit, tmp_path)

    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == json.loads(json.dumps(summary(audit)))
    lines = (tmp_path / "findings.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line)["id"] for line in lines] == [found.id for found in audit.findings]
    assert len(pd.read_parquet(tmp_path / "predictions.parquet")) == len(audit.predictions)


def test_a_run_holds_every_file_and_latest_leads_to_it(audit, tmp_path):
    page = write_run(audit, tmp_path)

    assert page == tmp_path / "stickers" / audit.run.id / "index.html"
    assert names(page.parent) == sorted(output.name for output in OUTPUTS)
    assert (tmp_path / "stickers" / "latest").resolve() == page.parent.resolve()
    assert [run.summary["run"]["id"] for run in latest_runs(tmp_path, None)[0]] == [audit.run.id]


def test_every_file_says_the_id_that_the_run_got(audit, tmp_path):
    first = audit.run.id
    pages = [write_run(audit, tmp_path) for _ in range(2)]

    assert [page.parent.name for page in pages] == [first, f"{first}-2"]
    for page in pages:
        assert json.loads((page.parent / "summary.json").read_text())["run"]["id"] == page.parent.name
        assert f">{page.parent.name}<" in page.read_text(encoding="utf-8")
    assert audit.run.id == first                                # a frozen record


def test_an_output_that_fails_leaves_no_run(audit, tmp_path):
    unwritable = replace(audit, findings=(replace(audit.findings[0], score=float("nan")),))

    with pytest.raises(ValueError, match="JSON compliant"):
        write_run(unwritable, tmp_path)
    assert names(tmp_path) == []


def test_a_scan_says_the_id_that_was_claimed_before_it(tmp_path, draw, place):
    for number in range(3):
        place(draw(number), tmp_path / "data" / "cat" / f"{number}.jpg")
        place(draw(10 + number), tmp_path / "data" / "dog" / f"{number}.jpg")

    audit = scan_to_disk(Settings(data=tmp_path / "data", out=tmp_path / "reports", name="pets"))

    assert names(tmp_path / "reports" / "pets") == [audit.run.id, "history.html", "latest"]
    record = json.loads((tmp_path / "reports" / "pets" / "latest" / "summary.json").read_text())
    assert record["run"]["id"] == audit.run.id


def test_a_scan_is_not_begun_where_it_could_not_be_written(tmp_path):
    with pytest.raises(InputError, match="--name"):
        scan_to_disk(Settings(data=tmp_path / "nowhere", out=tmp_path, name="a/b"))

    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--out"):
        scan_to_disk(Settings(data=tmp_path / "nowhere", out=tmp_path / "file"))


# --- import auditor ---------------------------------------------------------------------------------------------------


def test_a_report_is_written_from_python(audit, tmp_path):
    page = auditor.write_report(audit, str(tmp_path / "reports"))

    assert page == tmp_path / "reports" / "stickers" / audit.run.id / "index.html"
    assert page.is_file()


def test_what_the_package_exports(audit):
    assert sorted(auditor.__all__) == [
        "Audit", "Finding", "__version__", "history", "labels", "scan", "show", "to_html", "write_report"
    ]  # fmt: skip
    for name in auditor.__all__:
        assert getattr(auditor, name) is not None
    assert isinstance(audit, auditor.Audit)
    assert isinstance(audit.findings[0], auditor.Finding)
    assert auditor.labels.find_label_issues.__module__ == "auditor.labels.noise_model"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = auditor.nothing


def test_importing_the_package_loads_nothing_heavy():
    code = "import auditor, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not set(loaded) & {"numpy", "pandas", "onnxruntime", "cv2", "jinja2", "tensorflow"}


def test_type_checkers_are_told_that_the_package_has_types():
    assert (Path(auditor.__file__).parent / "py.typed").is_file()
