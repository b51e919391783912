"""Class heatmaps from features and gradient weights, and their overlay on the picture.

Grad-CAM (Selvaraju et al., ICCV 2017) weights feature map A_k with the mean over the map of d logit_c / d A_k and keeps
what is positive: `relu(sum_k alpha_kc A_k)`. After global average pooling only the mean of a map matters, so that
gradient is `Head.jacobian` / (h w) everywhere on the map; the normalisation removes the factor 1 / (h w). For one
linear layer these weights are the layer's own, and Grad-CAM is the class activation map of Zhou et al. (CVPR 2016). It
is computed on logits, never on probabilities, and without automatic differentiation.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.settings import COLOUR_MAPS as COLOUR_MAPS

_COLOURS = {"inferno": cv2.COLORMAP_INFERNO, "viridis": cv2.COLORMAP_VIRIDIS, "jet": cv2.COLORMAP_JET}
# Blue against and orange towards: people with any common colour blindness can tell these two apart.
CONTRAST_COLOURS = ((33, 102, 225), (255, 122, 0))
OPACITY = 0.7                                                   # of the overlays, where the heatmap is 1
_BLUR = 0.4                                                     # cells of the heatmap


def class_heatmap(features: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """The Grad-CAM heatmap of one class per image, in [0, 1] with maximum 1; all zero where nothing is positive.

    Args:
        features: (..., h, w, K).
        weights: (..., K), d logit / d pooled feature k (`Head.jacobian`).

    Returns:
        (..., h, w).
    """
    return class_heatmaps(features, weights[..., None, :])[..., 0, :, :]


def class_heatmaps(features: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """The Grad-CAM heatmaps of several classes per image, each in [0, 1] with maximum 1, or all zero.

    Args:
        features: (..., h, w, K).
        weights: (..., n, K), d logit / d pooled feature k, one row per class (`Head.jacobian`).

    Returns:
        (..., n, h, w).
    """
    return heat(evidence_maps(features, weights))


def contrast_heatmap(
    features: NDArray[np.floating], towards: NDArray[np.floating], against: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The evidence for one class against another: Grad-CAM of the difference of two logits, without the relu.

    Args:
        features: (..., h, w, K).
        towards, against: (..., K), d logit / d pooled feature k of the one class and of the other.

    Returns:
        (..., h, w), signed, in [-1, 1] with the largest magnitude 1: above 0 for the one, below 0 for the other.
    """
    return scale(evidence_maps(features, (towards - against)[..., None, :]))[..., 0, :, :]


