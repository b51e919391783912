"""Two runs side by side, from their folders alone."""

import json

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import InputError
from auditor.outputs.run import write_run
from auditor.runs.compare import as_text, compare_runs, find_run
from auditor.runs.stored import open_run
from tests.gates.made import RULES, audited, found


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two runs: one finding in both, one new, one resolved; a rule that ran in one of them only."""
    monkeypatch.chdir(tmp_path)
    stays, goes, comes = found(), found(file="cat/2.jpg"), found("blurry", "dog/3.jpg")
    first = audited(stays, goes, found("unreadable", "cat/9.jpg"))
    second = audited(stays, comes, classes={"cat": 7, "dog": 4}, outcomes={"ok": 10, "failed": 1, "skipped": 2})
    few = tuple(rule for rule in first.rules if rule.name != "unreadable")
    out = tmp_path / "reports"
    return [write_run(first, out).parent, write_run(second.__class__(**{**vars(second), "rules": few}), out).parent]


def test_findings_are_new_persisting_or_resolved_by_rule(two):
    compared = compare_runs(*map(open_run, two))

    assert [(each.rule, each.before, each.after, each.persisting) for each in compared.rules] == [
        ("label_issue", 2, 1, 1), ("blurry", 0, 1, 0), ("class_imbalance", 0, 0, 0)
    ]  # fmt: skip
    assert [entry.file for entry in compared.rules[0].resolved] == ["cat/2.jpg"]
    assert [entry.file for entry in compared.rules[1].new] == ["dog/3.jpg"]
    assert compared.only_first == ("unreadable",) and set(RULES) > set(compared.only_first)
    assert compared.images == (10, 11) and compared.classes == {"cat": (6, 7)}


def test_the_text_names_the_files(two):
    lines = list(as_text(compare_runs(*map(open_run, two))))

    assert "label_issue, 1 resolved finding: cat/2.jpg" in lines
    assert "blurry, 1 new finding: dog/3.jpg" in lines
    assert lines[-1] == "only in the first run, and not compared: unreadable"


def test_the_command_takes_ids_and_prints_json(two):
    done = CliRunner().invoke(app, ["compare", two[0].name, "latest", "--json"])

    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["new"], told["persisting"], told["resolved"]) == (1, 1, 1)


def test_what_is_no_run_is_told(two, tmp_path):
    with pytest.raises(InputError, match="neither the folder of a run nor the id of one below"):
        find_run("20200101T000000Z", tmp_path / "reports", None)
    with pytest.raises(InputError, match="Expected the folder of a run"):
        find_run(str(tmp_path / "nowhere"), tmp_path / "reports", None)


def test_an_id_of_several_data_sets_needs_a_name(two, tmp_path):
    (tmp_path / "reports" / "other").symlink_to("data-pets")

    with pytest.raises(InputError, match="is a run of data-pets, other; say --name"):
        find_run(two[0].name, tmp_path / "reports", None)
    assert find_run(two[0].name, tmp_path / "reports", "other").folder.name == two[0].name
