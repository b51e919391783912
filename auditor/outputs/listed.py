"""The images of an audit as tools for annotation list them: one record each, in the order in which to look at them."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.audit import SEVERITIES, Audit, Finding, labels_of

#: What is taken from the table of predictions.
_COLUMNS = ("file", "split", "label", "outcome", "width", "height", "p_correct", "review_rank", "sha256")
#: Images that are named where there is room for a few.
WORST = 5
_DIGITS = 6                                     # of probabilities; the table has no more


@dataclass(frozen=True)
class ListedImage:
    """An image with what was found about it.

    Attributes:
        file: POSIX path relative to the root, as an audit has it.
        split, label: Of the image, if any.
        width, height: In pixels; None where it could not be decoded.
        content: sha256 of the file's content; None where it could not be read.
        p_correct: Probability that the given label is right; None where it was not judged.
        findings: About this image, none of them accepted, those about its label first.
    """

    file: str
    split: str | None
    label: str | None
    width: int | None
    height: int | None
    content: str | None
    p_correct: float | None
    findings: tuple[Finding, ...]

    @property
    def suggested(self) -> str | None:
        """The class of the first finding that suggests one."""
        return labels_of(self.findings)[1]

    @property
    def mistakenness(self) -> float | None:
        """Probability that the given label is wrong; where nobody judged it, how sure a rule is of another class.

        In [0, 1]; None where there is neither.
        """
        if self.p_correct is not None:
            return round(1 - self.p_correct, _DIGITS)
        return next((round(1 - found.score, _DIGITS) for found in self.findings if found.suggested is not None), None)

    @property
    def rules(self) -> list[str]:
        """Names of the rules that flag it, each once, in the order of its findings."""
        return list(dict.fromkeys(found.rule for found in self.findings))

    @property
    def why(self) -> str:
        """What its findings say."""
        return " ".join(dict.fromkeys(found.message for found in self.findings))


def by_image(audit: Audit) -> dict[str, tuple[Finding, ...]]:
    """File -> its findings that are not accepted, without those about no image; the first to look at comes first.

    Labels come in the order of review, then what else was found by severity.
    """
    about_labels = {rule.name for rule in audit.rules if rule.is_about_labels}
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(
        audit.standing, key=lambda each: -1 if each.rule in about_labels else SEVERITIES.index(each.severity)
    ):
        if finding.file is not None:
            found[finding.file].append(finding)
    return {file: tuple(findings) for file, findings in found.items()}


def flagged(audit: Audit) -> Iterator[ListedImage]:
    """The images that have findings, in the order of review."""
    found = by_image(audit)
    rows = {row["file"]: row for row in _rows(audit) if row["file"] in found}
    return (_image(rows[file], findings) for file, findings in found.items() if file in rows)


def every(audit: Audit) -> Iterator[ListedImage]:
    """All images: those with findings in the order of review, then the others, the most doubtful label first."""
    yield from flagged(audit)
    found = by_image(audit)
    rest = [row for row in _rows(audit) if row["file"] not in found]
    rest.sort(key=lambda row: math.inf if row["review_rank"] is None else row["review_rank"])    # stable: by file
    for row in rest:
        yield _image(row, ())


def classes(audit: Audit) -> list[str]:
    """All classes that an image has or should have, sorted: a model may suggest some that the folder lacks."""
    suggested = (finding.suggested for finding in audit.standing)
    return sorted({*audit.classes, *(name for name in suggested if name is not None)})


def _rows(audit: Audit) -> Iterator[Mapping[str, Any]]:
    """What the table says of every image; what was left out of the scan is none."""
    table = audit.predictions
    if table.empty:
        return
    columns = (table[name].astype(object).where(table[name].notna(), None) for name in _COLUMNS)
    for values in zip(*columns, strict=True):
        row = dict(zip(_COLUMNS, values, strict=True))
        if row["outcome"] != "skipped":
            yield row


def _image(row: Mapping[str, Any], findings: tuple[Finding, ...]) -> ListedImage:
    return ListedImage(
        file=row["file"],
        split=row["split"],
        label=row["label"],
        width=row["width"],
        height=row["height"],
        content=row["sha256"],
        p_correct=None if row["p_correct"] is None else round(float(row["p_correct"]), _DIGITS),
        findings=findings,
    )
