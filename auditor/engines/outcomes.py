"""The outcomes of a pass in arrays with one row per file: less memory than objects, and large ones lie in files."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.data.sample import Sample
from auditor.engines.outcome import Decoded, Inferred, Outcome
from auditor.engines.rows import Rows
from auditor.heatmaps.grad_cam import heat
from auditor.images.description import Description
from auditor.images.perceptual_hash import MINIATURE_SIDE, WORDS
from auditor.images.properties import PROPERTIES

_DIGEST = 32                                    # bytes of a sha256


class Outcomes(Sequence[Outcome]):
    """The outcomes of N files, sorted by name. An `Outcome` object is created only when a row is accessed.

    Args:
        samples: The samples of the engine, in the order of their outcomes.
        failed: Files that failed before the engine, with the reason.
        scratch: Folder of the temporary files of large arrays; None is the system's.

    Attributes:
        samples: All N, sorted by file.
        sizes: (N,) int64, number of bytes.
        digests: (N, 32) uint8, sha256 of the bytes; 0 if they could not be read.
        kinds: (N,) format and mode, as in `Decoded`; None if it could not be decoded.
        sides: (N, 2) int32, width and height in pixels as stored; 0 if it could not be decoded.
        failures: (N,) why a file failed; None if it did not.
        properties: (N, P) float32 in the order of `PROPERTIES`; NaN rows where none were measured.
        hashes: (N, 4) uint64 perceptual hashes; 0 where there is none.
    """

    def __init__(
        self, samples: Sequence[Sample], failed: Sequence[tuple[Sample, str]] = (), scratch: Path | None = None
    ) -> None:
        reasons = [*(None for _ in samples), *(reason for _, reason in failed)]
        everything = [*samples, *(sample for sample, _ in failed)]
        order = sorted(range(len(everything)), key=lambda number: everything[number].file)
        self.samples = tuple(everything[number] for number in order)
        self._arrival_rows = np.empty(len(order), np.intp)                              # order of arrival -> row
        self._arrival_rows[order] = np.arange(len(order))
        count = len(order)
        self._scratch = scratch
        self.sizes = np.zeros(count, np.int64)
        self.failures: list[str | None] = [reasons[number] for number in order]
        self.digests = np.zeros((count, _DIGEST), np.uint8)
        self._hashed = np.zeros(count, bool)
        self.kinds: list[tuple[str, str] | None] = [None] * count
        self._interned: dict[tuple[str, str], tuple[str, str]] = {}                     # of these, each once
        self.sides = np.zeros((count, 2), np.int32)
        self._inferred = np.zeros(count, bool)
        self._has_room = False
        self._map_classes = np.zeros((count, 0), np.int32)
        self._probabilities = Rows(count, (0,), np.float32)
        self._embeddings = Rows(count, (0,), np.float16)
        self._maps = Rows(count, (0, 1, 1), np.float16)
        self.properties = np.full((count, len(PROPERTIES)), np.nan, np.float32)
        self.hashes = np.zeros((count, WORDS), np.uint64)
        self._miniatures = Rows(count, (MINIATURE_SIDE, MINIATURE_SIDE), np.uint8, folder=scratch)

    @classmethod
    def collect(
        cls, stream: Iterable[Outcome], samples: Sequence[Sample], failed: Sequence[tuple[Sample, str]] = ()
    ) -> "Outcomes":
        """Collects the outcomes of an engine for these samples."""
        kept = cls(samples, failed)
        for place, outcome in enumerate(stream):
            kept.put(place, outcome)
        return kept

    def put(self, place: int, outcome: Outcome) -> None:
        """Stores the outcome of the sample at this place of `samples`, as they were given."""
        row = int(self._arrival_rows[place])
        self.sizes[row], self.failures[row] = outcome.size, outcome.failure
        if outcome.content:
            self.digests[row] = np.frombuffer(bytes.fromhex(outcome.content), np.uint8)
            self._hashed[row] = True
        if (decoded := outcome.decoded) is not None:
            kind = decoded.format, decoded.mode
            self.kinds[row] = self._interned.setdefault(kind, kind)
            self.sides[row] = decoded.width, decoded.height
            if (description := decoded.description) is not None:
                self.properties[row], self.hashes[row] = description.properties, description.hash
                self._miniatures.put(row, description.miniature)
        if (inferred := outcome.inferred) is not None:
            if not self._has_room:              # the first one
                self._make_room(inferred)
            self._inferred[row] = True
            self._map_classes[row] = inferred.map_classes
            self._probabilities.put(row, inferred.probabilities)
            self._embeddings.put(row, inferred.embedding)
            self._maps.put(row, inferred.maps)

    def _make_room(self, first: Inferred) -> None:
        self._has_room = True
        count, nan, folder = len(self), float("nan"), self._scratch
        self._map_classes = np.zeros((count, len(first.map_classes)), np.int32)
        self._probabilities = Rows(count, first.probabilities.shape, np.float32, missing=nan, folder=folder)
        self._embeddings = Rows(count, first.embedding.shape, np.float16, missing=nan, folder=folder)
        self._maps = Rows(count, first.maps.shape, np.float16, folder=folder)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N, C) float32 over the model's classes; NaN rows without a result, and C is 0 if there are none."""
        return self._probabilities.array

    @property
    def embeddings(self) -> NDArray[np.float16]:
        """(N, K) float16, in the same way."""
        return self._embeddings.array

    @property
    def miniatures(self) -> NDArray[np.uint8]:
        """(N, 32, 32) uint8; 0 where there is none."""
        return self._miniatures.array

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Outcome]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, row: int) -> Outcome:  # type: ignore[override]  # no slices
        """Returns the outcome of a row; its arrays are views."""
        return Outcome(
            self.samples[row],
            self.content(row),
            int(self.sizes[row]),
            failure=self.failures[row],
            decoded=self.decoded(row),
            inferred=self.inferred(row),
        )

    def content(self, row: int) -> str:
        """Returns the sha256 of a row in hex; "" if the bytes could not be read."""
        return self.digests[row].tobytes().hex() if self._hashed[row] else ""

    def contents(self) -> "Contents":
        """Returns the sha256 of all rows."""
        return Contents(self)

    def decoded(self, row: int) -> Decoded | None:
        """Returns the decoder's result for a row; None if it failed."""
        kind = self.kinds[row]
        if kind is None:
            return None
        described = bool(np.isfinite(self.properties[row]).any())
        description = Description(self.properties[row], self.hashes[row], self.miniatures[row]) if described else None
        width, height = map(int, self.sides[row])
        return Decoded(*kind, width, height, description)

    def inferred(self, row: int) -> Inferred | None:
        """Returns the model's result for a row; None if there is none."""
        if not self._inferred[row]:
            return None
        return Inferred(
            self.probabilities[row], self.embeddings[row], self._map_classes[row].astype(np.intp), self._maps.array[row]
        )

    def heat_of(self, classes: NDArray[np.intp]) -> NDArray[np.float16] | None:
        """Returns (N, h, w) in [0, 1], the heatmap of one class of the model for each row; None if no map was kept.

        Args:
            classes: (N,) class of each row, -1 for none.
        """
        maps = self._maps.array                                                         # (N, n, h, w)
        if not maps.shape[1]:
            return None
        kept = (self._map_classes == classes[:, None]) & self._inferred[:, None]        # (N, n)
        chosen = heat(maps[np.arange(len(self)), kept.argmax(axis=1)]).astype(np.float16)
        chosen[~kept.any(axis=1)] = np.nan
        return chosen

    def is_decoded(self) -> NDArray[np.bool_]:
        """Returns (N,) bool, whether each row could be decoded."""
        return np.array([kind is not None for kind in self.kinds], bool)

    def has_inferred(self) -> NDArray[np.bool_]:
        """Returns (N,) bool, whether each row has a result of the model."""
        return self._inferred


class Contents(Sequence[str]):
    """The sha256 of every row in hex, converted on access: as text it would take four times the memory."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    def __len__(self) -> int:
        return len(self._outcomes)

    def __getitem__(self, row: int) -> str:  # type: ignore[override]  # no slices
        return self._outcomes.content(row)

    def __iter__(self) -> Iterator[str]:
        return map(self._outcomes.content, range(len(self)))
