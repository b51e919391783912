"""Decisions against what is there now: what is to be done, and what is refused, each with its reason."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from auditor.classes.spelling import composed
from auditor.data.dataset import Dataset
from auditor.data.sample import LocalFiles, Sample
from auditor.review.decisions import Decision, Decisions
from auditor.review.journal import Step
from auditor.review.kept import Kept, KeptImage
from auditor.review.moving import State
from auditor.review.places import NoPlace, Places
from auditor.text import visible

#: "steps": the files themselves are moved. "labels": another table or another tree is written, so nothing has to move.
Changes = Literal["steps", "labels"]


@dataclass
class Plan:
    """What an apply does.

    Attributes:
        steps: Files that move, or leave, in the order of the decisions; none where only labels are written.
        moved, removed: The decisions that these come from.
        labels: File -> the class that it gets.
        kept: Images that no scan lists again: those that were kept, and those whose label a person stated.
        keeps: How many of them were decided to be kept.
        unsure: How many decisions change nothing.
        before: How many were carried out before.
        refused: (file, reason).
    """

    steps: list[Step] = field(default_factory=list)
    moved: list[Decision] = field(default_factory=list)
    removed: list[Decision] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    kept: list[KeptImage] = field(default_factory=list)
    keeps: int = 0
    unsure: int = 0
    before: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.moved or self.removed or self.kept)


@dataclass(frozen=True)
class Situation:
    """What decisions meet.

    Attributes:
        dataset: As it is now.
        root: Its folder.
        merged: Class of a folder -> the class that the scan read it as.
        kept: What was kept before.
        done: Whether a file with this content was moved or removed before.
        removed: Path of a file -> the path that it has among the removed ones.
        new_classes: Classes that the user allows although no image has them.
        change: How labels are changed.
    """

    dataset: Dataset
    root: Path
    merged: Mapping[str, str]
    kept: Kept
    done: Callable[[str, str], bool]
    new_classes: frozenset[str]
    change: Changes


def plan(decisions: Decisions, situation: Situation) -> Plan:
    """What is to be done about decisions; nothing is changed yet, and one that is refused stops no other."""
    samples = {sample.file: sample for sample in situation.dataset.samples}
    places = Places(situation.dataset, situation.root, situation.new_classes)
    made = Plan()
    for decision in decisions.decisions:
        if decision.decision == "unsure":
            made.unsure += 1
            continue
        try:
            _take(decision, samples.get(decision.file), situation, places, made)
        except NoPlace as refusal:
            made.refused.append((decision.file, str(refusal)))
    return made


def _take(decision: Decision, sample: Sample | None, situation: Situation, places: Places, made: Plan) -> None:
    """Adds one decision to a plan; raises NoPlace with the reason why it is refused."""
    if sample is None:
        if decision.decision != "keep" and situation.done(decision.file, decision.content):
            made.before += 1
            return
        raise NoPlace("it is not there any more")
    state = _state(sample)
    if state.content != decision.content:
        raise NoPlace("its content has changed since the scan")
    label = situation.merged.get(sample.label or "", sample.label)
    if decision.label not in (label, sample.label):
        if decision.decision == "relabel" and sample.label == decision.to:
            made.before += 1                    # in a table: its path stays
            return
        raise NoPlace(f"its label is {_named(sample.label)} now, and was {_named(decision.label)} when it was scanned")
    if decision.decision == "keep":
        _keep(decision, situation, made)
    elif decision.decision == "remove":
        if situation.change == "steps":
            made.steps.append(Step(len(made.steps) + 1, "remove", sample.where, sample.where, state))
        made.removed.append(decision)
    else:
        _relabel(decision, sample, state, situation, places, made)


def _keep(decision: Decision, situation: Situation, made: Plan) -> None:
    if not decision.rules:
        raise NoPlace("the decision to keep it names no rule that had flagged it")
    image = KeptImage.of(decision)
    if situation.kept.knows(image):
        made.before += 1
        return
    made.kept.append(image)
    made.keeps += 1


def _relabel(
    decision: Decision, sample: Sample, state: State, situation: Situation, places: Places, made: Plan
) -> None:
    label = decision.to or ""
    if composed(label) == sample.label:
        raise NoPlace(f"{visible(label)} is the class that it has; decide to keep it")
    if not places.knows(label):
        raise NoPlace(f"there is no class {visible(label)}; where it is meant, pass --new-class {visible(label)}")
    if situation.change == "steps":
        target = places.moved(sample, label)
        if state.link is not None and not _leads_on(situation.root, sample.where, target, state.link):
            raise NoPlace("it is a link that would lead elsewhere from another folder")
        made.steps.append(Step(len(made.steps) + 1, "move", sample.where, target, state))
    made.labels[sample.file] = composed(label)
    made.moved.append(decision)
    image = KeptImage.of(decision)
    if not situation.kept.knows(image):
        made.kept.append(image)


def _state(sample: Sample) -> State:
    """Of a sample's file; raises NoPlace where it has none that can be read."""
    try:
        state = State.of(sample.path) if isinstance(sample.origin, LocalFiles) else None
    except (OSError, ValueError):
        state = None
    if state is None:
        raise NoPlace("it cannot be read")
    return state


def _leads_on(root: Path, source: str, target: str, link: str) -> bool:
    """Whether a link leads to the same file when it lies at another path."""
    old, new = (os.path.realpath(os.path.join((root / path).parent, link)) for path in (source, target))  # noqa: PTH118
    return old == new


def _named(label: str | None) -> str:
    return "none" if label is None else visible(label)
