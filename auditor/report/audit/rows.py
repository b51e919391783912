"""The tables of the report: findings per rule, findings per class, given against predicted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import SEVERITIES, Audit, Rule, RuleKind
from auditor.report.shared.matrix import UPRIGHT_COLUMNS, Cell, Matrix, MatrixRow, cell, confusion_row
from auditor.text import count, decimal, number, percent, visible

MAX_CLASSES = 30  # rows of the class table
MAX_CONFUSION = 20  # classes of the confusion matrix


@dataclass(frozen=True)
class RuleRow:
    """One rule with what it found. `href` leads to what it found, "" where it found nothing."""

    name: str
    title: str
    description: str
    count: str
    severity: str
    bar: str
    href: str
    settings: tuple[tuple[str, str], ...]
    kind: RuleKind
    judged: bool


@dataclass(frozen=True)
class RuleGroup:
    """The rules about one thing that found something."""

    title: str
    rows: tuple[RuleRow, ...]


#: What rules are about, by their kinds, in the order of the page.
_ABOUT: tuple[tuple[str, tuple[RuleKind, ...]], ...] = (
    ("Labels", ("label", "model", "doubt", "conflict")),
    ("Copies", ("copies",)),
    ("Images", ("image",)),
    ("Files", ("file",)),
    ("Data set", ("dataset",)),
)


def rule_titles(audit: Audit) -> dict[str, str]:
    """Name -> title of every rule that ran, in the registry's order; then of any other that a finding names."""
    titles = {rule.name: visible(rule.title) for rule in audit.rules}
    for finding in audit.findings:
        titles.setdefault(finding.rule, visible(finding.rule))
    return titles


def rule_rows(audit: Audit, href: Callable[[str], str]) -> tuple[RuleRow, ...]:
    """A row for each rule in the registry's order, those without findings included.

    Args:
        audit: The scan.
        href: Rule -> the way to what it found.
    """
    counts = Counter(finding.rule for finding in audit.standing)
    found = {(finding.rule, finding.severity) for finding in audit.standing}
    known = {rule.name for rule in audit.rules}
    unknown = (Rule(name, name, "", {}, "image") for name in counts if name not in known)
    largest = max(counts.values(), default=1)
    return tuple(
        RuleRow(
            name=visible(rule.name),
            title=visible(rule.title),
            description=visible(rule.description),
            count=number(counts[rule.name]),
            severity=next((level for level in SEVERITIES if (rule.name, level) in found), ""),
            bar=f"{counts[rule.name] / largest:.1%}",
            href=href(rule.name) if counts[rule.name] else "",
            settings=tuple((visible(key), decimal(value)) for key, value in rule.settings.items()),
            kind=rule.kind,
            judged=rule.judged,
        )
        for rule in (*audit.rules, *unknown)
    )


def rule_groups(rows: Sequence[RuleRow]) -> tuple[RuleGroup, ...]:
    """The rules that found something, by what they are about; groups without any are left out."""
    found = [row for row in rows if row.severity]
    groups = (RuleGroup(title, tuple(row for row in found if row.kind in kinds)) for title, kinds in _ABOUT)
    return tuple(group for group in groups if group.rows)


def quiet_rules(rows: Sequence[RuleRow]) -> tuple[str, ...]:
    """Sentences on the rules that found nothing, and on those that had nothing to go by."""
    silent = [row for row in rows if not row.severity]
    quiet, blind = ([row.title for row in silent if row.judged is judged] for judged in (True, False))
    said = (("Nothing found by", quiet), ("Nothing to go by for", blind))
    return tuple(f"{words}: {', '.join(titles)}." for words, titles in said if titles)


#: The way to the images that have these values, "" where there are none: `href(label="cat", rule="blurry")`.
Href = Callable[..., str]


