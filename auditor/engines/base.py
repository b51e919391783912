"""The protocol of an engine, and the task that it runs over samples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from auditor.backends.base import Backend
from auditor.data.sample import Sample
from auditor.engines.outcome import Decoded, Inferred, Outcome
from auditor.settings import Limits


class Memory(Protocol):
    """Earlier results by content, such as a store. It is called between hashing and decoding, from any thread."""

    def decoded(self, content: str) -> Decoded | None:
        """Returns the decoder's result for the file with this sha256; None if it is not known."""
        ...

    def inferred(self, content: str) -> Inferred | None:
        """Returns this model's result for the file with this sha256; None if it is not known."""
        ...


class NoMemory:
    """A memory without results."""

    def decoded(self, content: str) -> Decoded | None:
        """Returns None."""
        return None

    def inferred(self, content: str) -> Inferred | None:
        """Returns None."""
        return None


@dataclass(frozen=True)
class Task:
    """What an engine does with each sample.

    Attributes:
        backend: The classifier; None only reads and decodes.
        limits: Larger files and images are refused.
        batch_size: Images per forward pass.
        threads: Number of threads that decode; None is one per core.
        memory: If it has both results of an image, the image is neither decoded nor inferred on. If it has one, the
            image is decoded, and inferred on only if that result is missing.
    """

    backend: Backend | None
    limits: Limits = field(default_factory=Limits)
    batch_size: int = 16
    threads: int | None = None
    memory: Memory = field(default_factory=NoMemory)


class Engine(Protocol):
    """Runs a task over samples. `auditor.engines.local` is one, `auditor.engines.serial` the simplest."""

    def run(self, samples: Iterable[Sample], task: Task) -> Iterator[Outcome]:
        """Yields exactly one outcome per sample, in order; only a few batches are in memory at a time."""
        ...
