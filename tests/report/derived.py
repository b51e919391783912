"""Audits with what no small folder has, made of the scanned one."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from auditor.audit import Audit, Chart, CopyPicture, Finding, Gate, LabelEstimate, Series
from auditor.report.audit.cards import Card
from auditor.report.audit.page import Page, build_pages
from auditor.report.shared.assets import Inline


def page_of(audit: Audit) -> Page:
    """Its record, where one page holds everything."""
    [page] = build_pages(audit, Inline())
    return page


def cards_of(audit: Audit) -> dict[str, Card]:
    """File -> its card, in the order of the page."""
    return {card.file: card for card in page_of(audit).cards}


def like(audit: Audit, rule: str, **fields: object) -> Finding:
    """The first finding of a rule, changed."""
    found = next(finding for finding in audit.findings if finding.rule == rule)
    return replace(found, **fields)  # type: ignore[arg-type]


def images(audit: Audit) -> int:
    """How many there are, readable or not."""
    return audit.outcomes["ok"] + audit.outcomes["failed"]


def files(audit: Audit, *rules: str) -> set[str]:
    """The files that any of the rules flagged."""
    return {finding.file for finding in audit.findings if finding.rule in rules and finding.file is not None}


def only(audit: Audit, *findings: Finding) -> Audit:
    """With these findings alone, and no file that cannot be read."""
    return replace(audit, findings=findings, outcomes={**audit.outcomes, "failed": 0})


def nothing_found(audit: Audit) -> Audit:
    """A scan that found nothing wrong."""
    assert audit.estimate is not None
    return replace(
        only(audit),
        evidence={},
        copies={},
        charts={},
        examples={},
        notes=(),
        skipped=(),
        additions=(),
        predictions=audit.predictions[audit.predictions["outcome"] == "ok"],
        outcomes={"ok": audit.outcomes["ok"], "failed": 0, "skipped": 0},
        model=replace(audit.model, in_sample=0, about={}, guessed={}),
        estimate=replace(audit.estimate, low=0, middle=0, high=2, accuracy_without=None),
    )


def nothing_scanned(audit: Audit) -> Audit:
    """An empty folder."""
    return replace(
        nothing_found(audit),
        classes={},
        outcomes={},
        rules=(),
        predictions=pd.DataFrame(),
        gate=Gate(False, ("label_issue",)),
        estimate=None,
    )


def one_class(audit: Audit) -> Audit:
    """A folder of one class: no label can be judged, and the model knows other classes."""
    audit = nothing_found(audit)
    judgement = ("oof_predicted", "oof_p_given", "label_score", "predicted", "p_given")
    unjudged = audit.predictions.assign(**dict.fromkeys(judgement))
    other = replace(audit.model, matched=False)
    classes = {"cats": audit.outcomes["ok"]}
    return replace(audit, classes=classes, predictions=unjudged, model=other, estimate=None, power=None)


def unlabelled(audit: Audit) -> Audit:
    """A folder of images without classes."""
    return replace(
        audit,
        classes={},
        findings=tuple(replace(found, label=None) for found in audit.findings if found.rule != "two_classes"),
        predictions=audit.predictions.assign(label=None),
    )


def plotted(audit: Audit, *charts: Chart) -> Audit:
    """With a finding about the data set for each chart."""
    general = [like(audit, "small_split", id=f"plot{place}") for place in range(len(charts))]
    shown = {found.id: chart for found, chart in zip(general, charts, strict=True)}
    return replace(audit, findings=(*audit.findings, *general), charts={**audit.charts, **shown})


def all_plots(audit: Audit) -> Audit:
    """With a plot of each kind."""
    return plotted(
        audit,
        Chart("bars", "Images", ("cats", "dogs"), (Series("", (3.0, 1200.0)),), marked=("cats",)),
        Chart("histogram", "Brightness", ("0", "0.5"), (Series("train", (0.25, 0.75)), Series("test", (0.9, 0.1)))),
        Chart("map", "Where the evidence lies", ("", ""), (Series("", (0.0, 0.1, 0.2, 1.0)),)),
    )


def altered(audit: Audit, **fields: object) -> Audit:
    """In which the copies of the first group that no label tears apart are altered ones, with a difference."""
    found = next(found for found in audit.findings if found.rule == "twice")
    first, *others = audit.copies[found.id]
    changed = {"kind": "altered", "similarity": 0.97, "difference": first.thumbnail, **fields}
    group: tuple[CopyPicture, ...] = (first, *(replace(copy, **changed) for copy in others))  # type: ignore[arg-type]
    return replace(audit, copies={**audit.copies, found.id: group})


def many_classes(audit: Audit, classes: int = 60) -> Audit:
    """A folder of many classes, the model's classes being others, and more findings than the page can list."""
    names = [f"class {place:03} {'n' * (place % 30)}" for place in range(classes)]
    findings: list[Finding] = []
    rows: list[Mapping[str, object]] = []
    for place in range(3 * classes):
        label, seen = names[place % classes], names[place * 7 % classes]
        wrong = like(audit, "label_issue", id=f"{place:x}", file=f"{label}/{place}.jpg", label=label, suggested=seen)
        dark = replace(wrong, id=f"d{place:x}", rule="dark", suggested=None, severity="medium")
        findings += [wrong, dark]
        rows.append({"file": wrong.file, "label": label, "predicted": seen, "oof_predicted": seen})
    readable = audit.predictions[audit.predictions["outcome"] == "ok"]
    changed = pd.DataFrame(rows)
    table = readable.iloc[[0] * len(rows)].reset_index(drop=True).assign(**changed.to_dict("list"))
    return replace(
        audit,
        name="many",
        classes=dict.fromkeys(names, 1500),
        findings=tuple(findings),
        evidence={},
        copies={},
        charts={},
        examples={},
        additions=(),
        outcomes={"ok": 1500 * classes, "failed": 1, "skipped": 0},
        predictions=table,
        model=replace(audit.model, matched=False, in_sample=0),
        estimate=LabelEstimate(2, 6, 471, 90_000, 200, 0.4, 0.99, 0.99),
    )
