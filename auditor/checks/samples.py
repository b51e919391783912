"""What every check sees: everything that a scan knows about its images, as arrays in the order of their files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditor.checks.copies import Copies

if TYPE_CHECKING:                               # it loads scipy's statistics, which `auditor why` does without
    from auditor.labels.verdict import LabelVerdict


#: What sentences call the trained classifier, and the probe, which learns the folder's classes from its other images.
MODEL, OTHER_IMAGES = "the model", "the other images"


@dataclass(frozen=True)
class ModelView:
    """What a classifier says, in terms of the folder's classes.

    Attributes:
        name: By what it is known, in a sentence: `MODEL` or `OTHER_IMAGES`.
        probabilities: (N, C) float32 over folder classes; NaN rows unreadable. Rows sum to less than 1 where the
            model has classes that the folder does not have.
        predicted: (N,) name of the model's top class, as the folder calls it where it does; None unreadable.
        predicted_class: (N,) index of that class among the folder's, -1 where it is none of them.
        confidence: (N,) its probability.
        in_sample: (N,) bool, whether the model was trained on the image, by its card.
    """

    name: str
    probabilities: NDArray[np.float32]
    predicted: tuple[str | None, ...]
    predicted_class: NDArray[np.intp]
    confidence: NDArray[np.float32]
    in_sample: NDArray[np.bool_]


@dataclass(frozen=True)
class Samples:
    """Everything stored about N images. Checks never see more than this: no file, no model.

    Attributes:
        files: POSIX paths relative to the root, sorted.
        classes: Names of the folder's classes.
        labels: (N,) index into `classes`, -1 where there is no label.
        splits: Name of the split that an image is in; None where it is in none.
        contents: sha256 of the bytes in hex: equal for equal files; "" where they could not be read.
        sizes: (N,) int64 number of bytes.
        failures: Reason for which an image could not be read; None where it could.
        formats: The decoder's name of the format that the bytes are in ("JPEG"); None unreadable.
        embeddings: (N, K) float16, the model's pooled features; NaN rows where there are none. It may be a memory
            map of many gigabytes: read it by `embedding_blocks`.
        model: What the trained classifier says; None where its classes are not the folder's.
        out_of_fold: (N, C) float32 probabilities of the probe; NaN rows not judged.
        verdict: On every label that the probe judged, and how far it can be believed.
        votes: (N, C) float32 share of each class among the labels of the most similar images; NaN where none has one.
        show_doubtful: Whether the user wants to see what a probe that cannot judge the labels doubts.
        copies: Images that are the same picture.
        properties: Name -> (N,) float64 taken when the image was decoded, NaN unreadable: "width", "height" in pixels
            as stored, and all of `auditor.images.properties.PROPERTIES`.
        miniatures: (N, 32, 32) uint8, the grey picture squeezed into a square; 0 unreadable.
        heat: (N, h, w) float16 in [0, 1], where the trained model's evidence for the given label lies, NaN where there
            is none; None where no image has any.
        neighbours: (N, k) int32 rows of the most similar images by their embeddings, most similar first, without
            copies of the same picture; -1 where there are fewer, k is 0 without a model.
        similarity: (N, k) float32 cosine similarity of these; NaN where there are fewer.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.intp]
    splits: tuple[str | None, ...]
    contents: Sequence[str]
    sizes: NDArray[np.int64]
    failures: tuple[str | None, ...]
    formats: tuple[str | None, ...]
    embeddings: NDArray[np.float16]
    model: ModelView | None
    out_of_fold: NDArray[np.float32]
    verdict: "LabelVerdict"
    votes: NDArray[np.float32]
    show_doubtful: bool = False
    copies: Copies = field(default_factory=Copies.none)
    properties: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    miniatures: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 32, 32), np.uint8))
    heat: NDArray[np.float16] | None = None
    neighbours: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    similarity: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def readable(self) -> NDArray[np.bool_]:
        """(N,) whether each image could be read."""
        return np.array([failure is None for failure in self.failures], dtype=bool)

    @cached_property
    def given(self) -> tuple[str | None, ...]:
        """(N,) name of the class that each image is given; None without a label."""
        return tuple(self.classes[label] if label >= 0 else None for label in self.labels)

    def embedding_blocks(self, rows_at_once: int = 4096) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """The embeddings from the first to the last, so many rows at once: which rows, and (n, K) float32."""
        for start in range(0, len(self), rows_at_once):
            rows = slice(start, min(start + rows_at_once, len(self)))
            yield rows, np.asarray(self.embeddings[rows], dtype=np.float32)

    @property
    def classifier(self) -> ModelView | None:
        """The trained classifier where it knows the folder's classes, else the probe on its embeddings.

        None where neither knows them.
        """
        if self.model is not None or not self.classes or not self.verdict.can_judge:
            return self.model
        judged = np.asarray(np.isfinite(self.out_of_fold).all(axis=1))                  # (N,)
        values = np.nan_to_num(self.out_of_fold)                                        # (N, C)
        top = values.argmax(axis=1)
        return ModelView(
            name=OTHER_IMAGES,
            probabilities=self.out_of_fold,
            predicted=tuple(self.classes[best] if known else None for best, known in zip(top, judged, strict=True)),
            predicted_class=np.where(judged, top, -1).astype(np.intp),
            confidence=np.where(judged, values.max(axis=1), np.nan).astype(np.float32),
            in_sample=np.zeros(len(self), dtype=bool),
        )
