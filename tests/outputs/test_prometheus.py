"""Figures for Prometheus."""

import re

import pytest

from auditor.errors import InputError
from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.prometheus import check_target, render, write_prometheus
from auditor.store import Changes
from tests.gates.made import HOSTILE, RULES, UNPRINTABLE, audited, found

SAMPLE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (-?[0-9.e+]+)$')


def samples(text):
    """name{labels} -> value, by the grammar of the text format."""
    return {
        f"{match[1]}{{{match[2]}}}": float(match[3])
        for line in text.splitlines()
        if not line.startswith("# ")
        for match in [SAMPLE.match(line)]
    }


def test_the_figures():
    findings = [found(), found(severity="low"), found(status="accepted")]
    gate = evaluate(parse_limits(["any > 0", "blurry > 0"], RULES, RULES), findings, ImageCounts.of([]), RULES)

    told = samples(render(audited(*findings, gate=gate)))

    assert told['auditor_findings{rule="label_issue",severity="high",dataset="data-pets"}'] == 1
    assert told['auditor_findings{rule="blurry",severity="high",dataset="data-pets"}'] == 0
    assert told['auditor_findings_status{status="accepted",dataset="data-pets"}'] == 1
    assert told['auditor_findings_resolved{dataset="data-pets"}'] == 0
    assert told['auditor_images{outcome="failed",dataset="data-pets"}'] == 1
    assert told['auditor_gate_passed{gate="any > 0",dataset="data-pets"}'] == 0
    assert told['auditor_gate_passed{gate="blurry > 0",dataset="data-pets"}'] == 1
    assert told['auditor_passed{dataset="data-pets"}'] == 0
    assert told['auditor_scan_seconds{dataset="data-pets"}'] == 12.5
    assert told['auditor_last_run_timestamp_seconds{dataset="data-pets"}'] == 1738288800


def test_what_is_gone_since_the_last_run_is_counted():
    changes = Changes("20250130T020000Z", "2025-01-30T02:00:00+00:00", 7, {"file gone": 7}, {"blurry": 7}, (), 0)

    assert samples(render(audited(additions=(changes,))))['auditor_findings_resolved{dataset="data-pets"}'] == 7


def test_each_figure_is_announced_once_before_its_samples():
    lines = render(audited(found())).splitlines()

    announced = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    names = [line.partition("{")[0] for line in lines if not line.startswith("#")]
    assert announced == list(dict.fromkeys(names))
    assert len(announced) == len(set(announced))


@pytest.mark.parametrize("name", [HOSTILE, UNPRINTABLE, 'a"} 1\nb{c="', "\\", "\\n"])
def test_no_name_gets_out_of_its_label(name):
    text = render(audited(found(), name=name))

    assert all(SAMPLE.match(line) for line in text.splitlines() if not line.startswith("# "))


def test_a_new_file_may_be_read_by_others_and_one_that_is_replaced_keeps_its_permissions(tmp_path):
    path = tmp_path / "auditor.prom"

    write_prometheus(audited(found()), path)
    assert path.stat().st_mode & 0o777 == 0o644

    path.write_text("old")
    path.chmod(0o640)
    write_prometheus(audited(found()), path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text(encoding="utf-8") == render(audited(found()))
    assert [each.name for each in tmp_path.iterdir()] == ["auditor.prom"]


def test_a_file_that_the_collector_would_not_see_is_refused_before_the_work(tmp_path):
    check_target(tmp_path / "auditor.prom")
    with pytest.raises(InputError, match=r"does not end in \.prom"):
        check_target(tmp_path / "auditor.txt")
    with pytest.raises(InputError, match="lies in no folder"):
        check_target(tmp_path / "nowhere" / "auditor.prom")
