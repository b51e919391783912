"""Findings that people accepted, in a file that can be reviewed: what they are, why, who says so, and until when.

    [[accepted]]
    finding = "0a1b2c3d4e5f6071"        # or: content = "first digits of the sha256", or: file = "cat/1.jpg"
    rule = "label_issue"                # with `content` and `file`
    reason = "A lynx; counted as a cat on purpose."
    author = "Ada"                      # may be left out
    expires = 2026-12-31                # may be left out; the last day on which it holds

One that names the finding lapses when the image's content or its label changes; a moved file keeps it.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from auditor.audit import Finding
from auditor.configuration import nearest
from auditor.errors import InputError
from auditor.text import count, read_text, shown, some, visible

_SUBJECTS = ("finding", "content", "file")
_KEYS = (*_SUBJECTS, "rule", "reason", "author", "expires")
_HASH = {"finding": re.compile("[0-9a-f]{16}"), "content": re.compile("[0-9a-f]{8,64}")}
_DIGITS = {"finding": "16", "content": "8 to 64"}


@dataclass(frozen=True)
class Entry:
    """One acceptance.

    Attributes:
        subject: What `value` is: "finding", "content" or "file".
        value: The id of a finding, the first digits of an image's sha256, or a path relative to the root.
        rule: Whose findings on that content or file are accepted; None with the id of a finding.
        reason: Why.
        author: Who says so; "" where nobody does.
        expires: The last day on which it holds; None for good.
    """

    subject: str
    value: str
    rule: str | None
    reason: str
    author: str = ""
    expires: date | None = None

    def __str__(self) -> str:
        what = f"{self.subject} {self.value}" if self.rule is None else f"{self.rule} on {self.value}"
        return visible(what)

    def holds(self, today: date) -> bool:
        """Whether it has not expired."""
        return self.expires is None or today <= self.expires


def read_accepted(path: Path) -> tuple[Entry, ...]:
    """Reads the file of accepted findings, in its order.

    Raises:
        InputError: it cannot be read, or an entry is not what it should be.
    """
    try:
        return entries_of(read_text(path), path)
    except OSError as error:
        raise InputError(
            f"{shown(str(path))} cannot be read ({error.strerror}); expected the file of accepted findings (accepted)"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(str(path))} cannot be read as TOML: {error}") from None


def entries_of(text: str, path: Path) -> tuple[Entry, ...]:
    """The entries of a text that is, or is to become, the file at `path`; raises InputError as `read_accepted`."""
    where = shown(str(path))
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} cannot be read as TOML: {error}") from None
    for name in tables:
        if name != "accepted":
            raise InputError(f"{where} has no use for {visible(name)!r}; expected entries that begin with [[accepted]]")
    listed = tables.get("accepted", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise InputError(f"{where}: accepted is {listed!r}; expected entries that begin with [[accepted]]")
    return tuple(_entry(f"{where}: entry {place}", each) for place, each in enumerate(listed, 1))


def check_rules(entries: Sequence[Entry], every: Collection[str], source: str) -> None:
    """Raises InputError where an entry is for a rule that is none of these: it would never match."""
    for place, entry in enumerate(entries, 1):
        if entry.rule is not None and entry.rule not in every:
            hint = nearest(entry.rule, every)
            raise InputError(
                f"{shown(source)}: entry {place} is for the rule {visible(entry.rule)!r}, which is not there{hint}; "
                f"expected one of {', '.join(every)}"
            )


def accept(
    findings: Sequence[Finding],
    entries: Sequence[Entry],
    contents: Mapping[str, str],
    today: date,
    source: str,
    judged: Collection[str] | None = None,
    every_rule: bool = True,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Marks the findings that are accepted.

    Args:
        findings: Of a scan.
        entries: Of the file of accepted findings.
        contents: File -> sha256 of its content, where it has one.
        today: What dates are compared with.
        source: What notes call the file.
        judged: The rules that judged something; an entry for another one is not called stale. None for all.
        every_rule: Whether all rules ran, with all that they need. If not, no entry by the id of a finding is called
            stale: the id does not say whose finding it is.

    Returns:
        The findings, and notes about entries that have expired or match nothing.
    """
    if not entries:
        return tuple(findings), ()
    places: dict[tuple[str, str | None, str | None], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        places[entry.subject, entry.rule, entry.value].append(place)
    lengths = {len(entry.value) for entry in entries if entry.subject == "content"}
    matched: set[int] = set()
    marked = []
    for finding in findings:
        content = contents.get(finding.file or "", "")
        keys = [
            ("finding", None, finding.id),
            ("file", finding.rule, finding.file),
            *(("content", finding.rule, content[:length]) for length in lengths),
        ]
        matching = [place for key in keys for place in places.get(key, ())]
        matched.update(matching)
        holds = any(entries[place].holds(today) for place in matching)
        marked.append(replace(finding, status="accepted") if holds else finding)
    return tuple(marked), tuple(_notes(entries, matched, today, source, judged, every_rule))


def _notes(
    entries: Sequence[Entry],
    matched: set[int],
    today: date,
    source: str,
    judged: Collection[str] | None,
    every_rule: bool,
) -> list[str]:
    expired = [f"{entry} ({entry.expires})" for place, entry in enumerate(entries)
               if place in matched and not entry.holds(today)]  # fmt: skip
    stale = [
        str(entry) for place, entry in enumerate(entries)
        if place not in matched
        and (every_rule if entry.rule is None else judged is None or entry.rule in judged)
    ]  # fmt: skip
    notes = []
    if expired:
        these = count(len(expired), "acceptance has", "acceptances have")
        notes.append(f"{these} expired in {visible(source)}, so the findings count again: {some(expired)}.")
    if stale:
        these = count(len(stale), "entry", "entries")
        notes.append(f"{these} of {visible(source)} matched no finding and may be stale: {some(stale)}.")
    return notes


def _entry(where: str, table: Mapping[str, Any]) -> Entry:
    for name in table:
        if name not in _KEYS:
            raise InputError(
                f"{where} has no use for {visible(name)!r}{nearest(name, _KEYS)}; expected {', '.join(_KEYS)}"
            )
    stated = [name for name in _SUBJECTS if name in table]
    if len(stated) != 1:
        given = " and ".join(stated) or "none of them"
        raise InputError(f"{where} names {given}; expected exactly one of {', '.join(_SUBJECTS)}")
    subject = stated[0]
    texts = {name: _text(where, name, table.get(name)) for name in (subject, "reason", "rule", "author")}
    if not texts["reason"]:
        raise InputError(f"{where} gives no reason; expected reason = \"why the finding is accepted\"")
    digits = _HASH.get(subject)
    value = texts[subject] if digits is None else texts[subject].lower()        # some tools print a sha256 in capitals
    if digits is not None and not digits.fullmatch(value):
        raise InputError(
            f"{where}: {subject} is {visible(texts[subject])!r}; expected {_DIGITS[subject]} hexadecimal digits"
        )
    if bool(texts["rule"]) == (subject == "finding"):
        has = "a rule, which the id of a finding settles" if texts["rule"] else f"no rule beside its {subject}"
        raise InputError(f"{where} has {has}; expected finding alone, or content or file with a rule")
    expires = table.get("expires")
    if expires is not None and (not isinstance(expires, date) or isinstance(expires, datetime)):
        seen = str(expires) if isinstance(expires, datetime) else repr(expires)
        raise InputError(f"{where}: expires is {seen}; expected a date alone, without quotes: expires = 2026-12-31")
    return Entry(subject, value, texts["rule"] or None, texts["reason"], texts["author"], expires)


def _text(where: str, name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {name} is {value!r}; expected text")
    return value
