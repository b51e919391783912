"""Readable names: an audit in which every synset id of ImageNet reads as what it means, before anything is rendered."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import pandas as pd

from auditor.audit import Audit, Chart, CopyPicture, Evidence, Finding, Neighbour, Series
from auditor.classes.imagenet import readable

#: The columns of the predictions that hold class names.
_COLUMNS = ("label", "predicted", "oof_predicted")

Rename = Callable[[str], str]


def readable_audit(audit: Audit) -> tuple[Audit, Mapping[str, str]]:
    """The audit as people read it, and for each class of the folder that got another name: that name -> its id.

    Class names and sentences change, files do not. A folder may hold both `n02086240` and `Shih-Tzu`: they stay two
    classes, the first one with its id behind the name.
    """
    shown: dict[str, str] = {}
    for name in audit.classes:
        called = readable(name)
        if called != name:
            shown[name] = f"{called} ({name})" if called in audit.classes else called

    @cache
    def rename(name: str) -> str:
        return shown.get(name) or readable(name)

    named = replace(
        audit,
        classes={rename(name): images for name, images in audit.classes.items()},
        model=audit.model and replace(audit.model, classes=tuple(map(rename, audit.model.classes))),
        predictions=_predictions(audit.predictions, rename),
        findings=tuple(_finding(finding, rename) for finding in audit.findings),
        evidence={file: _evidence(pictures, rename) for file, pictures in audit.evidence.items()},
        notes=tuple(map(readable, audit.notes)),
        additions=tuple(addition.renamed(rename) for addition in audit.additions),
        charts={finding: _chart(chart, rename) for finding, chart in audit.charts.items()},
        copies={finding: _copies(group, rename) for finding, group in audit.copies.items()},
    )
    return named, {called: name for name, called in shown.items()}


def _predictions(table: pd.DataFrame, rename: Rename) -> pd.DataFrame:
    changed = {}
    for column in _COLUMNS:
        if column in table:
            names = {name: rename(name) for name in table[column].dropna().unique()}
            if any(name != called for name, called in names.items()):
                changed[column] = table[column].map(names)
    return table.assign(**changed)


def _finding(finding: Finding, rename: Rename) -> Finding:
    return replace(
        finding,
        label=_maybe(finding.label, rename),
        suggested=_maybe(finding.suggested, rename),
        message=readable(finding.message),
    )


def _evidence(evidence: Evidence, rename: Rename) -> Evidence:
    def near(neighbours: tuple[Neighbour, ...]) -> tuple[Neighbour, ...]:
        return tuple(replace(neighbour, label=_maybe(neighbour.label, rename)) for neighbour in neighbours)

    return replace(
        evidence,
        heatmaps=tuple(
            replace(layer, subject=rename(layer.subject), against=_maybe(layer.against, rename))
            for layer in evidence.heatmaps
        ),
        probabilities=tuple((rename(name), share) for name, share in evidence.probabilities),
        similar=near(evidence.similar),
        of_given=near(evidence.of_given),
        of_suggested=near(evidence.of_suggested),
    )


def _chart(chart: Chart, rename: Rename) -> Chart:
    return replace(
        chart,
        title=readable(chart.title),
        labels=tuple(map(rename, chart.labels)),
        series=tuple(Series(rename(series.name), series.values) for series in chart.series),
        marked=tuple(map(rename, chart.marked)),
    )


def _copies(group: tuple[CopyPicture, ...], rename: Rename) -> tuple[CopyPicture, ...]:
    return tuple(replace(copy, label=_maybe(copy.label, rename)) for copy in group)


def _maybe(name: str | None, rename: Rename) -> str | None:
    return None if name is None else rename(name)
