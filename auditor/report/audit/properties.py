"""Brightness, sharpness and the like of a flagged image, and where it lies among all images of the data set."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.audit import Audit
from auditor.text import decimal, percent

#: Columns of the predictions that a card shows, and what it calls them.
_SHOWN = {
    "brightness": "brightness",
    "contrast": "contrast",
    "sharpness": "sharpness",
    "entropy": "entropy",
    "colourfulness": "colour",
    "bytes": "file size",
}


@dataclass(frozen=True)
class PropertyRow:
    """A property of an image. `place` is where it lies on a scale of all images, from 0% lowest to 100% highest."""

    name: str
    value: str
    place: str
    words: str


def property_rows(audit: Audit, files: Collection[str]) -> dict[str, tuple[PropertyRow, ...]]:
    """File -> its properties; of the properties that were measured."""
    table = audit.predictions
    if "file" not in table:
        return {}
    wanted = table["file"].isin(list(files))
    names = table.loc[wanted, "file"]
    rows: dict[str, list[PropertyRow]] = {file: [] for file in names}
    for column, called in _SHOWN.items():
        if column not in table:
            continue
        values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        ranked = np.sort(values[np.isfinite(values)])
        for file, value in zip(names, values[wanted].tolist(), strict=True):
            if np.isfinite(value):
                rows[file].append(_row(called, value, ranked))
    return {file: tuple(found) for file, found in rows.items()}


def _row(called: str, value: float, ranked: np.ndarray) -> PropertyRow:
    """Counts how many are lower and how many higher; of equal ones half lie on each side of the place."""
    lower, not_higher = np.searchsorted(ranked, value, "left"), np.searchsorted(ranked, value, "right")
    below, above = lower / len(ranked), 1 - not_higher / len(ranked)
    if max(below, above) <= 0:
        words = "as in all"
    else:
        words = f"higher than {percent(below)}" if below >= above else f"lower than {percent(above)}"
    text = _size(value) if called == _SHOWN["bytes"] else decimal(value)
    return PropertyRow(called, text, f"{(lower + not_higher) / 2 / len(ranked):.0%}", words)


def _size(size: float) -> str:
    return f"{decimal(size / 1000)} kB" if size < 1e6 else f"{decimal(size / 1e6)} MB"
