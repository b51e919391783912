"""A small data set, decisions about it, and how to look at every byte and every time of a folder."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.review.apply import Applied, Request, apply_decisions
from auditor.review.decisions import FORMAT, FORMAT_VERSION
from auditor.review.home import Home
from auditor.review.undo import Undone, undo

RULES = ("label_issue",)
OLD = 1_600_000_000_123_456_789                 # ns: when every file and folder was last modified


@dataclass
class Deciding:
    """A folder of files that say who they are, and the decisions of somebody about them.

    The files are no pictures: nothing here decodes one, but their names are those of images.
    """

    folder: Path
    given: dict[str, Any] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def home(self) -> Home:
        return Home(self.folder / "reports", "pets")

    def place(self, *files: str) -> None:
        for file in files:
            path = self.data / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"this is {file}".encode())
        self.age()

    def age(self) -> None:
        """Gives everything an old time, so that any change shows."""
        for path in sorted(self.data.rglob("*"), reverse=True):
            os.utime(path, ns=(OLD, OLD), follow_symlinks=False)
        os.utime(self.data, ns=(OLD, OLD))

    def decide(self, file: str, decision: str, to: str | None = None, **other: Any) -> None:
        label = file.split("/")[-2] if "/" in file else None
        content = hashlib.sha256((self.data / file).read_bytes()).hexdigest()
        record = {"file": file, "content": content, "label": label, "decision": decision, "rules": list(RULES),
                  "findings": [], "at": "2025-01-31T09:00:00Z", "author": "", **other}  # fmt: skip
        self.decisions.append(record | ({} if to is None else {"to": to}))

    def write(self, **header: Any) -> Path:
        path = self.folder / "decisions.json"
        path.write_text(json.dumps({
            "format": FORMAT, "format_version": FORMAT_VERSION, "name": "pets", "run": "20250131T080000Z",
            "root": str(self.data), "exported_at": "2025-01-31T09:00:00Z", "decisions": self.decisions, **header,
        }), encoding="utf-8")  # fmt: skip
        return path

    def apply(self, **request: Any) -> Applied:
        return apply_decisions(self.write(), Request(**request), given={"out": self.home.out, **self.given})

    def undo(self, journal: str | None = None) -> Undone:
        return undo(self.home, journal)

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.data).as_posix() for path in self.data.rglob("*") if not path.is_dir())


def snapshot(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Every path in a folder, itself too: its kind, its bytes, its permissions and when it was modified."""
    taken = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        found = path.lstat()
        if path.is_symlink():
            content: Any = path.readlink()
        else:
            content = None if path.is_dir() else path.read_bytes()
        taken[path.relative_to(folder).as_posix()] = content, found.st_mode, found.st_mtime_ns
    return taken
