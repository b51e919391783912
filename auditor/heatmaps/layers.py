"""Heatmaps as tiny pictures with transparency, which a page stretches over the picture that they are about.

They show what `overlay` and `contrast_overlay` would mix into the picture, in a few hundred bytes: a few pixels for
each cell of the map, since whoever stretches them interpolates, and a few dozen levels, since neighbouring levels of
colour and opacity cannot be told apart.
"""

import numpy as np
from numpy.typing import NDArray

from auditor.heatmaps.grad_cam import (
    OPACITY,
    contrast_colours,
    enlarged_contrast,
    enlarged_heat,
    heat_colours,
    heat_opacity,
)
from auditor.images.encoding import indexed_png

_PER_CELL = 3                                   # pixels
_SIDE = 28                                      # pixels at most
_LEVELS = 32                                    # of heat
_LEVELS_BESIDE_ZERO = 16                        # of a contrast, on each side


def heat_layer(heatmap: NDArray[np.floating], colours: str) -> bytes:
    """The picture of `overlay`'s colours and opacities, without what lies below.

    Args:
        heatmap: (h, w) in [0, 1].
        colours: One of `COLOUR_MAPS`.

    Returns:
        A PNG, clear where the heatmap is 0.
    """
    heats = enlarged_heat(heatmap, _size(heatmap))              # (H, W)
    levels = np.linspace(0, 1, _LEVELS)
    shades = _shades(heat_colours(levels, colours), heat_opacity(levels))
    return indexed_png(np.rint(heats * (_LEVELS - 1)).astype(np.uint8), shades)


def contrast_layer(contrast: NDArray[np.floating]) -> bytes:
    """The same of `contrast_overlay`: a PNG, clear where the contrast (h, w) in [-1, 1] is 0."""
    signed = enlarged_contrast(contrast, _size(contrast))       # (H, W)
    levels = np.linspace(-1, 1, 2 * _LEVELS_BESIDE_ZERO + 1)
    shades = _shades(contrast_colours(levels), np.abs(levels))
    return indexed_png(np.rint((signed + 1) * _LEVELS_BESIDE_ZERO).astype(np.uint8), shades)


def _size(heatmap: NDArray[np.floating]) -> tuple[int, int]:
    scale = min(_PER_CELL, _SIDE / max(heatmap.shape))
    height, width = (max(1, round(side * scale)) for side in heatmap.shape)
    return height, width


def _shades(colours: NDArray[np.uint8], opacity: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(n, 3) RGB and (n,) shares of the full opacity -> (n, 4) RGBA."""
    return np.column_stack((colours, np.rint(opacity * OPACITY * 255).astype(np.uint8)))
