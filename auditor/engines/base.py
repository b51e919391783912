"""The protocol of an engine, and the task that it runs over samples."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from auditor.backends.base import Backend
from auditor.data.sample import Sample
from auditor.engines.outcome import Decoded, Inferred, Outcome
from auditor.settings import Limits


@dataclass(frozen=True)
class Known:
    """What a memory knows about the bytes of a file.

    Attributes:
        failure: Why they cannot be decoded, or why the model has no numbers for them; None if neither is known.
        decoded: The decoder's result, with the description that the task asks for; None if it is not known.
        inferred: This model's result; None if it is not known.
    """

    failure: str | None = None
    decoded: Decoded | None = None
    inferred: Inferred | None = None

    def suffices(self, backend: Backend | None) -> bool:
        """Whether nothing is left to do with the bytes."""
        return self.failure is not None or (
            self.decoded is not None and (backend is None or self.inferred is not None)
        )


class Memory(Protocol):
    """Earlier results by content, such as a store. It is called between hashing and decoding, from any thread."""

    def known(self, content: str) -> Known:
        """Returns what is known about the file with this sha256, in hex."""
        ...


class NoMemory:
    """A memory without results."""

    def known(self, content: str) -> Known:
        """Knows nothing."""
        return Known()


@dataclass(frozen=True)
class Task:
    """What an engine does with each sample.

    Attributes:
        backend: The classifier; None only reads and decodes.
        limits: Larger files and images are refused.
        batch_size: Images per forward pass.
        threads: Number of threads that decode; None is one per core.
        describe: Whether pixels are described: properties, perceptual hash and miniature.
        memory: If it has both results of an image, or a reason why there are none, the image is neither decoded nor
            inferred on. If it has one, the image is decoded, and only what is missing is computed.
    """

    backend: Backend | None
    limits: Limits = field(default_factory=Limits)
    batch_size: int = 16
    threads: int | None = None
    describe: bool = False
    memory: Memory = field(default_factory=NoMemory)


class Engine(Protocol):
    """Runs a task over samples. `auditor.engines.local` is one, `auditor.engines.serial` the simplest."""

    def run(self, samples: Iterable[Sample], task: Task) -> Iterator[Outcome]:
        """Yields exactly one outcome per sample, in order; only a few batches are in memory at a time."""
        ...
