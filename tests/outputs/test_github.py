"""What a job of GitHub Actions shows."""

import re

from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.github import MOST_SUMMARY, annotations, write_step_summary
from tests.gates.made import HOSTILE, RULES, UNPRINTABLE, audited, found


def test_severe_findings_are_errors_others_warnings_and_slight_ones_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    audit = audited(
        found(message="100% wrong: a, b"), found(severity="low"), found("blurry", severity="medium"),
        found(status="accepted"), found("class_imbalance", None, severity="medium"),
    )  # fmt: skip

    assert list(annotations(audit)) == [
        "::error file=data/pets/cat/1.jpg,title=Label_Issue::100%25 wrong: a, b",
        "::warning file=data/pets/cat/1.jpg,title=Blurry::blurry is wrong",
        "::warning title=Class_Imbalance::class_imbalance is wrong",
    ]


def test_failed_gates_come_first():
    findings = [found()]
    gate = evaluate(parse_limits(["blurry > 0", "any > 0"], RULES, RULES), findings, ImageCounts.of([]), RULES)

    first, second = annotations(audited(*findings, gate=gate))

    assert first == "::error title=Gate failed::any > 0: 1 finding"
    assert second.startswith("::error file=")


def test_there_are_as_many_as_are_shown_and_the_last_says_how_many_more():
    findings = [found() for _ in range(25)] + [found(severity="medium") for _ in range(10)]

    lines = list(annotations(audited(*findings)))

    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert errors[-1].startswith("::error title=auditor::16 more errors are in the report")
    assert len(lines) - len(errors) == 10


def test_no_name_is_a_command_or_a_property():
    for name in (HOSTILE, UNPRINTABLE, "a\n::set-env name=x::y", "a,line=3", "b::c", "a\r\nb;c"):
        (line,) = annotations(audited(found(file=name, message=name)))

        assert "\n" not in line and "\r" not in line
        properties, _, _ = line.removeprefix("::error ").partition("::")
        assert [each.partition("=")[0] for each in properties.split(",")] == ["file", "title"]
        assert re.fullmatch(r"::error file=[^:,]*,title=[^:,]*::.*", line)


def test_the_summary_is_added_to_what_the_step_has_said(tmp_path):
    path = tmp_path / "step.md"
    path.write_text("before\n")

    assert write_step_summary(audited(found()), {"GITHUB_STEP_SUMMARY": str(path)}) == ""
    assert path.read_text(encoding="utf-8").startswith("before\n## auditor: ")


def test_the_summary_keeps_to_what_is_left(tmp_path):
    path = tmp_path / "step.md"
    path.write_bytes(b"x" * (MOST_SUMMARY - 60) + b"\n")

    assert write_step_summary(audited(found()), {"GITHUB_STEP_SUMMARY": str(path)}) == ""
    assert MOST_SUMMARY - 60 < path.stat().st_size <= MOST_SUMMARY
    path.write_bytes(b"x" * MOST_SUMMARY)
    assert "has no room left" in write_step_summary(audited(found()), {"GITHUB_STEP_SUMMARY": str(path)})


def test_without_a_step_it_says_so(tmp_path):
    assert "GITHUB_STEP_SUMMARY" in write_step_summary(audited(), {})
    assert "cannot be written" in write_step_summary(audited(), {"GITHUB_STEP_SUMMARY": str(tmp_path)})
