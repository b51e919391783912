"""What is wrong with images whatever their labels say: counts, and the headline of a scan without a model."""

from collections.abc import Iterable
from dataclasses import dataclass

from auditor.audit import Audit, RuleKind
from auditor.text import count, number


@dataclass(frozen=True)
class Faults:
    """Counts of images, without what a person has accepted.

    Attributes:
        broken: That cannot be read.
        copies: That are the same picture as another one; the first of each group is none.
        odd: With a finding about the picture or the file.
        affected: That are any of these.
        conflicts: Pictures that lie in two classes.
    """

    broken: int
    copies: int
    odd: int
    affected: int
    conflicts: int


def faults(audit: Audit) -> Faults:
    """Counts the findings of the rules that look at pictures and files."""
    findings = [finding for finding in audit.standing if finding.file is not None]

    def of(*kinds: RuleKind) -> frozenset[str]:
        return frozenset[str]().union(*map(audit.rules_of, kinds))

    same, strange, conflict = of("copies", "conflict"), of("image", "file"), of("conflict")
    failed = failed_files(audit)
    copies = {file for finding in findings if finding.rule in same for file in finding.related}
    odd = {finding.file for finding in findings if finding.rule in strange} - failed
    broken = audit.outcomes.get("failed", 0)
    conflicts = _pictures({finding.file, *finding.related} for finding in findings if finding.rule in conflict)
    return Faults(broken, len(copies), len(odd), broken + len(copies | odd), conflicts)


def _pictures(findings: Iterable[set[str | None]]) -> int:
    """How many pictures findings are about: those that share a file are about one."""
    picture: dict[str | None, set[str | None]] = {}             # file -> all files of its picture, one set for them all
    for files in findings:
        touched = {id(found): found for file in files if (found := picture.get(file)) is not None}
        whole = max(touched.values(), key=len, default=set())   # the largest stays, and the others are put into it
        for file in files.union(*(found for found in touched.values() if found is not whole)):
            whole.add(file)
            picture[file] = whole
    return len({id(found) for found in picture.values()})


def failed_files(audit: Audit) -> set[str]:
    """Files that could not be decoded."""
    table = audit.predictions
    if "file" not in table or "outcome" not in table:
        return set()
    return set(table.loc[table["outcome"] != "ok", "file"])


def faults_sentence(found: Faults, images: int) -> tuple[str, str]:
    """The number and the rest of a sentence to quote: "12", " of 300 images cannot be read or are odd."."""
    if not found.affected:
        return "", f"None of {count(images, 'image')} is broken, a copy or odd."
    one = found.affected == 1
    said = (
        (found.broken, "cannot be read"),
        (found.copies, "is a copy of another" if one else "are copies of others"),
        (found.odd, "is odd" if one else "are odd"),
    )
    *others, last = (words for amount, words in said if amount)
    words = f"{', '.join(others)} or {last}" if others else last
    return number(found.affected), f" of {count(images, 'image')} {words}."


def faults_apart(found: Faults) -> str:
    """How many of each kind, where there are several kinds."""
    said = (
        (found.broken, "cannot be read"),
        (found.copies, "is a copy" if found.copies == 1 else "are copies"),
        (found.odd, "is odd" if found.odd == 1 else "are odd"),
    )
    parts = [f"{number(amount)} {words}" for amount, words in said if amount]
    return f"{', '.join(parts)}." if len(parts) > 1 else ""


def conflicts_sentence(found: Faults) -> str:
    """That pictures lie in two classes, the most certain errors there are."""
    if not found.conflicts:
        return ""
    return f"{count(found.conflicts, 'picture lies', 'pictures lie')} in two classes at once."
