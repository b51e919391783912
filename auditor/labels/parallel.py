"""Parallel work on all cores that stays fast on busy machines."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from auditor.resources import cores

Item = TypeVar("Item")
Result = TypeVar("Result")
Number = TypeVar("Number", bound=np.floating)


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Computes one result per item, in order, with one thread per core; each thread uses one BLAS thread.

    The BLAS threads of one product wait for each other, and therefore for any other program that occupies a core: on
    busy machines two of them take ten times as long as one.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))


def summed_in_parallel(work: Callable[[Item], NDArray[Number]], items: Iterable[Item]) -> NDArray[Number]:
    """The sum of one array per item, added in the order of the items; few of them are held at a time."""
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        queue = iter(items)
        waiting = deque(pool.submit(work, item) for item in islice(queue, 2 * cores()))
        total: NDArray[Number] | None = None
        while waiting:
            part = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(queue, 1))
            total = part.copy() if total is None else np.add(total, part, out=total)
        assert total is not None                # there is at least one item
        return total


def one_blas_thread() -> AbstractContextManager[object]:
    """Limits each matrix product to one thread inside the context; the previous setting is restored afterwards."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()               # searches the loaded libraries once
