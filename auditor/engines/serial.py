"""The simplest engine: one image after the other, in the caller's thread. Other engines are compared with it."""

from collections.abc import Iterable, Iterator

from auditor.data.sample import Sample
from auditor.engines.base import Task
from auditor.engines.outcome import Outcome
from auditor.engines.steps import infer, load


class SerialEngine:
    """Reads an image and infers on it before it reads the next."""

    def run(self, samples: Iterable[Sample], task: Task) -> Iterator[Outcome]:
        """Runs a task over samples, as in `Engine`; `batch_size` and `threads` are ignored."""
        for sample in samples:
            yield from infer([load(sample, task)], task.backend)
