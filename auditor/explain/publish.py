"""Folders of pages: each appears complete or not at all, and only folders that `auditor explain` wrote are replaced."""

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auditor.atomic_write import new_folder
from auditor.errors import InputError
from auditor.text import absolute, read_json, shown

MARKER = "explain.json"
WRITER = "auditor explain"
PAGES_FORMAT = 1
_LONGEST = 80                                                   # bytes; file systems allow 255 for the whole name
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)      # Windows


class FreeNames:
    """File names made from untrusted names: safe on every system, and all different."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, kind: str, *names: str, suffix: str = "") -> str:
        """`give("heatmap", "tabby cat", suffix=".png")` -> `heatmap-tabby-cat.png`; a number where that is taken."""
        stem = "-".join(part for part in (kind, *map(safe, names)) if part) or "image"
        number = 1
        while (name := f"{stem}{'' if number == 1 else f'-{number}'}{suffix}").casefold() in self._taken:
            number += 1
        self._taken.add(name.casefold())
        return name


def safe(name: str) -> str:
    """Letters, digits, dots, dashes and underscores of a name; "" where it has no letter and no digit."""
    text = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", name)).replace("..", ".").strip("-._")
    text = text.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore").strip("-._")
    return f"{text}_" if _RESERVED.match(text.partition(".")[0]) else text


def choose_target(home: Path, name: str, source: Path) -> Path:
    """The folder for a source: a new one, or the one that was written for it before.

    Another source of this name keeps its folder; this one gets a number.

    Raises:
        InputError: a folder of this name was not written by `auditor explain`, or holds more than it wrote.
    """
    stem = safe(name) or "image"
    for number in range(1, 10_000):
        target = home / (stem if number == 1 else f"{stem}-{number}")
        if not os.path.lexists(target) or (target.is_dir() and not any(target.iterdir())):
            return target
        if _record(target).get("source") == shown(str(absolute(source))):
            return target
    raise InputError(f"{shown(str(home))} already holds ten thousand folders named {stem}; name another with --out")


@contextmanager
def replaced(target: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Yields an empty folder; if the block succeeds, it replaces `target`, with a marker that lists its files.

    Args:
        target: As `choose_target` gives it.
        record: Further content of the marker; it may be filled while the block runs.

    Raises:
        InputError: the folder cannot be written.
        Incomplete: the disk is full.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        with new_folder(fresh) as draft:
            yield draft
            files = sorted(path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file())
            head = {"format_version": PAGES_FORMAT, "written_by": WRITER}
            text = json.dumps({**head, **record, "files": files}, indent=1, ensure_ascii=False)
            (draft / MARKER).write_text(text + "\n", encoding="utf-8")
        if os.path.lexists(target) and any(target.iterdir()):
            _record(target)                                     # again: files may have been added meanwhile
            target.rename(old)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _record(target: Path) -> dict[str, Any]:
    """The marker of a folder that may be replaced.

    Raises:
        InputError: the folder may not be replaced.
    """
    where = shown(str(target))
    wanted = "Move it away, or name another folder with --out."
    if target.is_symlink() or not target.is_dir() or not (target / MARKER).is_file():
        raise InputError(f"{where} exists and was not written by {WRITER}. {wanted}")
    try:
        record = read_json(target / MARKER)
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or record.get("written_by") != WRITER:
        raise InputError(f"{where} holds a {MARKER} that {WRITER} did not write. {wanted}")
    known = {MARKER, *map(str, record.get("files") or ())}
    files = (path for path in target.rglob("*") if path.is_symlink() or not path.is_dir())
    if foreign := sorted({path.relative_to(target).as_posix() for path in files} - known):
        raise InputError(f"{where} holds {shown(foreign[0])}, which {WRITER} did not write. {wanted}")
    return record
