"""Another rule is one class and one entry in the registry: findings, report, `why` and demo follow by themselves."""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import auditor
from auditor import checks
from auditor.audit import RuleKind
from auditor.checks import CheckResult, GroupFinding, Samples, StoredImage, documentation
from auditor.checks.base import yes_or_no
from auditor.outputs import write_outputs
from auditor.report.audit import render_html
from auditor.why import as_text, explain
from tests.backends.fake import FakeBackend
from tests.report.page import Document


@dataclass(frozen=True)
class Tiny:
    """The image has few pixels.

    Args:
        side: Pixels of the longer side under which an image is flagged.
    """

    side: float = 40

    rule: ClassVar[str] = "tiny"
    title: ClassVar[str] = "Tiny"
    kind: ClassVar[RuleKind] = "image"
    demo_faults: ClassVar[tuple[str, ...]] = ("undersized",)

    def run(self, samples: Samples) -> CheckResult:
        """Flags small images, groups equal files, and says how many splits there are."""
        longer = np.fmax(samples.properties["width"], samples.properties["height"])     # (N,)
        rows_of = defaultdict(list)
        for row, content in enumerate(samples.contents):
            rows_of[content].append(row)
        copies = (tuple(rows) for rows in rows_of.values() if len(rows) > 1)
        groups = [GroupFinding(rows, 0.2, f"{len(rows)} equal files.", "medium", len(rows), 1) for rows in copies]
        missing = sum(split is None for split in samples.splits)
        groups.append(GroupFinding((), 0.4, f"{missing} images are in no split.", "low", missing, 0, key="no split"))
        result = yes_or_no(longer < self.side, lambda row: f"Only {longer[row]:.0f} px.", "low")
        return replace(result, groups=tuple(groups))

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It has enough pixels."""
        return f"not flagged: {image.row['width']} px are not under {image.settings['side']:.0f}."


@pytest.fixture
def with_tiny(monkeypatch):
    monkeypatch.setattr(checks, "CHECKS", (*checks.CHECKS, Tiny))


@pytest.fixture
def folder(tmp_path, draw, place):
    """Six photographs of two classes, one of them small, one of them twice."""
    for number in range(6):
        size = (24, 32) if number == 5 else (96, 128)
        place(draw(number, *size), tmp_path / "data" / ("cat", "dog")[number % 2] / f"{number}.png")
    (tmp_path / "data" / "dog" / "copy.png").write_bytes((tmp_path / "data" / "cat" / "2.png").read_bytes())
    return tmp_path / "data"


@pytest.fixture
def run(with_tiny, folder, tmp_path):
    """The audit, and the folder of its files."""
    audit = auditor.scan(folder, backend=FakeBackend())
    (tmp_path / "run").mkdir()
    write_outputs(audit, tmp_path / "run")
    return audit, tmp_path / "run"


def test_it_says_something_about_an_image_a_pair_and_the_data_set(run):
    lines = (run[1] / "findings.jsonl").read_text().splitlines()
    found = [finding for finding in map(json.loads, lines) if finding["rule"] == "tiny"]

    image, pair, dataset = found                                # worst first
    assert (image["file"], image["related"], image["message"]) == ("dog/5.png", [], "Only 32 px.")
    assert (pair["file"], pair["related"], pair["label"]) == ("cat/2.png", ["dog/copy.png"], "cat")
    assert (pair["score"], pair["value"], pair["threshold"], pair["severity"]) == (0.2, 2, 1, "medium")
    assert (dataset["file"], dataset["label"], dataset["split"]) == (None, None, None)
    assert dataset["message"] == "7 images are in no split."
    assert len({finding["id"] for finding in map(json.loads, lines)}) == len(lines)


def test_ids_stay_while_the_images_do(run, folder):
    before = {finding.id for finding in run[0].findings if finding.rule == "tiny"}
    (folder / "cat" / "0.png").unlink()

    after = [finding for finding in auditor.scan(folder, backend=FakeBackend()).findings if finding.rule == "tiny"]

    assert {finding.id for finding in after} == before
    assert after[-1].message == "6 images are in no split."


def test_the_report_shows_all_three(run):
    audit, _ = run
    page = Document(render_html(audit))

    assert "The image has few pixels." in page.text             # the legend
    assert "2 equal files." in page.text and "dog/copy.png" in page.text
    assert "The data set as a whole" in page.text and "7 images are in no split." in page.text
    assert {f"f-{finding.id}" for finding in audit.findings} <= set(page.values("id"))


def test_why_asks_it_about_images_that_it_did_not_flag(run, folder):
    reasons = {
        file: next(rule.why for rule in explain(file, folder, run=run[1]).rules if rule.rule == "tiny")
        for file in ("cat/0.png", "dog/5.png", "dog/copy.png")
    }

    assert reasons == {
        "cat/0.png": "not flagged: 128 px are not under 40.",
        "dog/5.png": "Only 32 px.",
        "dog/copy.png": "named by its finding about cat/2.png.",
    }
    assert "tiny of cat/2.png: 2 equal files." in as_text(explain("dog/copy.png", folder, run=run[1]))


def test_it_has_settings_and_can_be_left_out(with_tiny, folder):
    def found(**options):
        return auditor.scan(folder, backend=FakeBackend(), **options).counts()

    assert found(checks={"tiny": {"side": 10}})["tiny"] == 2
    assert "tiny" not in found(skip_rules="tiny")


def test_the_documentation_and_the_demo_know_it(with_tiny):
    from auditor.demo.run import rule_for

    assert "| `tiny` | Tiny | The image has few pixels. | `side = 40` |" in documentation.page()
    assert rule_for("undersized") == "tiny"
