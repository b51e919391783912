"""The outcomes of a pass in arrays with one row per file, which take less memory than objects."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.data.sample import Sample
from auditor.engines.outcome import Decoded, Inferred, Outcome

_DIGEST = 32                                    # bytes of a sha256


class Outcomes(Sequence[Outcome]):
    """The outcomes of N files, sorted by name. An `Outcome` object is created only when a row is accessed.

    Args:
        samples: The samples of the engine, in the order of their outcomes.
        failed: Files that failed before the engine, with the reason.

    Attributes:
        samples: All N, sorted by file.
        sizes: (N,) int64, number of bytes.
        failures: (N,) why a file failed; None if it did not.
        probabilities: (N, C) float32 over the model's classes; NaN rows without a result, and C is 0 if there are none.
        embeddings: (N, K) float16, in the same way.
    """

    def __init__(self, samples: Sequence[Sample], failed: Sequence[tuple[Sample, str]] = ()) -> None:
        reasons = [*(None for _ in samples), *(reason for _, reason in failed)]
        everything = [*samples, *(sample for sample, _ in failed)]
        order = sorted(range(len(everything)), key=lambda number: everything[number].file)
        self.samples = tuple(everything[number] for number in order)
        self._arrival_rows = np.empty(len(order), np.intp)                              # order of arrival -> row
        self._arrival_rows[order] = np.arange(len(order))
        self._arrived = 0
        count = len(order)
        self.sizes = np.zeros(count, np.int64)
        self.failures: list[str | None] = [reasons[number] for number in order]
        self._digests = np.zeros((count, _DIGEST), np.uint8)
        self._hashed = np.zeros(count, bool)
        self._kinds: list[tuple[str, str] | None] = [None] * count                      # format and mode, interned
        self._interned: dict[tuple[str, str], tuple[str, str]] = {}
        self._sides = np.zeros((count, 2), np.int32)                                    # width, height
        self._inferred = np.zeros(count, bool)
        self.probabilities = np.zeros((count, 0), np.float32)
        self.embeddings = np.zeros((count, 0), np.float16)
        self._map_classes = np.zeros((count, 0), np.int32)
        self._maps = np.zeros((count, 0, 1, 1), np.float16)

    @classmethod
    def collect(
        cls, stream: Iterable[Outcome], samples: Sequence[Sample], failed: Sequence[tuple[Sample, str]] = ()
    ) -> "Outcomes":
        """Collects the outcomes of an engine for these samples."""
        kept = cls(samples, failed)
        for outcome in stream:
            kept.add(outcome)
        return kept

    def add(self, outcome: Outcome) -> None:
        """Stores the next outcome."""
        row = self._arrival_rows[self._arrived]
        self._arrived += 1
        self.sizes[row], self.failures[row] = outcome.size, outcome.failure
        if outcome.content:
            self._digests[row] = np.frombuffer(bytes.fromhex(outcome.content), np.uint8)
            self._hashed[row] = True
        if (decoded := outcome.decoded) is not None:
            kind = decoded.format, decoded.mode
            self._kinds[row] = self._interned.setdefault(kind, kind)
            self._sides[row] = decoded.width, decoded.height
        if (inferred := outcome.inferred) is not None:
            if not self.embeddings.shape[1]:    # the first one
                self._make_room(inferred)
            self._inferred[row] = True
            self.probabilities[row], self.embeddings[row] = inferred.probabilities, inferred.embedding
            self._map_classes[row], self._maps[row] = inferred.map_classes, inferred.maps

    def _make_room(self, first: Inferred) -> None:
        count = len(self)
        self.probabilities = np.full((count, len(first.probabilities)), np.nan, np.float32)
        self.embeddings = np.full((count, len(first.embedding)), np.nan, np.float16)
        self._map_classes = np.zeros((count, len(first.map_classes)), np.int32)
        self._maps = np.zeros((count, *first.maps.shape), np.float16)

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
        return self._digests[row].tobytes().hex() if self._hashed[row] else ""

    def contents(self) -> "Contents":
        """Returns the sha256 of all rows."""
        return Contents(self)

    def decoded(self, row: int) -> Decoded | None:
        """Returns the decoder's result for a row; None if it failed."""
        kind = self._kinds[row]
        return None if kind is None else Decoded(*kind, *map(int, self._sides[row]))

    def inferred(self, row: int) -> Inferred | None:
        """Returns the model's result for a row; None if there is none."""
        if not self._inferred[row]:
            return None
        return Inferred(
            self.probabilities[row], self.embeddings[row], self._map_classes[row].astype(np.intp), self._maps[row]
        )

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
