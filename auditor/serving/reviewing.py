"""The review of one run: the decisions on its images, saved as they come, and the order of those that are left."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.review.decisions import (
    Decision,
    Decisions,
    as_record,
    decision_of,
    image_of,
    read_decisions,
    write_decisions,
)
from auditor.serving.live import LiveOrder, Rest, Settled, rest_of
from auditor.serving.relearning import Order
from auditor.serving.stored import Card, StoredImages
from auditor.text import count, number, visible

#: Seconds that an answer waits for the new order; what takes longer comes with a later answer.
PATIENCE = 5.0
_LIKELY_WRONG = 0.5
_WRONG = {"keep": False, "relabel": True, "remove": True}       # of somebody who is unsure nothing is known


@dataclass
class Review:
    """The review of a run; several tabs may be at it.

    Attributes:
        images: Of the run.
        path: Where the decisions are kept.
        live: Orders what is left.
    """

    images: StoredImages
    path: Path
    live: LiveOrder
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self) -> dict[str, Any]:
        """The decisions, the files that are left in the order of their use, and what to say about them."""
        return self._answer(self._saved())

    def take(self, body: bytes) -> dict[str, Any]:
        """Saves the decisions of a request beside those that are there, of which it may take some back; then `answer`.

        Raises:
            InputError: a decision is not what it should be, or does not fit the run. Nothing is saved.
            Incomplete: the disk is full.
        """
        taken = self._read(body)
        with self._lock:                        # between reading and writing no other tab may write
            saved = {each.file: each for each in self._saved()}
            for file, decision in taken.items():
                saved.pop(file, None)           # the last one decided stands last
                if decision is not None:
                    saved[file] = decision
            decisions = tuple(saved.values())
            run = self.images.run
            name = run.folder.parent.name
            write_decisions(self.path, Decisions(name, run.folder.name, run.root, _now(), decisions))
        return self._answer(decisions)

    def _saved(self) -> tuple[Decision, ...]:
        if not self.path.exists():
            return ()
        return tuple(each for each in read_decisions(self.path).decisions if each.file in self.images.cards)

    def _read(self, body: bytes) -> dict[str, Decision | None]:
        """File -> its decision, None where it is taken back."""
        try:
            listed = json.loads(body)["decisions"]
        except (ValueError, RecursionError, KeyError, TypeError):
            listed = None
        if not isinstance(listed, list):
            raise InputError('the body is not {"decisions": [...]} in JSON')
        return dict(self._checked(each, f"decision {place}") for place, each in enumerate(listed, 1))

    def _checked(self, record: object, where: str) -> tuple[str, Decision | None]:
        """A decision that fits the run, with the rules and findings that the run has for its image."""
        file, content, label = image_of(record, where)
        card = self.images.cards.get(file)
        if card is None:
            raise InputError(f"{where}: {visible(file)} has no finding in this run; expected an image of the report")
        if (content, label) != (card.content, card.label):
            raise InputError(f"{where}: content or label of {visible(file)} are not those of this run; load it again")
        if isinstance(record, dict) and record.get("decision", "") is None:
            return file, None
        decision = decision_of(record, where)
        if decision.to is not None and decision.to not in self.images.classes:
            raise InputError(f"{where}: {visible(decision.to)!r} is no class of the data set")
        return file, replace(decision, rules=card.rules, findings=card.findings, at=_moment(decision.at))

    def _answer(self, decisions: Sequence[Decision]) -> dict[str, Any]:
        order, reason = self.live.after(self._settled(decisions), PATIENCE)
        decided = {each.file for each in decisions}
        left = self._left(decided, self.images.rank if order is None else order.rank, order)
        rest = self._rest(order, reason, decisions, left)
        return {
            "decisions": [as_record(each) for each in decisions],
            "order": list(left),
            "message": rest.message,
            "enough": rest.enough,
        }

    def _settled(self, decisions: Sequence[Decision]) -> Settled:
        """What to learn from, -1 for what is removed or unsure; and what was decided."""
        index = {name: place for place, name in enumerate(self.images.classes)}
        labels, settled = self.images.given.copy(), np.zeros(len(self.images.given), bool)
        for each in decisions:
            row = self.images.cards[each.file].row
            settled[row] = True
            if each.decision != "keep":
                labels[row] = -1 if each.to is None else index.get(each.to, -1)
        return labels, settled

    def _left(self, decided: set[str], rank: NDArray[np.intp], order: Order | None) -> dict[str, Card]:
        """The undecided images: those about whose labels something is said, in their order, then all others."""
        cards = {file: card for file, card in self.images.cards.items() if file not in decided}

        def place(card: Card) -> int:
            doubted = card.is_about_label or (order is not None and order.p_wrong[card.row] > _LIKELY_WRONG)
            return int(rank[card.row]) if doubted and rank[card.row] else len(rank) + 1

        return dict(sorted(cards.items(), key=lambda each: place(each[1])))

    def _rest(
        self, order: Order | None, reason: str, decisions: Sequence[Decision], left: Mapping[str, Card]
    ) -> Rest:
        cards = self.images.cards
        if not left:
            return Rest(f"{count(len(cards), 'image')} decided: all of them.", enough=True)
        if order is None:
            done = f"{number(len(cards) - len(left))} of {count(len(cards), 'image')} decided."
            why = f"The order stays that of the scan: {reason}."
            if not reason:
                images = count(len(self.images.files), "image")
                why = f"Until an order is learned from {images}, it is that of the scan."
            return Rest(f"{done} {why}", enough=False)
        queue = [card.row for card in left.values() if card.is_about_label]
        decided = [
            (cards[each.file].row, _WRONG[each.decision])
            for each in sorted(decisions, key=lambda each: each.at)
            if each.decision in _WRONG and cards[each.file].is_about_label
        ]
        return rest_of(order, queue, decided, others=len(left) - len(queue), total=len(cards))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _moment(at: str) -> str:
    """A time that can be sorted with those of other tabs: in UTC; now, where a decision states none."""
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return _now()
    return _now() if when.tzinfo is None else when.astimezone(UTC).isoformat(timespec="seconds")
