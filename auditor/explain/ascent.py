"""Pictures that activate a filter most, by gradient ascent on the pixels (Keras on TensorFlow).

Plain ascent finds noise that activates the network and shows nothing. The methods that make it readable are from Olah,
Mordvintsev, Schubert, *Feature Visualization*, Distill 2017, https://distill.pub/2017/feature-visualization:

- the picture is parametrised by its Fourier coefficients, each scaled by the inverse of its frequency, as in
  photographs, and in decorrelated colours, so that no frequency and no colour grows faster than the others;
- every step sees another crop of it, shifted and scaled a little: what depends on exact pixels averages out;
- it is blurred, less with every step, so that large shapes appear before fine ones;
- L2 pulls it towards grey, so that only what activates the filter stays.

The objective is the mean of the filter's map before its ReLU.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.backends.abilities import LayerFunction
from auditor.progress import Progress

# The square root of the covariance of the colours of 1,003 photographs (ImageWoof, 32 px), its longest column 1 long.
_COLOURS = np.array([[0.055, -0.182, -0.578], [-0.107, 0.000, -0.576], [0.055, 0.182, -0.578]], np.float32)


@dataclass(frozen=True)
class Ascent:
    """How the picture of a filter is made.

    Attributes:
        steps: Steps of gradient ascent (Adam).
        seed: Seed of the first noise and of the crops; the same seed gives the same pictures.
        rate: Learning rate of Adam.
        shift: How far the centre of a crop may be from the centre of the picture, as a share of the side.
        zoom: How much smaller or larger than the side a crop may be, as a share of it.
        blur: Standard deviation of the first blur, in pixels at a side of 128; 0 after two thirds of the steps.
        l2: Weight of the squared distance from grey.
        together: Pictures made at the same time; more need more memory.
    """

    steps: int = 96
    seed: int = 0
    rate: float = 0.08
    shift: float = 0.06
    zoom: float = 0.1
    blur: float = 1.5
    l2: float = 0.5
    together: int = 8


def maximise(
    part: LayerFunction, size: tuple[int, int], filters: Sequence[int], how: Ascent, progress: Progress, what: str
) -> NDArray[np.uint8]:
    """The pictures that activate these filters most.

    Args:
        part: The model up to a layer (`FilterGradients.differentiable_part`).
        size: (H, W) of its pictures.
        filters: Channels of the layer, n of them.
        how: Steps, seed and the other settings.
        progress: Shows the steps.
        what: The name that it shows for them.

    Returns:
        (n, H, W, 3) uint8 RGB.
    """
    groups = [filters[start : start + how.together] for start in range(0, len(filters), how.together)]
    steps = ((group, step) for group in groups for step in range(how.steps))
    pictures = []
    run: Callable[[int], None] | None = None
    for group, step in progress.track(steps, len(groups) * how.steps, what):
        if step == 0:
            run, finish = _climb(part, size, group, how)
        assert run is not None
        run(step)
        if step == how.steps - 1:
            pictures.append(finish())
    return np.concatenate(pictures)


def _climb(
    part: LayerFunction, size: tuple[int, int], filters: Sequence[int], how: Ascent
) -> tuple[Callable[[int], None], Callable[[], NDArray[np.uint8]]]:
    """One ascent for a group of filters: a function that does one step, and one that gives (n, H, W, 3) pictures."""
    import keras
    import tensorflow as tf

    height, width = size
    margin = (_margin(height, how), _margin(width, how))
    canvas = (height + 2 * margin[0], width + 2 * margin[1])
    coefficients = tf.Variable(_noise(filters, canvas, how.seed))           # (n, 3, H', W'//2 + 1, 2)
    scale = tf.constant(_falling(canvas))                                   # (H', W'//2 + 1)
    chosen = tf.one_hot(list(filters), int(part(tf.zeros((1, *size, 3))).shape[-1]))      # (n, K)
    optimiser = keras.optimizers.Adam(how.rate)
    optimiser.build([coefficients])

    def paint() -> Any:
        """(n, H', W', 3) in 0-1."""
        spectrum = tf.complex(coefficients[..., 0], coefficients[..., 1]) * tf.cast(scale, tf.complex64)
        planes = tf.signal.irfft2d(spectrum, canvas)                        # (n, 3, H', W')
        return tf.sigmoid(tf.transpose(planes, (0, 2, 3, 1)) @ _COLOURS.T)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def ascend(top: Any, left: Any, high: Any, wide: Any, kernel: Any) -> None:
        with tf.GradientTape() as tape:
            picture = paint()
            crop = tf.slice(picture, tf.stack([0, top, left, 0]), tf.stack([len(filters), high, wide, 3]))
            seen = _blurred(tf, tf.image.resize(crop, size), kernel)         # (n, H, W, 3)
            maps = tf.reduce_mean(tf.cast(part(seen * 255.0), tf.float32), axis=(1, 2))             # (n, K)
            answers = tf.reduce_sum(maps * chosen, axis=1)                  # (n,)
            grey = tf.reduce_mean(tf.square(picture - 0.5), axis=(1, 2, 3))
            loss = tf.reduce_sum(how.l2 * grey - answers)
        optimiser.apply([tape.gradient(loss, coefficients)])

    crops = _crops(size, canvas, how)                                       # (steps, 4)

    def run(step: int) -> None:
        sigma = how.blur * min(size) / 128 * max(0.0, 1 - 1.5 * step / how.steps)
        ascend(*(tf.constant(int(number)) for number in crops[step]), tf.constant(_gaussian(sigma)))

    def finish() -> NDArray[np.uint8]:
        (top, left), inside = margin, paint().numpy()
        return np.asarray(np.rint(inside[:, top : top + height, left : left + width] * 255), np.uint8)

    return run, finish


def _margin(side: int, how: Ascent) -> int:
    return max(1, round(side * (how.shift + how.zoom / 2)))


def _noise(filters: Sequence[int], canvas: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """(n, 3, H', W'//2 + 1, 2): the noise of a filter does not depend on the other filters."""
    shape = (3, canvas[0], canvas[1] // 2 + 1, 2)
    each = [np.random.default_rng((seed, channel)).normal(0, 0.01, shape) for channel in filters]
    return np.stack(each).astype(np.float32)


def _falling(canvas: tuple[int, int]) -> NDArray[np.float32]:
    """(H', W'//2 + 1): the inverse of each frequency, times the root of the area, which irfft2d divides by."""
    height, width = canvas
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    scale = 1 / np.maximum(frequency, 1 / max(height, width)) * np.sqrt(height * width) / 4
    return np.asarray(scale, np.float32)


def _crops(size: tuple[int, int], canvas: tuple[int, int], how: Ascent) -> NDArray[np.intp]:
    """(steps, 4): top, left, height and width of the crop that each step sees."""
    rng = np.random.default_rng((how.seed, zlib.crc32(b"cuts")))
    zooms = 1 + rng.uniform(-how.zoom, how.zoom, (how.steps, 1))
    sides = np.minimum(np.rint(np.array(size) * zooms), canvas).astype(np.intp)                     # (steps, 2)
    room = np.array(canvas) - sides
    starts = np.floor(rng.uniform(0, 1, (how.steps, 2)) * (room + 1)).astype(np.intp)
    return np.concatenate([starts, sides], axis=1)


def _gaussian(sigma: float) -> NDArray[np.float32]:
    """(7,) weights that sum to 1."""
    places = np.arange(-3, 4)
    weights = np.exp(-0.5 * (places / max(sigma, 1e-3)) ** 2)
    return np.asarray(weights / weights.sum(), np.float32)


def _blurred(tf: Any, pictures: Any, kernel: Any) -> Any:
    """Gaussian blur, (n, H, W, 3), the rows and then the columns; the edges are mirrored."""
    padded = tf.pad(pictures, [[0, 0], [3, 3], [3, 3], [0, 0]], mode="REFLECT")
    down = tf.tile(kernel[:, None, None, None], (1, 1, 3, 1))               # (7, 1, 3, 1)
    across = tf.tile(kernel[None, :, None, None], (1, 1, 3, 1))             # (1, 7, 3, 1)
    once = tf.nn.depthwise_conv2d(padded, down, (1, 1, 1, 1), "VALID")
    return tf.nn.depthwise_conv2d(once, across, (1, 1, 1, 1), "VALID")
