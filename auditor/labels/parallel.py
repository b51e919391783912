"""Work on all cores that stays quick on busy machines."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from auditor.resources import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """One result for each item, in order; a thread for each core, each with one BLAS thread.

    BLAS threads of one product wait for each other, and so for whatever else holds a core: on busy machines two of them
    take ten times as long as one.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))


def one_blas_thread() -> AbstractContextManager[object]:
    """Each product of matrices keeps to its own thread; the setting before comes back afterwards."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()               # looks through the loaded libraries once
