"""Whether two pictures are the same one: the one is laid over the other, and the worst places decide.

The overlay is an affine map that maximises the enhanced correlation coefficient (Evangelidis and Psarakis, "Parametric
image alignment using enhanced correlation coefficient maximization", PAMI 2008), from a coarse copy to finer ones, so
that a crop, another size or another aspect ratio is undone. Brightness, contrast and gamma are undone by giving one
picture the histogram of the other. What is left is compared in windows by the structure term of SSIM (Wang et al.,
"Image quality assessment: from error visibility to structural similarity", TIP 2004). The similarity of two pictures is
not the mean of the windows but a low percentile: another frame of a video, another text in the same form or another
accessory on the same sticker differs in a few windows, a copy in none. Colours may be paler, shifted or gone, but not
others.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.images.border import without_border
from auditor.images.decoding import resize, thumbnail
from auditor.images.description import WORKING_SIDE

#: Pixels of the side of the squares that are compared.
SIDE = 192
#: Sides of the copies that are laid over each other, one after the other.
_LEVELS = (32, 64, 128)
# Scales that the search for the overlay starts with: the same picture, a part of it, and more than it.
_STARTS = (1.0, 0.9, 1 / 0.9)
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
# Correlation of the coarsest copies, and of the finest, below which two pictures are surely different. Thin lines leave
# little in the coarsest.
_COARSE, _FINE = 0.4, 0.7
# Share of either picture that both must show.
_OVERLAP = 0.6
_WINDOWS = 8                                    # in each direction
# The structure constant of SSIM, in squared grey levels; a window with less variance has no structure.
_STRUCTURE = (0.03 * 255) ** 2
# Per cent of the windows that may differ: artefacts of compression, dust.
_WORST = 2.0
# Share of the windows that must have structure.
_ENOUGH = 0.04
# Levels of chroma by which a window of a copy may be off, beyond what another saturation or white balance explains.
_OTHER_COLOUR = 32.0


@dataclass(frozen=True)
class Overlay:
    """How one picture lies over another.

    Attributes:
        warp: (2, 3) float32, from a place in the first picture to that in the second; both are squares of side 1.
    """

    warp: NDArray[np.float32]

    def lay(self, other: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The second picture as the first would show it, squeezed to (side, side), and where there is something."""
        matrix = _in_pixels(self.warp, side)
        square = resize(other, side, side)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        laid = cv2.warpAffine(square, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        inside = cv2.warpAffine(np.ones((side, side), np.float32), matrix, (side, side), flags=flags)
        return laid, inside > 0.99


def prepare(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The working copy of a picture (H, W, 3): small."""
    return thumbnail(pixels, WORKING_SIDE)


def similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Similarity in [0, 1] of two working copies without their borders, 0 where they do not lie over each other."""
    pairs = [(without_border(one), without_border(other))]
    # What looks like a border may be the picture's own plain edge, which a border around the copy hides.
    pairs += [pair for pair in ((one, pairs[0][1]), (pairs[0][0], other)) if _are_smaller(pairs[0], (one, other))]
    return next(filter(None, (_similarity(*pair) for pair in pairs)), 0.0)


def _are_smaller(bare: tuple[NDArray[np.uint8], ...], whole: tuple[NDArray[np.uint8], ...]) -> bool:
    return any(cut.shape != full.shape for cut, full in zip(bare, whole, strict=True))


def overlay(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Overlay | None:
    """Finds how two working copies lie over each other; None where they do not."""
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (one, other))
    warp, best = None, _COARSE
    for scale in _STARTS:
        start = np.array([[scale, 0, (1 - scale) / 2], [0, scale, (1 - scale) / 2]], np.float32)
        found, correlation = _refined(first, second, start, _LEVELS[0])
        if found is not None and correlation > best:
            warp, best = found, correlation
    for side in _LEVELS[1:]:
        if warp is not None:
            warp, best = _refined(first, second, warp, side)
    return Overlay(warp) if warp is not None and best >= _FINE and _is_plausible(warp) else None


def _refined(
    first: NDArray[np.uint8], second: NDArray[np.uint8], warp: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32] | None, float]:
    """A better map, and the correlation it reaches; None where there is none."""
    size = (side, side)
    template, moving = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (first, second))
    try:
        correlation, matrix = cv2.findTransformECC(
            template, moving, _in_pixels(warp, side), cv2.MOTION_AFFINE, _CRITERIA, None, 3
        )
    except cv2.error:                           # it does not converge: they have nothing in common, or one is plain
        return None, 0.0
    if not np.isfinite(matrix).all():
        return None, 0.0
    return _in_shares(matrix, side), float(correlation)


