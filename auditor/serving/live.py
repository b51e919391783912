"""The live order of a run: learned again by a worker after decisions, and what is said about the rest."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.errors import AuditorError
from auditor.serving.relearning import Order, Relearner
from auditor.text import count, number

#: Labels (N,) as `Relearner.order` takes them, and which of them were settled (N,).
Settled = tuple[NDArray[np.intp], NDArray[np.bool_]]

#: Images ahead in the queue that the estimate is about, and decided ones behind that it is compared with.
AHEAD = BEHIND = 50
#: Fewer wrong labels than this among those ahead, and the rest is not worth the time.
TOO_FEW = 1.0
#: Wrong labels that must have been expected among the decided ones until what was found there counts as much as the
#: noise model's own estimate.
_TRUST = 5.0


class LiveOrder:
    """Fits once, then orders anew whenever labels come; whatever came while it worked is taken together.

    Args:
        fit: Makes the relearner; an `AuditorError` says why there is none.
    """

    def __init__(self, fit: Callable[[], Relearner]) -> None:
        self._fit = fit
        self._changed = threading.Condition()
        self._wanted: tuple[int, Settled | None] = (0, None)
        self._done = 0
        self._order: Order | None = None
        self._reason, self._stopped = "", False
        threading.Thread(target=self._work, name="live order", daemon=True).start()

    def after(self, settled: Settled, seconds: float) -> "tuple[Order | None, str]":
        """The order after labels were settled, or the newest that there is after so many seconds.

        Returns:
            The order, None before the first; and why there will be none, "" where there will be.
        """
        with self._changed:
            serial = self._wanted[0] + 1
            self._wanted = serial, settled
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= serial or bool(self._reason) or self._stopped, seconds)
            return self._order, self._reason

    def stop(self) -> None:
        """Ends the work after the step that runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            relearner = self._fit()
            while (wanted := self._next()) is not None:
                serial, settled = wanted
                order = relearner.order(*settled)
                with self._changed:
                    self._done, self._order = serial, order
                    self._changed.notify_all()
        except AuditorError as error:
            self._end(str(error))
        except Exception as error:
            self._end(f"it could not be learned ({type(error).__name__}: {error})")
            if not self._stopped:               # a fault of ours: the traceback belongs on the terminal
                raise

    def _next(self) -> tuple[int, Settled] | None:
        """The newest labels that were not learned from; None when it was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._wanted[0] > self._done)
            serial, settled = self._wanted
            return None if self._stopped or settled is None else (serial, settled)

    def _end(self, reason: str) -> None:
        with self._changed:
            self._reason = reason
            self._changed.notify_all()


@dataclass(frozen=True)
class Rest:
    """What is left of a review; `enough`: looking for further wrong labels is not worth the time."""

    message: str
    enough: bool


def rest_of(
    order: Order, queue: Sequence[int], decided: Sequence[tuple[int, bool]], others: int, total: int
) -> Rest:
    """Says how many wrong labels are expected among the next images.

    The noise model's probabilities are added up, and multiplied by how many labels turned out wrong among the last
    decided ones for each that the model expected there.

    Args:
        order: Of the N images.
        queue: Rows that are undecided and have a finding about their label, the most useful first.
        decided: Rows that were decided, the last one last, and whether their label was wrong.
        others: Number of undecided images with findings of other kinds.
        total: Number of images with findings.
    """
    left = len(queue) + others
    done = f"{number(total - left)} of {count(total, 'image')} decided."
    if not queue:
        return Rest(f"{done} {_others(others)}".strip(), enough=True)
    ahead, behind = list(queue[:AHEAD]), decided[-BEHIND:]
    expected = float(order.p_wrong[ahead].sum()) * _proven(order, behind)
    which = f"the next {AHEAD}" if len(queue) > AHEAD else f"the {count(len(ahead), 'image')} left"
    if expected < TOO_FEW:
        said = f"Fewer than one wrong label is expected among {which}: looking at them is hardly worth the time."
        return Rest(f"{done} {said} {_others(others)}".strip(), enough=True)
    labels = count(min(round(expected), len(ahead)), "wrong label")
    return Rest(f"{done} About {labels} expected among {which}.", enough=False)


def _proven(order: Order, decided: Sequence[tuple[int, bool]]) -> float:
    """Wrong labels found for each that was expected, drawn towards 1 while little was decided."""
    expected = float(order.p_wrong[[row for row, _ in decided]].sum()) if decided else 0.0
    return (_TRUST + sum(wrong for _, wrong in decided)) / (_TRUST + expected)


def _others(others: int) -> str:
    return f"{count(others, 'image')} left with findings of other kinds." if others else ""
