"""Facts beside the findings: the model, the run, what was left out, and how to read the page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import Audit, RunInfo
from auditor.text import count, decimal, duration, moment, number, visible

MAX_SKIPPED = 100  # files listed for one reason
MAX_ITEMS = 24  # entries of one mapping or list of a model card
MAX_TEXT = 600  # characters of one text of a model card
MAX_DEPTH = 4  # nested mappings of a model card


@dataclass(frozen=True)
class Fact:
    """A name with a text, or with facts below it."""

    name: str
    text: str = ""
    parts: tuple["Fact", ...] = ()


@dataclass(frozen=True)
class Skipped:
    """Files that were left out for one reason."""

    reason: str
    count: str
    files: tuple[str, ...]
    more: str


@dataclass(frozen=True)
class Term:
    """An entry of the glossary."""

    word: str
    meaning: str


#: What every report of a scan speaks of.
GENERAL_TERMS = (
    Term("Given", "The class of an image in your folder: the label that is being checked."),
    Term("Suggested", "The class that fits better, by the rule that flagged the image. A person decides."),
    Term("Score", "Between 0 and 1 for each rule and image; 0 is worst. Lists are sorted by it."),
    Term("Severity", "High: look at it first. Medium: probably worth a look. Low: good to know."),
)

#: What one speaks of that used a model.
MODEL_TERMS = (
    Term("Heatmap", "Where in the image the evidence for one class lies. Hot means high; cold means none."),
    Term(
        "Why one class and not the other",
        "Orange areas are evidence for the first class rather than the second, blue areas for the second rather than "
        "the first.",
    ),
    Term(
        "Similar",
        "The images that look most alike to the model, whatever their labels. Marked \u2260: not the given label.",
    ),
    Term("Undecided", "No class is clear. Often there are two things in one image, or neither."),
)

#: How labels are judged, in the words of the field.
JUDGING_TERMS = (
    Term(
        "Out-of-fold",
        "Judged by a small classifier that learnt from the other images only, so that a wrong label cannot confirm "
        "itself.",
    ),
    Term(
        "In sample",
        "The model was trained on exactly this image. It may have memorised a wrong label: agreement proves little.",
    ),
)

#: What one speaks of that shows copies.
COPY_TERMS = (
    Term(
        "Difference",
        "The copy laid over the first image of its group, less that image: grey where both agree, lighter or darker "
        "where the copy is.",
    ),
    Term(
        "Altered",
        "The same picture to the eye, with other pixels: encoded again, resized, cropped, framed, lighter or darker.",
    ),
)


def facts(values: Mapping[str, object], depth: int = MAX_DEPTH) -> tuple[Fact, ...]:
    """A nested mapping as definition lists; long and deep ones are cut, and the cut is stated."""
    found = [_fact(visible(key), value, depth) for key, value in list(values.items())[:MAX_ITEMS]]
    if len(values) > MAX_ITEMS:
        found.append(Fact("\u2026", f"{number(len(values) - MAX_ITEMS)} more entries"))
    return tuple(found)


def _fact(name: str, value: object, depth: int) -> Fact:
    if isinstance(value, Mapping) and value and depth > 1:
        return Fact(_spaced(name), parts=facts(value, depth - 1))
    if (
        isinstance(value, (list, tuple))
        and depth > 1
        and any(isinstance(item, (Mapping, list, tuple)) for item in value)
    ):
        return Fact(_spaced(name), parts=facts({str(place): item for place, item in enumerate(value, 1)}, depth - 1))
    return Fact(_spaced(name), _text(value))


def _spaced(name: str) -> str:
    """`measured_accuracy` -> measured accuracy."""
    return _cut(name.replace("_", " ").strip() or name)


def _text(value: object) -> str:
    if isinstance(value, Mapping) and not value:
        return "none"
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if abs(value) < 10_000 else number(value)
    if isinstance(value, float):
        return decimal(value) if abs(value) < 1 else f"{value:g}"
    if isinstance(value, (list, tuple)):
        rest = f" and {number(len(value) - MAX_ITEMS)} more" if len(value) > MAX_ITEMS else ""
        return ", ".join(_text(item) for item in value[:MAX_ITEMS]) + rest if value else "none"
    return _cut(visible(value)) or "empty"


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}\u2026 ({number(len(text) - MAX_TEXT)} more characters)"


def model_facts(audit: Audit) -> tuple[Fact, ...]:
    """What the scan knows about the model; nothing where it had none."""
    model = audit.model
    if model is None:
        return ()
    verdict = "its classes are the folder's, so its predictions were judged"
    if not model.matched:
        verdict = "its classes are not the folder's, so only its embeddings were used"
    return (
        Fact("name", visible(model.name)),
        Fact("backend", visible(f"{model.backend} on {model.device}")),
        Fact("sha256", visible(model.sha256)),
        Fact("classes", _text(model.classes) if model.classes else "not named"),
        Fact("used for", verdict),
        Fact("in sample", f"{count(model.in_sample, 'scanned image')} seen in training" if model.in_sample else "none"),
    )


def run_facts(run: RunInfo, *own: Fact) -> tuple[Fact, ...]:
    """When, how fast, and with which settings; `own` are further facts of one kind of page."""
    settings = (Fact("settings", parts=facts(run.settings)),) if run.settings else ()
    return (
        Fact("run", visible(run.id)),
        Fact("started", moment(run.started_at)),
        Fact("took", duration(run.seconds)),
        Fact("speed", f"{decimal(run.images_per_second)} images/s"),
        *own,
        Fact("auditor", visible(run.auditor_version)),
        *settings,
    )


def skipped(entries: Sequence[tuple[str, str]]) -> tuple[Skipped, ...]:
    """What was left out, by reason, the most frequent first."""
    files: dict[str, list[str]] = defaultdict(list)
    for file, reason in entries:
        files[reason].append(file)
    reasons = sorted(files, key=lambda reason: (-len(files[reason]), reason))
    return tuple(
        Skipped(
            reason=visible(reason),
            count=number(len(files[reason])),
            files=tuple(map(visible, files[reason][:MAX_SKIPPED])),
            more=f"and {number(len(files[reason]) - MAX_SKIPPED)} more" if len(files[reason]) > MAX_SKIPPED else "",
        )
        for reason in reasons
    )
