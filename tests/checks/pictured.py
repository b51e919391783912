"""What checks see of pictures or of numbers about them, in a data set without labels that anyone judged."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from auditor.checks import Samples
from auditor.images.description import describe
from auditor.images.properties import PROPERTIES
from auditor.labels import LabelIssues
from auditor.labels.verdict import LabelVerdict


def samples_of(properties: Mapping[str, Sequence[float]], labels: Sequence[int] | None = None) -> Samples:
    """Samples with these properties, all the same class unless `labels` says otherwise."""
    count = len(next(iter(properties.values())))
    given = np.zeros(count, np.intp) if labels is None else np.array(labels, np.intp)
    unknown = np.full(count, np.nan)
    issues = LabelIssues(unknown, np.zeros(count, bool), given, unknown, (0, 0, 0), 0.0)
    classes = tuple(f"class {number}" for number in range(int(given.max(initial=0)) + 1))
    return Samples(
        files=tuple(f"{number}.jpg" for number in range(count)),
        classes=classes,
        labels=given,
        splits=(None,) * count,
        contents=tuple(f"{number:064x}" for number in range(count)),
        sizes=np.full(count, 1000),
        failures=(None,) * count,
        formats=("JPEG",) * count,
        embeddings=np.zeros((count, 0), np.float16),
        model=None,
        out_of_fold=np.full((count, len(classes)), np.nan, np.float32),
        verdict=LabelVerdict(issues, issues, unknown, None),
        votes=np.full((count, len(classes)), np.nan, np.float32),
        properties={name: np.array(values, np.float64) for name, values in properties.items()},
    )


def samples_from(pictures: Sequence[np.ndarray], labels: Sequence[int] | None = None) -> Samples:
    """Samples as a scan makes them of pictures (H, W, 3)."""
    rows = [[picture.shape[1], picture.shape[0], *describe(picture).properties] for picture in pictures]
    return samples_of(dict(zip(("width", "height", *PROPERTIES), zip(*rows, strict=True), strict=True)), labels)


def recompressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back."""
    coded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1])
