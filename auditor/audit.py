"""The result of a scan: a frozen record that the report and the exports render and never compute with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, get_args

if TYPE_CHECKING:                               # `auditor why` does without
    import pandas as pd

AUDIT_FORMAT = 1

Severity = Literal["high", "medium", "low"]
#: The severest first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Status = Literal["new", "persisting", "accepted"]

#: What the findings of a rule claim. Whoever treats rules differently asks this; nobody asks for a rule's name.
RuleKind = Literal[
    "label",        # the given label is wrong
    "model",        # the trained model sees another class than the given one
    "doubt",        # no class is clear
    "conflict",     # one picture has two labels
    "copies",       # one picture is there more than once
    "image",        # something about the picture
    "file",         # something about the file
    "dataset",      # something about the data set as a whole
]
_ABOUT_LABELS: tuple[RuleKind, ...] = ("label", "model", "doubt", "conflict")

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Finding:
    """One line of `findings.jsonl`.

    Attributes:
        id: Hash of content, rule, label and n-th copy: the same every night while the image is unchanged. For several
            images, of all their contents; for the data set, of the rule and of what the finding is about.
        rule: Name of the rule, as in the registry of checks.
        severity: How much it matters.
        file: POSIX path relative to the root of the data set; None for a rule about the whole set.
        split: The split it is in, if any.
        related: Other files that the finding is about, or that show it.
        related_values: What was measured between the file and each of `related`, such as their similarity; or none.
        label: The class that the data set gives it, if any.
        suggested: The class that it should have, by the rule; None where the rule suggests none.
        score: In [0, 1], 0 worst.
        value: What was measured, in the rule's own unit.
        threshold: What `value` was compared with.
        message: One sentence with rule, value and threshold.
        status: Against the last run.
    """

    id: str
    rule: str
    severity: Severity
    file: str | None
    split: str | None
    related: tuple[str, ...]
    label: str | None
    suggested: str | None
    score: float
    value: float | None
    threshold: float | None
    message: str
    status: Status = "new"
    related_values: tuple[float, ...] = ()


def labels_of(findings: Sequence[Finding]) -> tuple[str | None, str | None]:
    """Of the findings about one image: the class that the data set gives it, and the first one that a rule suggests."""
    label = next((finding.label for finding in findings if finding.label is not None), None)
    return label, next((finding.suggested for finding in findings if finding.suggested is not None), None)


@dataclass(frozen=True)
class Series:
    """One of the things that a chart compares; an empty name where there is only one."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """A small plot that shows a finding about the data set; numbers only, a page draws it.

    Attributes:
        kind: "bars": one bar of each series for every label. "histogram": one bin for every label, which is its lower
            edge; values are shares of a series. "map": `values` of the only series are the cells of a picture, row by
            row, in [0, 1], and there is a label for each row ("" all).
        title: What is counted or measured, in a few words.
        labels: Of bars or bins, in order.
        series: One or more.
        marked: Labels that the finding is about.
    """

    kind: Literal["bars", "histogram", "map"]
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    marked: tuple[str, ...] = ()


@dataclass(frozen=True)
class CopyPicture:
    """One image of a group that is the same picture, ready to be shown.

    Attributes:
        file: POSIX path relative to the root.
        label, split: Of the image, if any.
        kind: How it is the same picture as the first one: "bytes", "pixels", "altered" or "mirrored"; "" for the first.
        similarity: To the first one, in [0, 1].
        thumbnail: Encoded (WebP), upright; None where it could not be read again.
        difference: The same size as the first one's thumbnail, encoded: grey where the two agree after one was laid
            over the other; None for the first, and where nothing differs.
    """

    file: str
    label: str | None
    split: str | None
    kind: str
    similarity: float
    thumbnail: bytes | None
    difference: bytes | None = None


@dataclass(frozen=True)
class Rule:
    """A rule that ran, as the report needs to know it.

    Attributes:
        name: As in the registry of checks.
        title: What the report calls it.
        description: What it flags, in a sentence or two.
        settings: The check's arguments, by name.
        kind: What its findings claim.
        judged: Whether it had anything to go by.
    """

    name: str
    title: str
    description: str
    settings: Mapping[str, float]
    kind: RuleKind
    judged: bool = True

    @property
    def is_about_labels(self) -> bool:
        """Whether its findings come in the order in which labels should be reviewed."""
        return self.kind in _ABOUT_LABELS


@dataclass(frozen=True)
class Neighbour:
    """An image that looks like another one to the model.

    Attributes:
        file: POSIX path relative to the root.
        label: The class that the data set gives it, if any.
        similarity: Cosine of the two embeddings, 1 for the same picture.
        thumbnail: The image, upright, encoded (WebP); None where it could not be read again.
    """

    file: str
    label: str | None
    similarity: float
    thumbnail: bytes | None


@dataclass(frozen=True)
class LabelPower:
    """What the probe can do on this data set, measured by changing labels in memory.

    Attributes:
        knows: Share of the images whose class it knows without having seen them.
        chance: Share that guessing the most frequent class would get right.
        swapped: How many labels were swapped.
        found: How many of those it flagged.
        disturbed: Share of the other labels that it flagged anew meanwhile.
        can_judge: Whether that is enough to believe its flags. If not, no label is called wrong and no number is given.
    """

    knows: float
    chance: float
    swapped: int
    found: int
    disturbed: float
    can_judge: bool


@dataclass(frozen=True)
class LabelEstimate:
    """How many labels are wrong, and what mending them is worth.

    Attributes:
        low, middle, high: Estimate of the number of wrong labels, with its 95 % interval.
        judged: How many labels could be judged.
        review: Number of images at the head of the review order.
        found_in_review: Share of the wrong labels expected among those, in [0, 1].
        accuracy_now: Out-of-fold accuracy of the probe on the unflagged images, all labels learned from.
        accuracy_without: The same when the flagged labels are left out of training; None where none is flagged.
    """

    low: int
    middle: int
    high: int
    judged: int
    review: int
    found_in_review: float
    accuracy_now: float | None
    accuracy_without: float | None


@dataclass(frozen=True)
class HeatLayer:
    """A heatmap as a tiny picture with transparency, to be laid over a thumbnail and stretched to its size.

    Attributes:
        picture: Encoded (PNG), clear where there is no evidence.
        subject: The class whose evidence it shows.
        against: The class that the subject is weighed against, in the colours of `contrast_legend`; None for the
            evidence as such.
        blank: Nothing speaks for the subject, so that no heat is drawn.
    """

    picture: bytes
    subject: str
    against: str | None
    blank: bool


@dataclass(frozen=True)
class Evidence:
    """Pictures of one flagged image, encoded, ready to be shown.

    Attributes:
        content: sha256 of the file's content: what a decision about the image is bound to.
        thumbnail: The image, upright (WebP).
        width, height: Its size in pixels.
        heatmaps: Layers over the thumbnail, that of the predicted class first; where the predicted class is not the
            given one, the evidence for the given and predicted against given follow. Empty where the model gives none.
        probabilities: (class, probability) of the classes with the highest probabilities, best first, at most five.
        source: Who gives those probabilities: "model" or "out-of-fold probe".
        similar: The most similar other images, whatever their labels, best first, at most five.
        of_given: The most similar images of the given class, at most three.
        of_suggested: The most similar images of the suggested class, at most three; empty where none is suggested.
        method: What made the heatmaps: "Grad-CAM", "Grad-CAM by gradients" or "occlusion".
        colours: The colour map of the heatmaps.
    """

    content: str
    thumbnail: bytes
    width: int
    height: int
    heatmaps: tuple[HeatLayer, ...]
    probabilities: tuple[tuple[str, float], ...]
    source: str
    similar: tuple[Neighbour, ...] = ()
    of_given: tuple[Neighbour, ...] = ()
    of_suggested: tuple[Neighbour, ...] = ()
    method: str = "Grad-CAM"
    colours: str = "inferno"


@dataclass(frozen=True)
class ModelInfo:
    """The model as the report names it. `matched`: its classes are the folder's, so its predictions were judged.

    Attributes:
        in_sample: How many of the scanned images the model was trained on, by its card.
        guessed: What nobody stated about it, and how it was guessed.
        about: What its card says about itself.
    """

    name: str
    backend: str
    device: str
    sha256: str
    classes: tuple[str, ...]
    matched: bool
    in_sample: int
    guessed: Mapping[str, str]
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """When and how fast. `seconds` is wall time of the whole scan; `cached` counts images not decoded again."""

    id: str
    started_at: str
    seconds: float
    images_per_second: float
    cached: int
    auditor_version: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class GateResult:
    """One limit that the user set, and what was measured against it.

    Attributes:
        expression: As it was written: the run fails when it holds.
        passed: It does not hold.
        judged: Whether its rule could judge anything; a limit on a rule that judged nothing passes, and says so.
        measured: A number of findings; of images in per cent where `share` holds.
        limit: What that was compared with, in the same unit.
        share: Whether images were counted, as a share of `images`.
        counted: How many findings, or images.
        images: The images that `counted` is a share of; 0 where it is none.
        findings: Ids of the first findings that counted, in the order of the audit.
        files: Their files, without repetition.
        classes: Class -> how many of the counted findings or images carry its label.
    """

    expression: str
    passed: bool
    judged: bool
    measured: float
    limit: float
    share: bool
    counted: int
    images: int
    findings: tuple[str, ...]
    files: tuple[str, ...]
    classes: Mapping[str, int]


@dataclass(frozen=True)
class Gate:
    """Whether the run passed the limits that the user set.

    Attributes:
        passed: All of them.
        rules: The expressions that failed, as they were written.
        results: Every limit, in the order in which they were stated.
    """

    passed: bool = True
    rules: tuple[str, ...] = ()
    results: tuple[GateResult, ...] = ()


class Addition(Protocol):
    """What a part of the scan adds to the audit where the user asks for it; a section of the report looks for it.

    Attributes:
        name: Its key in `summary.json`.
    """

    name: ClassVar[str]

    def summary(self) -> dict[str, Any]:
        """What `summary.json` says of it: values that JSON has, no pictures."""
        ...

    def renamed(self, rename: Callable[[str], str]) -> "Addition":
        """The same with other names for the classes of the folder, for people to read."""
        ...


@dataclass(frozen=True)
class Audit:
    """Everything a scan found.

    Attributes:
        name: Of the data set, used as a folder name.
        root: The folder that was scanned, as the user wrote it.
        classes: Class -> number of its images, in sorted order.
        outcomes: Counts of "ok", "failed", "skipped": one per regular file.
        skipped: (file, reason) of what was left out, in order.
        model: The classifier; None for a scan without one.
        predictions: One row per file that was found, the columns of `predictions.parquet`.
        findings: Sorted: worst first over all label rules, then by rule and file.
        evidence: File -> pictures, for the flagged images that the report shows.
        rules: The rules that ran, in the registry's order.
        notes: Sentences the reader must know: what could not be judged, and why.
        estimate: How many labels are wrong; None where none could be judged.
        power: How far the probe can be trusted here; None where no label was judged.
        additions: What further parts of the scan found, each a record of its own type.
        charts: Id of a finding about the data set -> the plot that shows it.
        copies: Id of a finding -> the images that are the same picture, the finding's own first; for those that the
            report shows.
        examples: File -> small picture (WebP) of an image that a finding about the data set relates to.
        kept: Ids of what was found and is not among the findings, because people kept these images in review.
    """

    name: str
    root: str
    classes: Mapping[str, int]
    outcomes: Mapping[str, int]
    skipped: tuple[tuple[str, str], ...]
    model: ModelInfo | None
    predictions: "pd.DataFrame"
    findings: tuple[Finding, ...]
    evidence: Mapping[str, Evidence]
    rules: tuple[Rule, ...]
    notes: tuple[str, ...]
    run: RunInfo
    gate: Gate = Gate()
    estimate: LabelEstimate | None = None
    power: LabelPower | None = None
    additions: tuple[Addition, ...] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    copies: Mapping[str, tuple[CopyPicture, ...]] = field(default_factory=dict)
    examples: Mapping[str, bytes] = field(default_factory=dict)
    kept: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, with findings or without; 1 a gate failed."""
        return 0 if self.gate.passed else 1

    def counts(self) -> dict[str, int]:
        """Findings per rule that ran, in the registry's order, zeros included."""
        counts = {rule.name: 0 for rule in self.rules}
        for finding in self.findings:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
        return counts

    @property
    def images(self) -> int:
        """Images are what was decoded or should have been; a file that was skipped is not an image."""
        return self.outcomes.get("ok", 0) + self.outcomes.get("failed", 0)

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The findings that nobody has accepted, in their order."""
        return tuple(finding for finding in self.findings if finding.status != "accepted")

    def title(self, rule: str) -> str:
        """What people call a rule; its name where it did not run."""
        return next((each.title for each in self.rules if each.name == rule), rule)

    def statuses(self) -> dict[str, int]:
        """Findings per status, zeros included."""
        counts: dict[str, int] = dict.fromkeys(get_args(Status), 0)
        for finding in self.findings:
            counts[finding.status] += 1
        return counts

    def findings_frame(self) -> "pd.DataFrame":
        """The findings as a table: a row for each, in their order, and a column for each field of `Finding`."""
        import pandas as pd

        rows = [asdict(finding) for finding in self.findings]
        return pd.DataFrame(rows, columns=[each.name for each in fields(Finding)])

    def addition(self, record: type[_Record]) -> _Record | None:
        """The addition of this type; None where the scan made none."""
        return next((addition for addition in self.additions if isinstance(addition, record)), None)

    def rules_of(self, kind: RuleKind) -> frozenset[str]:
        """Names of the rules of this kind that ran."""
        return frozenset(rule.name for rule in self.rules if rule.kind == kind)
