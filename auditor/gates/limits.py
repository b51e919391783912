"""The limits of `--fail-on`: a small grammar, read before any work starts.

    limit  = what [ ":" severity ] [ "[" class "]" ] ( ">" | ">=" ) number [ "%" ]
    what   = [ "new" | "persisting" ] [ rule | "any" ]

A run fails when a limit holds. A name of a class with a bracket or a quote in it is put in quotes; the quote itself is
doubled there: `label_issue['it''s a [cat]'] > 0`.
"""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import SEVERITIES, RuleKind, Severity, Status
from auditor.configuration import nearest
from auditor.errors import InputError
from auditor.text import some, visible, width

ANY = "any"
STATUSES: tuple[Status, ...] = ("new", "persisting")            # what is accepted never counts

_WORD = re.compile(r"[^\W\d]\w*")
_COMPARISON = re.compile(r">=|>")
_OTHER_COMPARISON = re.compile(r"<=|<|==|=|!=")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_SENSIBLE = re.compile(r"\d{1,12}(\.\d{1,6})?")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_BARE = re.compile(r"[^\]'\"]+")


@dataclass(frozen=True)
class Limit:
    """One limit.

    Attributes:
        text: As it was written.
        status, rule, severity, label: Which findings count; None where all do.
        at_least: Whether it holds at `number` itself.
        number: Of findings, or per cent of images.
        share: Whether it is a share of the images.
        of_readable: Whether that is one of the readable images, which are all that the rule can flag; otherwise of all.
    """

    text: str
    status: Status | None
    rule: str | None
    severity: Severity | None
    label: str | None
    at_least: bool
    number: float
    share: bool
    of_readable: bool

    def holds(self, value: float) -> bool:
        """Whether a run with this value fails."""
        return value >= self.number if self.at_least else value > self.number


def parse_limits(texts: Sequence[str], running: Mapping[str, RuleKind], known: Collection[str]) -> tuple[Limit, ...]:
    """Reads limits.

    Args:
        texts: As they were written.
        running: The rules that run, and what their findings claim.
        known: Every rule that there is.

    Raises:
        InputError: one cannot be read, or is about a rule that is not there or does not run; the message points at the
            place.
    """
    return tuple(_Reader(text, running, known).limit() for text in texts)


def check_classes(limits: Sequence[Limit], classes: Collection[str]) -> None:
    """Raises InputError where a limit is on a class that the data set does not have; the message lists the nearest."""
    for limit in limits:
        if limit.label is None or limit.label in classes:
            continue
        folded = difflib.get_close_matches(limit.label.casefold(), {name.casefold() for name in classes}, n=3)
        near = [name for fold in folded for name in classes if name.casefold() == fold][:3]
        there = f"nearest are {', '.join(map(visible, near))}" if near else f"there are {some(map(visible, classes))}"
        raise InputError(
            f"--fail-on {visible(limit.text)!r} is about the class {visible(limit.label)!r}, which the data set does "
            f"not have; {there if classes else 'it has no classes'}. Write the name as the report does."
        )


class _Reader:
    """Reads one limit from left to right."""

    def __init__(self, text: str, running: Mapping[str, RuleKind], known: Collection[str]) -> None:
        self.text, self.running, self.known = text, running, known
        self.place = 0

    def limit(self) -> Limit:
        """Reads the whole text."""
        status, rule = self._subject()
        severity = self._severity() if self._take(":") else None
        label = self._label() if self._take("[") else None
        at_least = self._comparison()
        start = self._skip()
        number, share = self._number()
        self._check_number(start, number, share, at_least)
        kind = None if rule is None else self.running[rule]
        if share and kind == "dataset":
            raise self._wrong(start, f"{rule} is about the data set as a whole; expected a number of findings")
        if self._skip() < len(self.text):
            raise self._wrong(self.place, "expected nothing more; write each limit in a --fail-on of its own")
        of_readable = kind not in (None, "file")
        return Limit(self.text, status, rule, severity, label, at_least, number, share, of_readable)

    def _subject(self) -> tuple[Status | None, str | None]:
        start, word = self._skip(), self._match(_WORD)
        if not word:
            raise self._wrong(start, "expected a rule, any or new, as in label_issue:high > 0")
        status = next((each for each in STATUSES if each == word), None)
        if status is not None:
            start, word = self._skip(), self._match(_WORD)
        if word in ("", ANY):
            return status, None
        if word in self.running:
            return status, word
        if word == "accepted":
            raise self._wrong(start, "accepted findings never count; expected a rule, any, new or persisting")
        if word in self.known:
            raise self._wrong(start, f"the rule {word} does not run in this scan (--rules, --skip-rules)")
        expected = ", ".join((ANY, *STATUSES, *self.running))
        raise self._wrong(start, f"there is no rule {word}{nearest(word, self.running)}; expected one of {expected}")

    def _severity(self) -> Severity:
        start, word = self._skip(), self._match(_WORD)
        for severity in SEVERITIES:
            if severity == word:
                return severity
        expected = f"expected a severity: {', '.join(SEVERITIES)}"
        raise self._wrong(start, f"{expected}{nearest(word, SEVERITIES)}")

    def _label(self) -> str:
        start = self._skip()
        if quoted := _QUOTED.match(self.text, self.place):
            self.place = quoted.end()
            label = (quoted[1] or "").replace("''", "'") or (quoted[2] or "").replace('""', '"')
        else:
            label = self._match(_BARE).strip()
        if not label:
            raise self._wrong(start, "expected a class: label_issue[cat], or in quotes label_issue['a [b]']")
        if not self._take("]"):
            raise self._wrong(self.place, "expected ] after the class; put a name with brackets or quotes in quotes")
        return label

    def _comparison(self) -> bool:
        start = self._skip()
        if sign := self._match(_COMPARISON):
            return sign == ">="
        if self._match(_OTHER_COMPARISON):
            raise self._wrong(start, "expected > or >=: a run fails for more findings, not for fewer")
        raise self._wrong(start, "expected > or >= and a number, as in label_issue > 0")

    def _number(self) -> tuple[float, bool]:
        start, digits = self._skip(), self._match(_NUMBER)
        if not digits:
            raise self._wrong(start, "expected a number, as in > 5 or > 0.5%")
        if not _SENSIBLE.fullmatch(digits):
            raise self._wrong(start, "this number is too long; expected at most 12 digits, and 6 decimals")
        return float(digits), self._take("%")

    def _check_number(self, start: int, number: float, share: bool, at_least: bool) -> None:
        if not share and not number.is_integer():
            raise self._wrong(start, "expected a whole number of findings, or a share of the images with %")
        if at_least and number == 0:
            raise self._wrong(start, ">= 0 fails every run; expected > 0, or >= 1")
        if share and (number > 100 or (number == 100 and not at_least)):
            raise self._wrong(start, "no share is above 100%; expected a smaller number")

    def _skip(self) -> int:
        """Passes spaces; returns the place behind them."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.place

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.place)
        if found is None:
            return ""
        self.place = found.end()
        return found[0]

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self._skip()):
            return False
        self.place += len(sign)
        return True

    def _wrong(self, place: int, expected: str) -> InputError:
        before = " " * width(visible(self.text[:place]))
        return InputError(f"--fail-on cannot be read: {expected}\n    {visible(self.text)}\n    {before}^")
