"""`decisions.json`: what a person decided about the images of a report. The page exports it, and the server saves it.

    {"format": "auditor-decisions", "format_version": 1,
     "name": "data-train", "run": "20250131T020000Z", "root": "data/train", "exported_at": "2025-01-31T09:00:00Z",
     "decisions": [{"file": "cat/1.jpg", "content": "<sha256>", "label": "cat", "decision": "relabel", "to": "dog",
                    "rules": ["label_issue"], "findings": ["0a1b2c3d4e5f6071"], "at": "2025-01-31T08:59:00Z",
                    "author": ""}]}

The file comes from a browser, by mail, from anybody. What is not as it should be is refused with its place; keys that
are not known are left alone, since a later page may write more. Of several decisions about a file the last one counts.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from auditor.atomic_write import changed_file, is_safe_name
from auditor.data.placement import why_unsafe
from auditor.errors import InputError
from auditor.text import count, decoded, shown, unshown, visible

FORMAT, FORMAT_VERSION = "auditor-decisions", 1
MOST_BYTES = 64 * 1024**2                       # about a hundred thousand decisions
_LONGEST = 32_768                               # characters of a text: a path of 4,096 bytes, each written out
_MOST_NAMED = 1000                              # rules, or findings, of one image

Choice = Literal["keep", "relabel", "remove", "unsure"]
CHOICES: tuple[str, ...] = get_args(Choice)
_SHA256 = re.compile("[0-9a-f]{64}")
_HEADER = ("name", "run", "root", "exported_at")


@dataclass(frozen=True)
class Decision:
    """What a person decided about one image.

    Attributes:
        file: POSIX path relative to the root of the data set, as findings name it.
        content: sha256 of the content that was looked at.
        label: The class that the data set gave it then; None without one.
        decision: "keep": it is right as it is. "relabel": its class is `to`. "remove": it does not belong into the
            data set. "unsure": somebody else should look.
        to: The class, of "relabel" only.
        rules: The rules that had flagged it.
        findings: Ids of the findings that were decided on.
        at: When, as an ISO timestamp.
        author: Who; "" where nobody said.
    """

    file: str
    content: str
    label: str | None
    decision: Choice
    to: str | None = None
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    at: str = ""
    author: str = ""


@dataclass(frozen=True)
class Decisions:
    """What was decided about a run.

    Attributes:
        name: Of the data set in the reports.
        run: Its id.
        root: Of the data set, as the report has it.
        exported_at: When the file was written, as an ISO timestamp.
        decisions: One for each file, in the order in which they stand in the file.
        repeated: How many earlier decisions about the same files were left out.
    """

    name: str
    run: str
    root: str
    exported_at: str
    decisions: tuple[Decision, ...]
    repeated: int = 0

    def by(self, author: str) -> "Decisions":
        """The same, with this author where none is stated."""
        mine = (each if each.author else replace(each, author=author) for each in self.decisions)
        return replace(self, decisions=tuple(mine))


def read_decisions(path: Path) -> Decisions:
    """Reads a file of decisions.

    Raises:
        InputError: it cannot be read, is none, or holds something that cannot be meant; nothing of it is to be used.
    """
    where = shown(str(path))
    try:
        if not path.is_file():                  # reading a fifo would block
            raise InputError(f"{where} is no file; expected the decisions.json that a report exports")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error.strerror})") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{where} is larger than {MOST_BYTES // 1024**2} MB, and no file of decisions is")
    try:
        record = json.loads(decoded(data))
    except (ValueError, RecursionError) as error:
        reason = str(error) or "lists or objects are nested too deeply in it"
        raise InputError(f"{where} cannot be read as JSON ({reason}); export it from the report again") from None
    return decisions_of(record, where)


def decisions_of(record: object, where: str) -> Decisions:
    """The decisions in what a JSON text holds.

    Args:
        record: The value.
        where: What errors call it.

    Raises:
        InputError: as `read_decisions`.
    """
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f'{where} holds no decisions; expected an object with "format": "{FORMAT}"')
    if record.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{where} has format_version {shown(repr(record.get('format_version')))}; this auditor reads "
            f"{FORMAT_VERSION}. Update auditor, or export the decisions from a report that it made."
        )
    header = {key: _text(record.get(key), f"{where}: {key}") for key in _HEADER}
    if not is_safe_name(header["name"]):
        raise InputError(f"{where}: name is {visible(header['name'])!r}, which no data set in the reports can have")
    listed = record.get("decisions")
    if not isinstance(listed, list):
        raise InputError(f"{where}: decisions is {_kind(listed)}; expected a list")
    found = [decision_of(each, f"{where}, decision {place}") for place, each in enumerate(listed, 1)]
    last = {each.file: each for each in found}
    return Decisions(**header, decisions=tuple(last.values()), repeated=len(found) - len(last))


def decision_of(record: object, where: str) -> Decision:
    """One decision in what a JSON text holds; arguments and errors as for `decisions_of`."""
    file, content, label = image_of(record, where)
    assert isinstance(record, dict)             # `image_of` has looked
    choice = record.get("decision")
    if choice not in CHOICES:
        raise InputError(f"{where}: decision is {visible(repr(choice))}; expected one of {', '.join(CHOICES)}")
    to = record.get("to")
    if choice == "relabel":
        to = _text(to, f"{where}: to")
        if not to.strip():
            raise InputError(f"{where}: to is empty; expected the class that the image should have")
    return Decision(
        file=file,
        content=content,
        label=label,
        decision=choice,
        to=to if choice == "relabel" else None,
        rules=_texts(record.get("rules", []), f"{where}: rules"),
        findings=_texts(record.get("findings", []), f"{where}: findings"),
        at=_text(record.get("at", ""), f"{where}: at"),
        author=_text(record.get("author", ""), f"{where}: author"),
    )


def image_of(record: object, where: str) -> tuple[str, str, str | None]:
    """File, content and label of the image that a decision is about, also of one that was taken back."""
    if not isinstance(record, dict):
        raise InputError(f"{where} is {_kind(record)}; expected an object")
    file = _text(record.get("file"), f"{where}: file")
    if reason := why_unsafe(unshown(file), anywhere=False):
        raise InputError(f"{where}: file is {visible(file)!r}: {reason}; expected a path below the data set's root")
    content = record.get("content")
    if not isinstance(content, str) or not _SHA256.fullmatch(content):
        raise InputError(f"{where}: content is {visible(repr(content))[:100]}; expected the sha256 of the image")
    label = record.get("label")
    return file, content, None if label is None else _text(label, f"{where}: label")


def write_decisions(path: Path, decisions: Decisions) -> None:
    """Writes a file of decisions, in the place of an earlier one; it appears whole or not at all.

    Raises:
        InputError: it cannot be written.
        Incomplete: the disk is full.
    """
    with changed_file(path) as draft:
        draft.write_bytes(as_json(decisions).encode("utf-8", "backslashreplace"))       # JSON escapes the same way


def as_json(decisions: Decisions) -> str:
    """The text of the file."""
    header = {key: getattr(decisions, key) for key in _HEADER}
    record = {
        "format": FORMAT, "format_version": FORMAT_VERSION, **header,
        "decisions": [as_record(each) for each in decisions.decisions],
    }  # fmt: skip
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def as_record(decision: Decision) -> dict[str, Any]:
    """A decision as values that JSON has; `to` only where it is one."""
    return {key: value for key, value in asdict(decision).items() if key != "to" or value is not None}


def repeated_note(decisions: Decisions) -> str:
    """A sentence about decisions that a later one replaced; "" where there are none."""
    if not decisions.repeated:
        return ""
    return f"{count(decisions.repeated, 'decision')} about a file that is decided on again later: the last one counts."


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where} is {_kind(value)}; expected text")
    if len(value) > _LONGEST or "\0" in value:
        raise InputError(f"{where} is {visible(value[:60])!r}...; expected a shorter text, without zero bytes")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_NAMED:
        raise InputError(f"{where} is {_kind(value)}; expected a list of at most {_MOST_NAMED} texts")
    return tuple(_text(each, where) for each in value)


def _kind(value: object) -> str:
    names: Mapping[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "missing" if value is None else names.get(type(value), visible(repr(value))[:60])
