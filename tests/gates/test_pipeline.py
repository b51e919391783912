"""A pipeline: a wrong label stops it until it is put right or accepted."""

import hashlib
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import auditor
from auditor.cli import app
from auditor.errors import InputError
from auditor.outputs.run import write_run
from auditor.report.audit import render_html
from tests.backends.fake import FakeBackend
from tests.gates.made import HOSTILE
from tests.pictures import GREY, RED, draw_tinted, place_image

GATES = ("label_issue:high > 0", "new > 3", "label_issue > 50%")


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """Forty images with right labels, in a working directory of their own."""
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        place_image(draw_tinted(GREY, number), tmp_path / "pets" / "cat" / f"{number:02}.png")
        place_image(draw_tinted(RED, 100 + number), tmp_path / "pets" / "dog" / f"{number:02}.png")
    return tmp_path / "pets"


@pytest.fixture
def planted(pets):
    """The same with a dog among the cats."""
    return place_image(draw_tinted(RED, 500), pets / "cat" / "planted.png")


def scan(**options):
    return auditor.scan("pets", backend=FakeBackend(), fail_on=GATES, rules="label_issue,unreadable", **options)


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_clean_folder_passes(pets):
    assert scan().exit_code == 0


def test_a_wrong_label_fails_and_is_named(planted):
    audit = scan()

    assert audit.exit_code == 1
    assert audit.gate.rules == ("label_issue:high > 0",)
    assert audit.gate.results[0].files == ("cat/planted.png",)
    assert audit.gate.results[0].classes == {"cat": 1}


def test_it_passes_when_the_label_is_put_right(planted, pets):
    planted.rename(pets / "dog" / "planted.png")

    assert scan().exit_code == 0


def test_it_passes_when_the_finding_is_accepted(planted):
    write_run(scan(), planted.parents[2] / "reports")

    done = run("accept", "pets/cat/planted.png", "--reason", "a red cat", "--author", "Ada")
    accepted = scan()

    assert done.exit_code == 0, done.output
    assert "accepted: label_issue on cat/planted.png" in done.output
    assert accepted.exit_code == 0
    assert accepted.statuses() == {"new": 0, "persisting": 0, "accepted": 1}


def test_an_accepted_image_may_move_but_not_change(planted, tmp_path):
    finding = scan().findings[0].id
    (tmp_path / "auditor-accepted.toml").write_text(f'[[accepted]]\nfinding = "{finding}"\nreason = "a red cat"\n')

    moved = planted.rename(planted.with_name("moved.png"))
    assert scan().exit_code == 0

    place_image(draw_tinted(RED, 500), moved, compress_level=0)
    audit = scan()
    assert audit.exit_code == 1
    assert not any("may be stale" in note for note in audit.notes)      # its rule may be one that did not run
    assert any("may be stale" in note for note in auditor.scan("pets", backend=FakeBackend()).notes)


def test_a_content_is_accepted_wherever_it_lies(planted, tmp_path):
    digest = hashlib.sha256(planted.read_bytes()).hexdigest()
    entry = f'[[accepted]]\ncontent = "{digest[:12]}"\nrule = "label_issue"\nreason = "a red cat"\n'
    (tmp_path / "auditor-accepted.toml").write_text(entry)

    assert scan().exit_code == 0


def test_it_passes_when_an_earlier_run_is_the_baseline(planted):
    page = write_run(scan(), planted.parents[2] / "reports")

    audit = auditor.scan("pets", backend=FakeBackend(), fail_on="new > 0", rules="label_issue", baseline=page.parent)

    assert audit.exit_code == 0
    assert audit.statuses()["new"] == 0 < audit.statuses()["persisting"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"fail_on": "label_isue > 0"}, "did you mean label_issue"),
        ({"fail_on": "dark > 0", "rules": "unreadable"}, "dark does not run|no rule dark"),
        ({"fail_on": "any[cta] > 0"}, "nearest are cat"),
        ({"accepted": "nowhere.toml"}, "nowhere.toml cannot be read"),
        ({"baseline": "nowhere"}, "Expected the folder of a run"),
    ],
)
def test_what_cannot_be_is_said_before_an_image_is_read(options, complaint, pets):
    class NeverRuns:
        def run(self, samples, task):
            raise AssertionError("an image was read")

    from auditor.scanning.scan import run_scan
    from auditor.settings import Settings

    with pytest.raises(InputError, match=complaint):
        run_scan(Settings.load(data="pets", **options), backend=FakeBackend(), engine=NeverRuns())


