"""How well the border of the picture alone tells classes apart, and whether the inside does not."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditor.checks.samples import Samples
from auditor.checks.statistics.measures import Measure, drawn, picture_numbers
from auditor.checks.statistics.separability import Separation, separations

#: Miniature pixels that belong to the border, on each side: about a tenth of the picture, as for the properties.
RING = 3
#: Images that the weights of the pixels are learned from, at most.
MOST = 10_000
#: A border is suspicious that leaves at most this share of the doubt that the inside leaves: pairs ordered wrongly.
LESS_DOUBT = 0.5
#: Ridge penalty in units of the mean variance of a pixel, times the number of images.
_RIDGE = 0.1


def border_tests(
    samples: Samples, second: NDArray[np.bool_], minimum: float
) -> Iterator[tuple[Measure, Separation]]:
    """For each class how well the border of the miniature tells it from the rest, where the inside does not.

    The class is predicted from the grey values of the border, and from those of the inside at half the resolution, by
    ridge regression, each half of the images from the other half. A border that says more than the subject was put
    there. What surrounds a subject says something, too (Xiao et al., "Noise or signal", ICLR 2021), but less than the
    subject; and where pictures show nothing but the subject, such as digits, border and inside say as much.

    Args:
        samples: All N.
        second: (N,) which half an image is in.
        minimum: Area under the ROC curve from which a measure has values: a thousand of them would be large.
    """
    usable = (samples.labels >= 0) & np.isfinite(samples.properties.get("brightness", np.nan))
    present = np.unique(samples.labels[usable])
    if len(present) < 2 or len(samples.miniatures) != len(samples):
        return
    rows = drawn(np.flatnonzero(usable), picture_numbers(samples), MOST)
    told = present[:1] if len(present) == 2 else present        # of two, each is the rest of the other
    given = (samples.labels[rows][:, None] == told).astype(np.float32)                  # (n, c)
    border, inside = (_predicted(part, given, second[rows]) for part in _parts(samples.miniatures[rows]))
    for column, place in enumerate(told):
        labels = given[:, column].astype(np.intp)
        tests = [separations(part[:, column], labels, 2, second[rows]) for part in (border, inside)]
        if not all(tests):
            continue
        by_border, by_inside = (1 - test[0].auc for test in tests)
        auc = 1 - by_border if by_border <= LESS_DOUBT * by_inside else 0.5
        values = np.full(len(samples) if auc >= minimum else 0, np.nan)
        if len(values):
            values[rows] = border[:, column]
        measure = Measure("the border of the picture", values, of_file=False, means_something=False)
        yield measure, Separation((int(place),), auc, tests[0][0].p)


def _parts(miniatures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pixels of the border (n, d), and of the inside at half the resolution (n, e), in [0, 1]."""
    frame = np.ones(miniatures.shape[1:], bool)
    frame[RING:-RING, RING:-RING] = False
    inner = miniatures[:, RING:-RING, RING:-RING].astype(np.float32) / 255
    halved = (inner[:, ::2] + inner[:, 1::2]) / 2
    halved = (halved[:, :, ::2] + halved[:, :, 1::2]) / 2
    border = miniatures[:, frame].astype(np.float32) / 255
    return np.asarray(border, np.float32), np.asarray(halved.reshape(len(halved), -1), np.float32)


def _predicted(
    points: NDArray[np.float32], given: NDArray[np.float32], second: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(n, c) how much the points (n, d) speak for each class, each half by weights from the other."""
    scores = np.full(given.shape, np.nan)
    for half in (False, True):
        learn, judge = second != half, second == half
        if learn.any() and judge.any():
            scores[judge] = _ridge(points[learn], given[learn], points[judge])
    return scores


def _ridge(
    points: NDArray[np.float32], targets: NDArray[np.float32], new: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Linear regression of (n, c) targets on (n, d) points with a ridge penalty, for (m, d) new points; (m, c)."""
    mean = points.mean(axis=0)
    centred = points - mean
    scatter = centred.T @ centred                                                       # (d, d)
    penalty = _RIDGE * np.trace(scatter) / len(scatter) + 1e-6
    weights = np.linalg.solve(scatter + penalty * np.eye(len(scatter), dtype=np.float32), centred.T @ targets)
    return np.asarray((new - mean) @ weights, np.float32)
