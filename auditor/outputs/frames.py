"""The history of a data set as tables of pandas."""

from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from auditor.store.nights import Interval, history_name, intervals_of, nights_of

_PLAIN = ("run", "root", "seconds", "images", "readable", "new", "persisting", "accepted", "resolved", "gate", "model",
          "settings", "version")  # fmt: skip


def runs_frame(out: Path, wanted: str | None) -> pd.DataFrame:
    """A row for each run, the oldest first; a column "findings:<rule>" for each rule, missing where it did not judge.

    Raises:
        InputError: there is no such history; arguments as for `history_name`.
    """
    nights = nights_of(out, history_name(out, wanted))
    table = pd.DataFrame([{name: getattr(night, name) for name in _PLAIN} for night in nights])
    table.insert(1, "started", pd.to_datetime([night.started for night in nights], utc=True))
    counted = [night.by_rule() for night in nights]
    for rule in dict.fromkeys(rule for found in counted for rule in found):
        table[f"findings:{rule}"] = pd.array([found.get(rule) for found in counted], dtype="Int64")
    return table


def findings_frame(out: Path, wanted: str | None) -> pd.DataFrame:
    """A row for each time that a finding was open; raises as `runs_frame`."""
    rows = [asdict(each) for each in intervals_of(out, history_name(out, wanted))]
    return pd.DataFrame(rows, columns=[each.name for each in fields(Interval)])
