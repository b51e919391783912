"""The demo: what was planted is found."""

from dataclasses import replace

import pytest

from auditor.demo.plant import FAULTS, Truth
from auditor.demo.run import FOLDER, TRUTH, clean_under, found_of_kind, rule_for, run_demo
from auditor.errors import InputError
from auditor.progress import Progress

pytestmark = pytest.mark.slow                   # the whole demo is scanned


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    audit, lines = run_demo(out, None, Progress())
    return out, audit, lines, Truth.read(out / FOLDER / TRUTH)


def test_every_planted_mislabelled_sticker_is_found(demo):
    _, audit, _, truth = demo

    assert len(truth.of_kind("mislabelled")) == 10
    assert found_of_kind(truth, audit, "mislabelled") >= 9      # one of them is hardly a cat, hardly a dog


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind != "mislabelled"])
def test_every_fault_of_another_kind_is_found(demo, kind):
    _, audit, _, truth = demo

    assert found_of_kind(truth, audit, kind) == len(truth.of_kind(kind)) > 0


def test_at_most_one_clean_sticker_in_twenty_is_flagged(demo):
    _, audit, _, truth = demo

    assert len(truth.clean) >= 240
    assert all(clean_under(truth, audit, rule.name) <= 0.05 * len(truth.clean) for rule in audit.rules)


def test_the_first_card_is_a_sticker_in_the_wrong_class_with_its_map(demo):
    _, audit, _, truth = demo

    first = audit.findings[0]
    wrong = (*truth.of_kind("mislabelled"), *truth.of_kind("conflicting_labels"))
    assert first.file in {fault.file for fault in wrong}
    assert audit.evidence[first.file].heatmaps


def test_the_lines_say_how_many_were_found(demo):
    _, _, lines, _ = demo

    assert any(line.split()[2:] == ["of", "10", "label_issue"] for line in lines)
    assert all(rule_for(kind) is not None for kind in FAULTS)


def test_a_second_demo_scans_the_same_stickers(demo):
    out, audit, _, _ = demo
    before = {path: path.stat().st_mtime_ns for path in (out / FOLDER).rglob("*")}
    again, _ = run_demo(out, None, Progress())

    assert {path: path.stat().st_mtime_ns for path in (out / FOLDER).rglob("*")} == before
    assert [replace(finding, status="new") for finding in again.findings] == list(audit.findings)
    assert {finding.status for finding in again.findings} == {"persisting"}


def test_a_folder_with_other_files_is_not_changed(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "mine.txt").write_text("mine")

    with pytest.raises(InputError, match="move it away"):
        run_demo(tmp_path, None, Progress())
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["mine.txt"]
