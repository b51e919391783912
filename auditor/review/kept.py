"""`kept.jsonl`: the images that people kept as they are, so that the next scan does not list them again.

    {"content": "<sha256>", "label": "cat", "rules": ["label_issue"], "findings": ["0a1b2c3d4e5f6071"],
     "file": "cat/1.jpg", "author": "Ada", "at": "2025-01-31T08:59:00Z", "journal": "20250131T090000Z"}
    {"taken_back": "20250131T090000Z"}

A line holds while the image's content and its label are the same, wherever its file lies. The file only grows: what
`auditor undo` takes back is said by a further line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from auditor.atomic_write import is_safe_name
from auditor.audit import Finding
from auditor.checks import make_checks, rule_of
from auditor.review.decisions import Decision
from auditor.review.home import Home
from auditor.review.lines import Record, appending, read_lines
from auditor.text import count, shown, some, visible

_MOST_BYTES = 256 * 1024**2
_TOLD = 5                                       # damaged lines that a note names

#: An image as decisions know it: its content and its label.
Key = tuple[str, str | None]


@dataclass(frozen=True)
class KeptImage:
    """An image that was kept.

    Attributes:
        content: Its sha256.
        label: Its class; None without one.
        rules: The rules that do not list it any more.
        findings: Ids of the findings that were decided on: those about several images are known by them.
        file: Where it lay.
        author: Who kept it.
        at: When, as an ISO timestamp.
    """

    content: str
    label: str | None
    rules: tuple[str, ...]
    findings: tuple[str, ...]
    file: str = ""
    author: str = ""
    at: str = ""

    @classmethod
    def of(cls, decision: Decision) -> "KeptImage":
        """What a decision to keep, or to relabel, makes of an image: a person has said what its label is."""
        rules = set(decision.rules)
        if decision.decision == "relabel" or rules & label_rules():
            rules |= label_rules()
        relabelled = decision.decision == "relabel"
        return cls(
            content=decision.content,
            label=decision.to if relabelled else decision.label,
            rules=tuple(sorted(rules)),
            findings=() if relabelled else decision.findings,       # their ids are of the old label
            file=decision.file,
            author=decision.author,
            at=decision.at,
        )

    def line(self, journal: str) -> Record:
        """In the file."""
        return {**vars(self), "journal": journal}


@dataclass(frozen=True)
class Left:
    """What is left of findings, and the ids of those that were left out, in their order."""

    findings: tuple[Finding, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """The images of a data set that were kept.

    Attributes:
        rules: Image -> the rules that do not list it.
        findings: Ids of findings that were decided on.
        source: What notes call the file.
        notes: What could not be read of it.
    """

    rules: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    findings: frozenset[str] = frozenset()
    source: str = ""
    notes: tuple[str, ...] = ()

    def knows(self, image: KeptImage) -> bool:
        """Whether a line about it would say nothing new."""
        return (
            self.rules.get((image.content, image.label), frozenset()) >= set(image.rules)
            and self.findings >= set(image.findings)
        )

    def leave_out(self, findings: Sequence[Finding], images: Mapping[str, Key]) -> Left:
        """The findings without those on images that were kept.

        A finding about several images is left out where it was decided on itself, with the same images and labels;
        or where each of them was kept when this rule had flagged it and no two are the same bytes with the same label.
        Findings about the data set always stay.

        Args:
            findings: Of a scan.
            images: File -> content and label, of every image.
        """
        gone = [each for each in findings if self._covers(each, images)]
        if not gone:
            return Left(tuple(findings), (), self.notes)
        ids, files = {each.id for each in gone}, {each.file for each in gone}
        told = (
            f"{count(len(gone), 'finding')} on {count(len(files), 'image')} left out: people kept "
            f"{'it' if len(files) == 1 else 'them'} in review, and neither content nor label changed "
            f"({visible(self.source)})."
        )
        rest = tuple(each for each in findings if each.id not in ids)
        return Left(rest, tuple(each.id for each in gone), (told, *self.notes))

    def _covers(self, finding: Finding, images: Mapping[str, Key]) -> bool:
        if finding.file is None:
            return False
        if finding.related and finding.id in self.findings:
            return True
        keys = {images.get(file, ("", None)) for file in (finding.file, *finding.related)}
        every = len(keys) == 1 + len(finding.related)           # one of several copies stands for itself only
        return every and all(finding.rule in self.rules.get(key, ()) for key in keys)


#: Nothing was kept.
NONE_KEPT = Kept()


def label_rules() -> frozenset[str]:
    """The rules whose findings are about labels."""
    rules = map(rule_of, make_checks({}))
    return frozenset(rule.name for rule in rules if rule.is_about_labels)


def read_kept(out: Path, name: str) -> Kept:
    """What was kept of a data set. What cannot be read is left out, and said in a note: a scan goes on without it.

    Args:
        out: Folder of the reports.
        name: Of the data set there.
    """
    if not is_safe_name(name):
        return NONE_KEPT
    path = Home(out, name).kept
    source = shown(str(path))
    lines: list[Record] = []
    damaged: list[int] = []
    try:
        if path.exists() and not path.is_file():
            raise IsADirectoryError(0, "it is no file")         # reading a fifo would block
        for number, record in read_lines(path, _MOST_BYTES):
            if record is None or not _is_line(record):
                damaged.append(number)
            else:
                lines.append(record)
    except OSError as error:
        return replace(NONE_KEPT, notes=(
            f"{source} cannot be read ({error.strerror}), so images that were kept in review are listed again.",
        ))  # fmt: skip
    back = {line["taken_back"] for line in lines if "taken_back" in line}
    standing = [line for line in lines if "content" in line and line["journal"] not in back]
    rules: dict[Key, set[str]] = {}
    for line in standing:
        rules.setdefault((line["content"], line["label"]), set()).update(line["rules"])
    notes: tuple[str, ...] = ()
    if damaged:
        told = some(map(str, damaged), _TOLD)
        notes = (f"{count(len(damaged), 'line')} of {source} cannot be read and {_counts(damaged)}: {told}.",)
    return Kept(
        rules={key: frozenset(names) for key, names in rules.items()},
        findings=frozenset(each for line in standing for each in line["findings"]),
        source=source if standing else "",
        notes=notes,
    )


def add_kept(home: Home, images: Iterable[KeptImage], journal: str) -> None:
    """Adds images under the journal of the apply that keeps them; raises OSError where they cannot be written."""
    with appending(home.kept) as lines:
        lines.add(*(image.line(journal) for image in images))


def take_back(home: Home, journal: str) -> None:
    """Says that what was kept under a journal is not kept any more; raises OSError where that cannot be written."""
    found = [record for _, record in read_lines(home.kept, _MOST_BYTES) if record is not None]
    if any(each.get("journal") == journal for each in found) and {"taken_back": journal} not in found:
        with appending(home.kept) as lines:
            lines.add({"taken_back": journal})


def _counts(damaged: Sequence[int]) -> str:
    return "does not count" if len(damaged) == 1 else "do not count"


def _is_line(record: Record) -> bool:
    """Whether a line is one that this file has."""
    if "taken_back" in record:
        return isinstance(record["taken_back"], str)
    label = record.get("label", 0)
    return (
        all(isinstance(record.get(key), str) for key in ("content", "journal"))
        and bool(record["content"])
        and (label is None or isinstance(label, str))
        and all(_are_texts(record.get(key)) for key in ("rules", "findings"))
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
