"""Parallel work on all cores that stays fast on busy machines."""

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
    """Computes one result per item, in order, with one thread per core; each thread uses one BLAS thread.

    The BLAS threads of one product wait for each other, and therefore for any other program that occupies a core: on
    busy machines two of them take ten times as long as one.
    """
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))


def one_blas_thread() -> AbstractContextManager[object]:
    """Limits each matrix product to one thread inside the context; the previous setting is restored afterwards."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()               # searches the loaded libraries once
