"""Arrays -> pictures: heatmaps as cells, overlays, maps as tiles, grids for slides."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.heatmaps.grad_cam import CONTRAST_COLOURS, palette
from auditor.images.decoding import resize

SIDE = 512                                      # pixels of the longer side of a picture: a third of a slide
TILE = 128                                      # pixels of the longer side of a feature map
_COLUMNS = 8
_GAP = 6
_CAPTION = 18                                   # pixels below a tile of a grid
_JPEG_QUALITY = 86
_GROUND = np.array([18, 18, 22], np.float32)    # colour of a contrast where it is 0

Pixels = NDArray[np.uint8]


def fit(pixels: Pixels, side: int = SIDE) -> Pixels:
    """(H, W, 3) with the longer side at `side`; small pictures are enlarged, because slide programs do it worse."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def cells(heatmap: NDArray[np.floating], size: tuple[int, int], colours: str) -> Pixels:
    """A heatmap (h, w) in [0, 1] as the network has it, cell by cell, at (H, W): (H, W, 3)."""
    levels = np.rint(np.clip(heatmap, 0, 1) * 255).astype(np.intp)
    return _enlarged(palette(colours)[levels], size)


def contrast_cells(contrast: NDArray[np.floating], size: tuple[int, int]) -> Pixels:
    """A contrast (h, w) in [-1, 1] cell by cell, in the two colours of its overlay: (H, W, 3)."""
    against, towards = np.array(CONTRAST_COLOURS, np.float32)   # (3,) each
    signed = np.clip(contrast, -1, 1)[..., None]                # (h, w, 1)
    mixed = _GROUND + np.abs(signed) * (np.where(signed > 0, towards, against) - _GROUND)
    return _enlarged(np.rint(mixed).astype(np.uint8), size)


def tile(feature: NDArray[np.floating], colours: str) -> Pixels:
    """One map (h, w), from its own lowest value to its highest, at least TILE pixels long: (H, W, 3)."""
    values = np.nan_to_num(np.asarray(feature, np.float32))
    low, high = float(values.min()), float(values.max())
    levels = np.rint((values - low) / (high - low) * 255) if high > low else np.zeros_like(values)
    coloured = palette(colours)[levels.astype(np.intp)]
    scale = TILE / max(values.shape)
    return _enlarged(coloured, (max(1, round(values.shape[0] * scale)), max(1, round(values.shape[1] * scale))))


def grid(tiles: Sequence[Pixels], captions: Sequence[str]) -> Pixels:
    """Pictures of one size in rows, each with an ASCII caption below it, on white: (H, W, 3)."""
    height, width = tiles[0].shape[:2]
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    step = (height + _CAPTION + _GAP, width + _GAP)
    sheet = np.full((rows * step[0] + _GAP, columns * step[1] + _GAP, 3), 255, np.uint8)
    for place, (picture, caption) in enumerate(zip(tiles, captions, strict=True)):
        top, left = _GAP + place // columns * step[0], _GAP + place % columns * step[1]
        sheet[top : top + height, left : left + width] = picture
        where = (left, top + height + _CAPTION - 5)
        cv2.putText(sheet, caption, where, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (70, 70, 70), 1, cv2.LINE_AA)
    return sheet


def png(pixels: Pixels) -> bytes:
    """(H, W, 3) RGB as a PNG."""
    done, data = cv2.imencode(".png", pixels[..., ::-1])
    assert done                                 # an array of uint8 with three channels always encodes
    return data.tobytes()


def jpeg(pixels: Pixels) -> bytes:
    """(H, W, 3) RGB as a JPEG, for the page."""
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert done                                 # likewise
    return data.tobytes()


def _enlarged(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """(h, w, 3) -> (H, W, 3); small maps keep the edges of their cells."""
    small = max(pixels.shape[:2]) * 2 <= max(size)
    how = cv2.INTER_NEAREST if small else cv2.INTER_AREA if max(pixels.shape[:2]) > max(size) else cv2.INTER_CUBIC
    enlarged: Pixels = cv2.resize(pixels, (size[1], size[0]), interpolation=how)
    return enlarged