def test_accepted_findings_are_looked_for_beside_the_configuration_file(planted, tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "night.toml").write_text('[scan]\nfail_on = ["any > 0"]\noutputs = "junit"')
    (tmp_path / "jobs" / "auditor-accepted.toml").write_text("# nothing yet")

    from auditor.settings import Settings

    settings = Settings.load(data="pets", config=tmp_path / "jobs" / "night.toml")

    assert settings.accepted == tmp_path / "jobs" / "auditor-accepted.toml"
    assert (settings.fail_on, settings.outputs) == (("any > 0",), ("junit",))
    assert Settings.load(data="pets").accepted is None


def test_the_page_and_the_summary_have_every_gate(planted, tmp_path):
    audit = scan()
    odd = replace(audit.gate.results[0], expression=f"any[{HOSTILE}] > 0", files=(HOSTILE,))
    audit = replace(audit, gate=replace(audit.gate, results=(*audit.gate.results, odd)))

    page = render_html(audit)
    summary = json.loads((write_run(audit, tmp_path / "reports").parent / "summary.json").read_text(encoding="utf-8"))

    assert page.count("<td>failed</td>") == 2
    assert page.count("<td>passed</td>") == 2
    assert "label_issue:high &gt; 0" in page
    assert "any[&lt;b&gt;&#39;" in page
    assert "<b>'" not in page
    assert summary["gate"]["passed"] is False
    assert summary["gate"]["rules"] == ["label_issue:high > 0"]
    assert [result["expression"] for result in summary["gate"]["results"]][:3] == list(GATES)
    assert summary["statuses"] == {**audit.statuses(), "resolved": 0}


# --- the commands -----------------------------------------------------------------------------------------------------


def test_the_command_prints_a_line_for_each_gate_writes_its_report_and_exits_with_one(pets):
    (pets / "cat" / "broken.png").write_bytes(b"")

    done = run("scan", "pets", "--no-model", "--rules", "unreadable", "--format", "junit,sarif", "--format", "markdown",
               "--fail-on", "unreadable > 0", "--fail-on", "unreadable > 50%")  # fmt: skip

    assert done.exit_code == 1
    assert "gate FAILED  unreadable > 0: 1 finding\n" in done.output
    assert "gate passed  unreadable > 50%: 2.4% (1 of 41 images)\n" in done.output
    written = {path.name for path in (pets.parent / done.output.splitlines()[-1]).parent.iterdir()}
    assert written == {
        "index.html", "summary.json", "findings.jsonl", "predictions.parquet",
        "junit.xml", "findings.sarif", "summary.md",
    }  # fmt: skip


def test_accept_says_what_it_did_and_what_it_could_not(planted, tmp_path):
    page = write_run(scan(), tmp_path / "reports")
    (finding,) = [json.loads(line) for line in (page.parent / "findings.jsonl").read_text().splitlines()]

    def accept(*arguments):
        done = run("accept", *arguments, "--reason", "a red cat", "--accepted", "mine.toml")
        return done.exit_code, done.output or str(done.exception)

    assert accept(finding["id"], "--run", page.parent, "--expires", "2999-01-01")[0] == 0
    assert "accepted before: label_issue" in accept("cat/planted.png")[1]
    assert "label_issue" in accept("cat/planted.png", "--rule", "dark")[1]
    assert "neither the id of a finding nor a file" in accept("cat/00.png")[1]
    assert "expected a date: 2026-12-31" in accept(finding["id"], "--expires", "soon")[1]
    assert "is past" in accept(finding["id"], "--expires", "2020-01-01")[1]
    assert "--reason is empty" in str(run("accept", finding["id"], "--reason", " ").exception)
    assert (tmp_path / "mine.toml").read_text().count("[[accepted]]") == 1
