"""Adding to the file of accepted findings: what a person wrote there stays as it is, comments and order included."""

from collections.abc import Sequence
from pathlib import Path

from auditor.atomic_write import changed_file
from auditor.errors import InputError
from auditor.gates.accepted import Entry, entries_of
from auditor.text import MARK, shown, toml_string, visible

_HEADING = "# Findings that people accepted: docs/gates.md of auditor says what may stand here.\n"


def append(path: Path, additions: Sequence[tuple[Entry, str]]) -> None:
    """Puts entries at the end of the file, which is made where it is missing, and appears whole or not at all.

    Args:
        path: The file.
        additions: Each entry, and what a comment above it says to those who review the file.

    Raises:
        InputError: the file cannot be read or written, or what is in it is no such file.
        Incomplete: the disk is full.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        old = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{shown(str(path))} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown(str(path))} is not UTF-8, which TOML is; save it as UTF-8") from None
    entries_of(old.replace("\r\n", "\n"), path)
    new = "".join(_block(entry, comment) for entry, comment in additions)
    gap = "" if not old or old.endswith("\n") else "\n"
    text = f"{gap}{new}" if old else _HEADING + new
    whole = old + (text.replace("\n", "\r\n") if "\r\n" in old else text)
    entries_of(whole.replace("\r\n", "\n"), path)               # whatever was asked for, the file can be read again
    with changed_file(path) as draft:
        draft.write_bytes(((MARK if data.startswith(MARK.encode()) else "") + whole).encode())


def _block(entry: Entry, comment: str) -> str:
    lines = ["", "[[accepted]]", f"# {visible(comment)}", f"{entry.subject} = {_text(entry.value)}"]
    if entry.rule is not None:
        lines.append(f"rule = {_text(entry.rule)}")
    lines.append(f"reason = {_text(entry.reason)}")
    if entry.author:
        lines.append(f"author = {_text(entry.author)}")
    if entry.expires is not None:
        lines.append(f"expires = {entry.expires.isoformat()}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return toml_string(shown(value) if not value.isprintable() else value)
