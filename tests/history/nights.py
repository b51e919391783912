"""A folder that changes from night to night, and scans of it that are kept as its history."""

from dataclasses import dataclass, replace
from pathlib import Path

from auditor.audit import Audit
from auditor.scanning.scan import run_scan
from auditor.settings import Settings
from auditor.store import Changes, keep_run
from tests.backends.fake import FakeBackend
from tests.pictures import GREY, RED, draw_tinted, place_image

RULES = "exact_duplicate,dark,unreadable"
BROKEN = b"\x89PNG no picture"


@dataclass
class Nights:
    """Twenty cats and twenty dogs with right labels, and their reports."""

    data: Path
    out: Path
    number: int = 0

    def __post_init__(self) -> None:
        for number in range(20):
            self.place(f"cat/{number:02}.png", GREY, number)
            self.place(f"dog/{number:02}.png", RED, 100 + number)

    def place(self, file: str, tint: tuple[int, int, int] = GREY, seed: int = 0) -> Path:
        """A picture, over one that is there; a strongly negative tint makes it black."""
        return place_image(draw_tinted(tint, seed), self.data / file)

    def move(self, file: str, to: str) -> None:
        (self.data / file).rename(self.data / to)

    def scan(self, backend: FakeBackend | None = None, **options: object) -> Audit:
        """A night that is not kept: it was not published."""
        self.number += 1
        stated = {"data": str(self.data), "out": self.out, "rules": RULES, "threads": 1, "no_model": backend is None}
        run = f"night-{self.number}"
        audit = run_scan(Settings(**(stated | options)), backend=backend, remember=self.out, run_id=run)
        started = f"2026-01-{self.number:02}T02:00:00+00:00"
        return replace(audit, run=replace(audit.run, started_at=started))

    def night(self, backend: FakeBackend | None = None, **options: object) -> Audit:
        """A night of the history; without a model unless there is a backend."""
        audit = self.scan(backend, **options)
        assert keep_run(self.out, audit) == ()
        return audit


def counts(audit: Audit) -> tuple[int, int, int]:
    """New, persisting, resolved."""
    statuses, changes = audit.statuses(), audit.addition(Changes)
    return statuses["new"], statuses["persisting"], 0 if changes is None else changes.resolved


def reasons(audit: Audit) -> dict[str, int]:
    changes = audit.addition(Changes)
    assert changes is not None
    return dict(changes.reasons)
