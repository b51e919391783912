"""The engine for one machine: threads decode ahead, and the model runs on whole batches."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from auditor.data.sample import Sample
from auditor.engines.base import Task
from auditor.engines.outcome import Outcome
from auditor.engines.steps import Loaded, infer, load

_BATCHES_AHEAD = 3


class LocalEngine:
    """Reads in several threads and infers in the caller's thread."""

    def run(self, samples: Iterable[Sample], task: Task) -> Iterator[Outcome]:
        """Runs a task over samples, as in `Engine`."""
        with ThreadPoolExecutor(task.threads or os.cpu_count()) as pool:
            queue = iter(samples)
            waiting: deque[Future[Loaded]] = deque()

            def refill() -> None:
                for sample in islice(queue, _BATCHES_AHEAD * task.batch_size - len(waiting)):
                    waiting.append(pool.submit(load, sample, task))

            refill()
            while waiting:
                batch = [waiting.popleft().result() for _ in range(min(task.batch_size, len(waiting)))]
                refill()
                yield from infer(batch, task.backend)
