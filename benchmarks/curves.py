"""Curves of what was found against what was looked at, as an SVG that can be read on light and on dark paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _GAP = 440, 260, 36            # of a panel, and between panels
_LEFT, _TOP, _BOTTOM = 44, 34, 34
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#4a5162}.t{font-weight:650;fill:#15181f}.g{stroke:#d9dde6}"
    ".fixed{stroke:#868d9b;stroke-dasharray:5 4}.live{stroke:#2f4fd8}.fixed,.live{fill:none;stroke-width:2.25}"
    "@media(prefers-color-scheme:dark){text{fill:#b3bac8}.t{fill:#e7e9ef}.g{stroke:#343a48}.live{stroke:#96a9ff}}"
)


@dataclass(frozen=True)
class Curve:
    """A line; `name` is "fixed" or "live", `shares` (n,) what was found after 1 to n images, in [0, 1]."""

    name: str
    shares: NDArray[np.floating]


@dataclass(frozen=True)
class Panel:
    """A drawing of two curves under a title."""

    title: str
    curves: tuple[Curve, ...]


def draw_curves(panels: Sequence[Panel]) -> str:
    """The text of an SVG file with panels side by side, two in a row."""
    rows = -(-len(panels) // 2)
    width, height = 2 * _WIDTH + _GAP, rows * (_HEIGHT + _GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Wrong labels found against images looked at, in the fixed and in the live order</title>",
        f"<style>{_STYLE}</style>",
    ]
    for place, panel in enumerate(panels):
        across, down = place % 2 * (_WIDTH + _GAP), place // 2 * (_HEIGHT + _GAP)
        parts += [f'<g transform="translate({across},{down})">', *_panel(panel), "</g>"]
    parts += [
        f'<g transform="translate({_LEFT},{height - 8})">',
        '<path class="live" d="M0 -4h28"/><text x="36">live order</text>'
        '<path class="fixed" d="M130 -4h28"/><text x="166">order of the scan</text></g>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(panel: Panel) -> Iterator[str]:
    most = len(panel.curves[0].shares)
    right, bottom = _WIDTH - 8, _HEIGHT - _BOTTOM

    def x(images: float) -> float:
        return _LEFT + (right - _LEFT) * images / most

    def y(share: float) -> float:
        return bottom - (bottom - _TOP) * share

    yield f'<text class="t" x="{_LEFT}" y="18">{escape(panel.title)}</text>'
    for share in (0, 0.25, 0.5, 0.75, 1):
        yield f'<path class="g" d="M{_LEFT} {y(share):.1f}H{right}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    for images in range(0, most + 1, 100):
        anchor = "end" if images == most else "middle"
        yield f'<text x="{x(images):.1f}" y="{bottom + 20}" text-anchor="{anchor}">{images}</text>'
    for curve in panel.curves:
        points = " ".join(f"{x(place):.1f},{y(share):.1f}" for place, share in enumerate(curve.shares, 1))
        yield f'<polyline class="{curve.name}" points="{x(0):.1f},{y(0):.1f} {points}"/>'
