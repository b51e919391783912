"""What an earlier run found is known."""

import json

import pytest

from auditor.errors import InputError
from auditor.gates.baseline import Baseline, known
from tests.gates.made import found


@pytest.fixture
def run(tmp_path):
    """The folder of a run with two findings, without the page and the table, which nobody reads here."""
    folder = tmp_path / "reports" / "data-pets" / "20250131T020000Z"
    folder.mkdir(parents=True)
    summary = {
        "format_version": 1, "dataset": {"name": "data-pets", "root": "data/pets"},
        "run": {"started_at": "2025-01-31T02:00:00+00:00"},
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "findings.jsonl").write_text('{"id": "aa"}\n{"id": "bb"}\n')
    return folder


def rewrite(folder, **values):
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_it_knows_is_not_new(run):
    findings = (found(id="aa", file="moved/1.jpg"), found(id="cc"), found(id="bb", status="accepted"))

    marked = known(findings, Baseline.read(run).ids)

    assert [finding.status for finding in marked] == ["persisting", "new", "accepted"]


def test_it_is_of_this_data_set_by_its_name_or_by_its_root(run):
    baseline = Baseline.read(run)

    baseline.check("data-pets", "/elsewhere/pets")
    baseline.check("pets", "data/pets")
    with pytest.raises(InputError, match=r"is a run of data-pets \(data/pets\), not of birds \(data/birds\)"):
        baseline.check("birds", "data/birds")


@pytest.mark.parametrize("version", [2, None, "1"])
def test_a_run_of_a_newer_format_is_not_guessed_at(version, run):
    rewrite(run, format_version=version)

    with pytest.raises(InputError, match=f"has format {version!r}; this auditor reads 1"):
        Baseline.read(run)


@pytest.mark.parametrize("line", ['{"rule": "dark"}', "[1]", "not JSON"])
def test_findings_that_are_none_are_an_error(line, run):
    (run / "findings.jsonl").write_text(line)

    with pytest.raises(InputError, match="findings"):
        Baseline.read(run)


def test_a_folder_that_is_no_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match="Expected the folder of a run"):
        Baseline.read(tmp_path)