def class_matrix(audit: Audit, ids: Mapping[str, str], href: Href) -> Matrix:
    """Class x rule, for the rules with findings; the classes with most flagged images first.

    Args:
        audit: The scan.
        ids: Readable name -> the class as the data set calls it, where these differ.
        href: Leads from a cell to its images.
    """
    titles = rule_titles(audit)
    hits = Counter((finding.label, finding.rule) for finding in audit.standing if finding.label is not None)
    with_label = {rule for _, rule in hits}
    columns = [rule for rule in titles if rule in with_label]
    files: dict[str, set[str]] = defaultdict(set)
    for finding in audit.standing:
        if finding.label is not None and finding.file is not None:
            files[finding.label].add(finding.file)
    names = sorted(_labels(audit), key=lambda name: (-len(files[name]), name))
    largest = max(hits.values(), default=1)
    rows = [
        MatrixRow(
            name=visible(name),
            cells=(
                Cell(number(audit.classes.get(name, 0)), "0"),
                Cell(number(len(files[name])), "0"),
                Cell(percent(len(files[name]) / audit.classes[name]) if audit.classes.get(name) else "", "0"),
                *(
                    cell(hits[name, rule], largest, href=href(label=ids.get(name, name), rule=rule))
                    for rule in columns
                ),
            ),
        )
        for name in names[:MAX_CLASSES]
    ]
    rest = names[MAX_CLASSES:]
    return Matrix(
        corner="Class",
        columns=("Images", "Flagged", "Share", *(titles[rule] for rule in columns)),
        rows=tuple(rows),
        upright=len(columns) + 3 > UPRIGHT_COLUMNS,
        more=_rest(len(rest), sum(len(files[name]) for name in rest)),
        ids=ids,
    )


def confusion_matrix(audit: Audit, ids: Mapping[str, str], href: Href) -> Matrix | None:
    """Given x predicted label, by the model where its classes are the folder's, else by the other images.

    None where there is nothing to compare: one class, or no prediction. For the arguments see `class_matrix`; a cell
    leads to the flagged ones of its images.
    """
    column = "predicted" if audit.model is not None and audit.model.matched else "oof_predicted"
    table = audit.predictions
    if len(audit.classes) < 2 or column not in table or "label" not in table:
        return None
    judged = table[table["label"].notna() & table[column].notna()]
    if judged.empty:
        return None
    pairs = Counter(zip(judged["label"].astype(str), judged[column].astype(str), strict=True))
    names = _most_confused(pairs, list(audit.classes))
    shown = set(names)
    others = any(given in shown and predicted not in shown for given, predicted in pairs)

    def to(given: str, predicted: str) -> str:
        return href(label=ids.get(given, given), suggested=ids.get(predicted, predicted))

    rows = tuple(confusion_row(given, names, others, pairs, to) for given in names)
    return Matrix(
        corner="Given",
        columns=tuple(map(visible, names)) + (("another class",) if others else ()),
        rows=rows,
        upright=len(names) + others > UPRIGHT_COLUMNS,
        more=f"Shown are the {len(names)} classes of {number(len(audit.classes))} with most disagreements."
        if len(names) < len(audit.classes)
        else "",
        note=_predicted_by(audit),
        ids=ids,
    )


def _predicted_by(audit: Audit) -> str:
    if audit.model is None or not audit.model.matched:
        return "Predicted from the other images of the folder, without the image itself."
    if audit.model.in_sample:
        images = count(audit.model.in_sample, "of these images", "of these images")
        return f"Predicted by the model. It was trained on {images}, and there it looks better than it is."
    return "Predicted by the model."


def _most_confused(pairs: Counter[tuple[str, str]], classes: Sequence[str]) -> list[str]:
    wrong: Counter[str] = Counter()
    for (given, predicted), times in pairs.items():
        if given != predicted:
            wrong[given] += times
            wrong[predicted] += times
    kept = set(sorted(classes, key=lambda name: (-wrong[name], name))[:MAX_CONFUSION])
    return [name for name in classes if name in kept]


def _labels(audit: Audit) -> set[str]:
    return set(audit.classes) | {finding.label for finding in audit.standing if finding.label is not None}


def _rest(classes: int, images: int) -> str:
    if not classes:
        return ""
    return f"{count(classes, 'more class', 'more classes')} not shown, with {count(images, 'flagged image')} in all."