def evidence_maps(features: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """What every cell adds to each logit, `sum_k w_k A_k`: Grad-CAM before relu and normalisation.

    It is linear in the weights: the difference of two classes' maps is the map of the difference of their logits.

    Args:
        features: (..., h, w, K).
        weights: (..., n, K).

    Returns:
        (..., n, h, w), signed, not normalised.
    """
    *lead, height, width, channels = features.shape
    cells = features.reshape(*lead, height * width, channels).astype(np.float32, copy=False)
    maps = weights.astype(np.float32, copy=False) @ np.swapaxes(cells, -1, -2)              # (..., n, h w)
    return maps.reshape(*maps.shape[:-1], height, width)


def heat(maps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Signed maps (..., h, w) -> their positive part, in [0, 1] with maximum 1; all zero where nothing is positive."""
    return scale(np.maximum(maps, 0))


def scale(maps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Divides each (h, w) map by its largest magnitude; a map of zeros stays."""
    values = np.asarray(maps, np.float32)
    peak = np.abs(values).max(axis=(-2, -1), keepdims=True)
    scaled: NDArray[np.float32] = np.divide(values, peak, out=np.zeros_like(values), where=peak > 0)
    return scaled


def overlay(
    pixels: NDArray[np.uint8], heatmap: NDArray[np.floating], alpha: float = OPACITY, colours: str = "inferno"
) -> NDArray[np.uint8]:
    """Draws a heatmap over the whole picture. Where the heatmap is low, more of the picture stays visible.

    Args:
        pixels: (H, W, 3) uint8 RGB. Not changed.
        heatmap: (h, w) in [0, 1]; enlarged bicubically, then blurred by a fraction of a cell, because the edges of
            cells would look like edges of objects.
        alpha: Opacity where the heatmap is 1; it falls to 0 where the heatmap is 0, a little more slowly than the
            heatmap, so that medium values are visible on pale pictures too.
        colours: One of `COLOUR_MAPS`.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    heats = enlarged_heat(heatmap, pixels.shape[:2])            # (H, W)
    return _mix(pixels, heat_colours(heats, colours), alpha * heat_opacity(heats))


def contrast_overlay(
    pixels: NDArray[np.uint8], contrast: NDArray[np.floating], alpha: float = OPACITY
) -> NDArray[np.uint8]:
    """Draws a signed map over the picture: one colour where it is above 0, another where it is below.

    Args:
        pixels: (H, W, 3) uint8 RGB. Not changed.
        contrast: (h, w) in [-1, 1] (`contrast_heatmap`); enlarged as in `overlay`.
        alpha: Opacity at magnitude 1; it falls to 0 with the magnitude.

    Returns:
        (H, W, 3) uint8 RGB, in the colours of `contrast_legend`.
    """
    signed = enlarged_contrast(contrast, pixels.shape[:2])      # (H, W)
    return _mix(pixels, contrast_colours(signed), alpha * np.abs(signed))


def enlarged_heat(heatmap: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) in [0, 1] -> (H, W) in [0, 1], smooth, with the maximum that it had."""
    peak = min(float(heatmap.max()), 1.0)
    enlarged = np.clip(_enlarge(heatmap, size), 0, None)        # cubic undershoots
    highest = float(enlarged.max())
    return enlarged * np.float32(peak / highest) if highest > 0 else enlarged


def enlarged_contrast(contrast: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) in [-1, 1] -> (H, W) in [-1, 1], smooth, with the largest magnitude that it had."""
    peak = min(float(np.abs(contrast).max()), 1.0)
    enlarged = _enlarge(contrast, size)
    highest = float(np.abs(enlarged).max())
    return enlarged * np.float32(peak / highest) if highest > 0 else enlarged


def heat_colours(heats: NDArray[np.floating], colours: str) -> NDArray[np.uint8]:
    """Heat (...) in [0, 1] -> its colour (..., 3) RGB."""
    return np.asarray(palette(colours)[np.rint(heats * 255).astype(np.intp)], np.uint8)


def contrast_colours(signed: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(...) in [-1, 1] -> (..., 3) RGB, one colour for each sign."""
    against, towards = (np.array(colour, np.uint8) for colour in CONTRAST_COLOURS)
    return np.asarray(np.where((signed > 0)[..., None], towards, against), np.uint8)


def heat_opacity(heats: NDArray[np.floating]) -> NDArray[np.floating]:
    """Heat in [0, 1] -> share of the full opacity."""
    return np.asarray(heats**0.75)


def legend(colours: str = "inferno", stops: int = 9) -> tuple[str, ...]:
    """The colours from 0 to 1 as CSS, for `linear-gradient(to right, ...)`."""
    rows = np.rint(np.linspace(0, 255, stops)).astype(np.intp)
    return tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in palette(colours)[rows].tolist())


def contrast_legend() -> tuple[str, str]:
    """The colours of `contrast_overlay` as CSS: against (below 0), and towards (above 0)."""
    against, towards = ("#{:02x}{:02x}{:02x}".format(*colour) for colour in CONTRAST_COLOURS)
    return against, towards


def _enlarge(heatmap: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) -> (H, W): bicubic, then blurred by a fraction of a cell."""
    height, width = size
    enlarged = cv2.resize(heatmap.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    down, across = _BLUR * height / heatmap.shape[0], _BLUR * width / heatmap.shape[1]
    return np.asarray(cv2.GaussianBlur(enlarged, (0, 0), sigmaX=across, sigmaY=down), np.float32)


def _mix(
    pixels: NDArray[np.uint8], colour: NDArray[np.integer], opacity: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """(H, W, 3), (H, W, 3) and (H, W) -> (H, W, 3) uint8."""
    share = opacity[..., None]                                  # (H, W, 1)
    return np.asarray(np.rint(pixels * (1 - share) + colour * share), np.uint8)


def palette(colours: str) -> NDArray[np.uint8]:
    """A colour map as (256, 3) RGB, from 0 to 1."""
    if colours not in _COLOURS:
        raise ValueError(f"colour map {colours!r} is not known; expected one of {', '.join(COLOUR_MAPS)}")
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], _COLOURS[colours])    # (256, 1, 3) BGR
    return np.ascontiguousarray(ramp[:, 0, ::-1], dtype=np.uint8)
