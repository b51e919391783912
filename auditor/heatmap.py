"""Class heatmaps from features and head weights, and their overlay on the picture.

Grad-CAM (Selvaraju et al., ICCV 2017) weighs feature map A_k with the mean over the map of d logit_c / d A_k and keeps
what is positive: `relu(sum_k alpha_kc A_k)`. Behind global average pooling and one linear layer,
`logit_c = b_c + sum_k w_kc mean(A_k)`, so that gradient is w_kc / (h w) everywhere on the map: Grad-CAM is the class
activation map of Zhou et al. (CVPR 2016) up to the factor 1 / (h w), which the normalisation removes. It is taken on
logits, never on probabilities, and needs no gradient.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

# Inferno rises evenly in lightness, so that order survives colour blindness and grey print. Jet does not; it is
# offered because many papers show it.
_COLOURS = {"inferno": cv2.COLORMAP_INFERNO, "viridis": cv2.COLORMAP_VIRIDIS, "jet": cv2.COLORMAP_JET}
COLOUR_MAPS = tuple(_COLOURS)
_BLUR = 0.4                                                     # cells of the heatmap


def class_heatmap(
    features: NDArray[np.floating], head: NDArray[np.floating], classes: int | Sequence[int] | NDArray[np.integer]
) -> NDArray[np.float32]:
    """The Grad-CAM heatmap of one class per image, in [0, 1] with maximum 1; all zero where nothing speaks for it.

    Args:
        features: (h, w, K), or (B, h, w, K) for a batch.
        head: (K, C), d logit_c / d pooled feature k (`Backend.head`).
        classes: The class; for a batch one for all images, or (B,).

    Returns:
        (h, w), or (B, h, w) for a batch.
    """
    chosen = np.broadcast_to(np.asarray(classes), features.shape[:-3])      # () or (B,)
    return class_heatmaps(features, head, chosen[..., None])[..., 0, :, :]


def class_heatmaps(
    features: NDArray[np.floating], head: NDArray[np.floating], classes: Sequence[int] | NDArray[np.integer]
) -> NDArray[np.float32]:
    """The Grad-CAM heatmaps of several classes per image, each in [0, 1] with maximum 1, or all zero.

    Args:
        features: (h, w, K), or (B, h, w, K) for a batch.
        head: (K, C).
        classes: (n,), or (B, n) for a batch.

    Returns:
        (n, h, w), or (B, n, h, w) for a batch.
    """
    weights = _columns(head, np.asarray(classes))               # (..., n, K)
    maps = np.maximum(_weigh(features, weights), 0)             # (..., n, h, w)
    return _scale(maps)


def contrast_heatmap(
    features: NDArray[np.floating],
    head: NDArray[np.floating],
    predicted: int | Sequence[int] | NDArray[np.integer],
    given: int | Sequence[int] | NDArray[np.integer],
) -> NDArray[np.float32]:
    """What speaks for the predicted class rather than the given one: Grad-CAM of their difference, without the relu.

    Shapes as in `class_heatmap`. Signed, in [-1, 1] with the largest magnitude 1: above 0 for the predicted class,
    below 0 for the given one.
    """
    shape = features.shape[:-3]                                 # () or (B,)
    towards, against = (_columns(head, np.broadcast_to(np.asarray(c), shape)) for c in (predicted, given))
    maps = _weigh(features, (towards - against)[..., None, :])  # (..., 1, h, w)
    return _scale(maps)[..., 0, :, :]


def overlay(
    pixels: NDArray[np.uint8], heatmap: NDArray[np.floating], alpha: float = 0.7, colours: str = "inferno"
) -> NDArray[np.uint8]:
    """Lays a heatmap over the whole picture. Hot is high; the colder a place, the more of the picture stays.

    Args:
        pixels: (H, W, 3) uint8 RGB. Not changed.
        heatmap: (h, w) in [0, 1]; enlarged bicubically, then blurred by a fraction of a cell, because the edges of
            cells would look like edges of things.
        alpha: Opacity where the heatmap is 1; it falls with the heat to 0 where the heatmap is 0, a little slower
            than the heat does, so that middling heat shows on pale pictures too.
        colours: One of `COLOUR_MAPS`.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = pixels.shape[:2]
    enlarged = cv2.resize(heatmap.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    down, across = _BLUR * height / heatmap.shape[0], _BLUR * width / heatmap.shape[1]
    blurred = np.clip(cv2.GaussianBlur(enlarged, (0, 0), sigmaX=across, sigmaY=down), 0, None)  # cubic undershoots
    peak = float(blurred.max())
    heat = blurred * (min(float(heatmap.max()), 1.0) / peak) if peak > 0 else blurred           # (H, W)
    colour = _palette(colours)[np.rint(heat * 255).astype(np.intp)]         # (H, W, 3)
    opacity = (alpha * heat**0.75)[..., None]                   # (H, W, 1)
    mixed = pixels * (1 - opacity) + colour * opacity
    return np.asarray(np.rint(mixed), np.uint8)


def legend(colours: str = "inferno", stops: int = 9) -> tuple[str, ...]:
    """The colours from heat 0 to heat 1 as CSS, for `linear-gradient(to right, ...)`."""
    rows = np.rint(np.linspace(0, 255, stops)).astype(np.intp)
    return tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in _palette(colours)[rows].tolist())


def _columns(head: NDArray[np.floating], classes: NDArray[np.integer]) -> NDArray[np.float32]:
    """The head's columns of these classes: (K, C) and classes of any shape (...) -> (..., K)."""
    return np.asarray(head.T[classes], np.float32)


def _weigh(features: NDArray[np.floating], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """sum_k w_k A_k: (..., h, w, K) and (..., n, K) -> (..., n, h, w)."""
    *batch, height, width, channels = features.shape
    cells = features.reshape(*batch, height * width, channels).astype(np.float32, copy=False)
    maps = weights @ np.swapaxes(cells, -1, -2)                 # (..., n, h w)
    return maps.reshape(*maps.shape[:-1], height, width)


def _scale(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divides each (h, w) map by its largest magnitude; a map of zeros stays."""
    peak = np.abs(maps).max(axis=(-2, -1), keepdims=True)
    scaled: NDArray[np.float32] = np.divide(maps, peak, out=np.zeros_like(maps), where=peak > 0)
    return scaled


def _palette(colours: str) -> NDArray[np.uint8]:
    """(256, 3) RGB, from cold to hot."""
    if colours not in _COLOURS:
        raise ValueError(f"colour map {colours!r} is not known; expected one of {', '.join(COLOUR_MAPS)}")
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], _COLOURS[colours])    # (256, 1, 3) BGR
    return np.ascontiguousarray(ramp[:, 0, ::-1], dtype=np.uint8)