def _in_pixels(warp: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A map between squares of side 1 as one between pixels, whose centres lie at halves."""
    matrix = warp.astype(np.float64)
    shift = matrix[:, 2] * side + matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    return np.column_stack([matrix[:, :2], shift]).astype(np.float32)


def _in_shares(matrix: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    exact = matrix.astype(np.float64)
    shift = (exact[:, 2] - exact[:, :2].sum(axis=1) * 0.5 + 0.5) / side
    return np.column_stack([exact[:, :2], shift]).astype(np.float32)


def _is_plausible(warp: NDArray[np.float32]) -> bool:
    """Whether it is a crop: hardly turned, and not much larger or smaller."""
    scale, turn = np.diag(warp[:, :2]), warp[[0, 1], [1, 0]]
    return bool(np.all(np.abs(turn) < 0.06) and np.all(scale > 0.6) and np.all(scale < 1 / 0.6))


def _similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    over = overlay(one, other)
    if over is None:
        return 0.0
    side = int(min(SIDE, max(one.shape[:2]), max(other.shape[:2])))
    laid, inside = over.lay(other, side)                                                # (S, S, 3), (S, S)
    shown = inside.mean() * min(1.0, abs(float(np.linalg.det(over.warp[:, :2]))))
    if min(inside.mean(), shown) < _OVERLAP:
        return 0.0
    squeezed = resize(one, side, side)
    if _recoloured(squeezed, laid, inside) > _OTHER_COLOUR:
        return 0.0
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (squeezed, laid))
    return max(
        _structure(_toned(first, second, inside), second.astype(np.float32), inside),
        _structure(first.astype(np.float32), _toned(second, first, inside), inside),
    )


def _recoloured(one: NDArray[np.uint8], other: NDArray[np.uint8], inside: NDArray[np.bool_]) -> float:
    """By how many levels the worst windows differ in colour, whatever the saturation and the white balance."""
    colours = []
    for picture in (one, other):
        chroma = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[:, :, 1:].astype(np.float32)
        colours.append(chroma - chroma[inside].mean(axis=0))                            # (S, S, 2)
    first, second = colours
    shared = float((first * second)[inside].sum())
    window = max(5, len(one) // _WINDOWS)

    def off(known: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
        gain = max(0.0, shared / max(float((known**2)[inside].sum()), 1e-6))            # grey: 0
        rest = cv2.blur((wanted - gain * known) * inside[:, :, None], (window, window))
        return float(np.percentile(np.linalg.norm(rest, axis=2), 100 - _WORST))

    return min(off(first, second), off(second, first))


def _toned(
    picture: NDArray[np.uint8], like: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """A grey picture with the histogram of another, both (S, S), as far as they overlap."""
    own, wanted = (np.bincount(each[inside], minlength=256).cumsum() for each in (picture, like))
    middle = own - np.diff(own, prepend=0) / 2                                          # (256,)
    levels = np.interp(middle, wanted - np.diff(wanted, prepend=0) / 2, np.arange(256))
    toned: NDArray[np.float32] = levels.astype(np.float32)[picture]
    return toned


def _structure(one: NDArray[np.float32], other: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """The low percentile of the structure that two grey pictures (S, S) share in windows."""
    side = len(one)
    window = max(5, side // _WINDOWS)
    blur = max(0.5, side / SIDE)
    weight = inside.astype(np.float32)
    one, other = (cv2.GaussianBlur(each, (0, 0), blur) for each in (one, other))

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        averaged: NDArray[np.float32] = cv2.blur(values, (window, window), borderType=cv2.BORDER_CONSTANT)
        return averaged

    filled = mean(weight)
    share = np.maximum(filled, 1e-6)
    centre, middle = mean(one * weight) / share, mean(other * weight) / share
    spread = np.maximum(mean(one * one * weight) / share - centre**2, 0)
    width = np.maximum(mean(other * other * weight) / share - middle**2, 0)
    shared = mean(one * other * weight) / share - centre * middle
    alike = (2 * shared + _STRUCTURE) / (spread + width + _STRUCTURE)                   # (S, S)
    used = (filled > 0.5) & (spread + width > 2 * _STRUCTURE)
    step = max(1, window // 3)
    used, alike = used[step // 2 :: step, step // 2 :: step], alike[step // 2 :: step, step // 2 :: step]
    if used.mean() < _ENOUGH:
        return 0.0
    return float(np.clip(np.percentile(alike[used], _WORST), 0, 1))
