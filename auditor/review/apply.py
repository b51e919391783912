"""`auditor apply`: what was decided is done to the data set, with a journal, or written beside it."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.atomic_write import DISK_FULL
from auditor.classes.class_map import IMAGENET_MAP, read_class_map
from auditor.data.dataset import Dataset
from auditor.data.sources import stated_dataset
from auditor.errors import Incomplete, InputError
from auditor.review.corrected import check_manifest, check_tree, write_corrected, write_tree
from auditor.review.decisions import Decisions, read_decisions, repeated_note
from auditor.review.folders import made_by, stamps_of
from auditor.review.home import Home
from auditor.review.journal import Header, Journal, Step, begin, journals_of
from auditor.review.kept import add_kept, read_kept
from auditor.review.lines import Appender, appending
from auditor.review.moving import is_same_file, relocate
from auditor.review.places import TRY_MANIFEST
from auditor.review.plan import Plan, Situation, plan
from auditor.runs.files import SUMMARY
from auditor.settings import SOURCE, Settings
from auditor.text import absolute, count, read_json, shown, unshown, visible

BY = ("move", "link")
_READ = (*SOURCE, "class_map")                  # settings of the scan that say what images and labels there are


@dataclass(frozen=True)
class Request:
    """What the user asks for beside the settings of the source.

    Attributes:
        by: "move": the files themselves are moved. "link": a tree of hard links is made.
        into: Of "link", the new folder.
        manifest: A new table that is written; the folder stays as it is.
        dry_run: Nothing is done.
        author: Of decisions that name none.
        new_classes: Classes that are allowed although no image has them.
    """

    by: str = "move"
    into: Path | None = None
    manifest: Path | None = None
    dry_run: bool = False
    author: str = ""
    new_classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in BY:
            raise InputError(f"--by is {shown(self.by)!r}; expected one of {', '.join(BY)}")
        if self.by == "move" and self.into is not None:
            raise InputError("--into names the folder of a linked tree; add --by link, or leave it out")
        if self.by == "link" and self.into is None:
            raise InputError("--by link needs --into FOLDER, a new folder for the corrected tree of hard links")
        if self.by == "link" and self.manifest is not None:
            raise InputError("--manifest and --by link are two ways to leave the folder as it is; choose one")


@dataclass(frozen=True)
class Applied:
    """What was done, or would be.

    Attributes:
        root: What was read.
        plan: The decisions by what became of them; those that failed on the way are among the refused ones.
        done: The steps that were carried out.
        refused: (file, reason), sorted.
        home: Where the journal lies.
        journal: Its id; None where nothing was to be done.
        notes: Sentences for the user.
    """

    root: Path
    plan: Plan
    done: tuple[Step, ...]
    refused: tuple[tuple[str, str], ...]
    home: Home
    journal: str | None
    notes: tuple[str, ...] = field(default=())


def apply_decisions(
    path: Path, request: Request, *, config: Path | None = None, given: Mapping[str, Any] | None = None
) -> Applied:
    """Carries out a file of decisions.

    Args:
        path: The file.
        request: How.
        config: The configuration file, as for `Settings.load`.
        given: Settings of the source that the user stated, among them `data`; the others are those of the scan.

    Raises:
        InputError: the decisions or the source cannot be read, the source cannot be changed this way, or another apply
            is at work.
        Incomplete: interrupted, or the disk is full; what was done is in the journal.
    """
    decisions = read_decisions(path).by(request.author)
    settings = source_settings(decisions, config, given or {})
    dataset = stated_dataset(settings)
    home, root = Home(settings.out, decisions.name), dataset.root
    _check(dataset, decisions, request, Path(settings.data))
    notes = tuple(filter(None, (repeated_note(decisions),)))
    if request.dry_run:
        made = plan(decisions, _situation(dataset, settings, home, request))
        return Applied(root, made, tuple(made.steps), tuple(sorted(made.refused)), home, None, notes)
    with home.at_work(root):
        settled = [settle(journal) for journal in journals_of(home)]
        if any(settled):
            dataset = stated_dataset(settings)
        made = plan(decisions, _situation(dataset, settings, home, request))
        if made.changes_nothing:
            return Applied(root, made, (), tuple(sorted(made.refused)), home, None, notes)
        applied = _carried_out(made, dataset, home, request)
    return replace(applied, notes=(*notes, *_read_otherwise(dataset, applied, settings)))


def source_settings(decisions: Decisions, config: Path | None, given: Mapping[str, Any]) -> Settings:
    """How the source is to be read: as the user says, else as the scan read it, else as the configuration says.

    Args:
        decisions: They name the run and the root.
        config: The configuration file.
        given: Settings that the user stated.

    Raises:
        InputError: a setting cannot have its value.
    """
    settings = Settings.load(config=config, **given)
    if "data" not in given:
        root = Path(unshown(decisions.root))
        beside = absolute(settings.out).parent / root           # of a scan that ran where the reports are
        settings = replace(settings, data=str(beside if not root.exists() and beside.exists() else root))
    try:
        stated = read_json(settings.out / decisions.name / decisions.run / SUMMARY)["dataset"]["source"]
        read = {each.name: stated.get(each.name, each.default) for each in fields(Settings) if each.name in _READ}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return settings                         # the run is elsewhere, or gone: the decisions suffice
    return replace(settings, **{name: value for name, value in read.items() if name not in given})


def settle(journal: Journal) -> bool:
    """Ends a step that a kill came into: its file is under one name again, the new one if it was there already.

    Returns:
        Whether there was one.
    """
    steps = [] if journal.taken_back else list(journal.unsettled())
    if not steps:
        return False
    with appending(journal.home.journal(journal.header.id)) as lines:
        for step in steps:
            source, target = journal.source(step), journal.target(step)
            target.with_name(step.draft).unlink(missing_ok=True)
            if is_same_file(source, target) or (step.state.is_at(source) and step.state.is_at(target)):
                source.unlink()
            arrived = os.path.lexists(target) and not os.path.lexists(source)
            lines.add({"done": step.number} if arrived else {"failed": step.number, "reason": "interrupted"})
    return True


def _check(dataset: Dataset, decisions: Decisions, request: Request, source: Path) -> None:
    """Raises InputError where nothing could be done this way, before any image is looked at."""
    by = dataset.labelling.by
    if request.manifest is not None:
        check_manifest(dataset, request.manifest)
    elif by in ("table", "record") and any(each.decision in ("relabel", "remove") for each in decisions.decisions):
        what = "in a table" if by == "table" else "in shards"
        raise InputError(
            f"the labels of {shown(str(source))} are {what}, so moving files would not change them; "
            + (TRY_MANIFEST if by == "table" else "unpack them with `auditor tfrecord unpack` and scan the folder")
        )
    if request.into is not None:
        check_tree(source, request.into)


def _read_otherwise(before: Dataset, applied: Applied, settings: Settings) -> Iterator[str]:
    """A sentence where labels or splits that nobody decided on are others now: an emptied class can make them so."""
    went = {shown(step.source): shown(step.target) if step.kind == "move" else None for step in applied.done}
    if not went:
        return
    try:
        now = {sample.file: (sample.label, sample.split) for sample in stated_dataset(settings).samples}
    except InputError as error:                 # the last image went
        yield f"The data set cannot be read any more: {error}"
        return
    labels, others = applied.plan.labels, []
    for sample in before.samples:
        moved = sample.file in went
        file = went[sample.file] if moved else sample.file
        if file is not None and now.get(file) != (labels[sample.file] if moved else sample.label, sample.split):
            others.append(file)
    if others:
        label, split = now.get(others[0], (None, None))
        yield (
            f"{count(len(others), 'image is', 'images are')} read with another label or split now, such as "
            f"{visible(others[0])} ({visible(label)}{f', {split}' if split else ''}): its folders look otherwise since "
            "a class is empty. --classes-at and --split-at state how they are meant."
        )


def _situation(dataset: Dataset, settings: Settings, home: Home, request: Request) -> Situation:
    stated = settings.class_map
    return Situation(
        dataset=dataset,
        root=dataset.root,
        merged={} if stated in (None, IMAGENET_MAP) else read_class_map(stated),
        kept=read_kept(home.out, home.name),
        done=_done_before(home),
        new_classes=frozenset(request.new_classes),
        change="steps" if request.manifest is None else "labels",
    )


def _done_before(home: Home) -> Callable[[str, str], bool]:
    """Whether a file of this name and content went elsewhere under an earlier journal, and is still there."""
    went = {
        (shown(step.source), step.state.content): journal.target(step)
        for journal in journals_of(home) if not journal.taken_back
        for step in journal.standing()
    }  # fmt: skip
    return lambda file, content: (file, content) in went and os.path.lexists(went[file, content])


def _carried_out(made: Plan, dataset: Dataset, home: Home, request: Request) -> Applied:
    now = datetime.now(UTC)
    wrote = request.manifest or request.into
    if request.manifest is not None:
        write_corrected(dataset, made, request.manifest)
    elif request.into is not None:
        write_tree(dataset, made, request.into)
    steps = made.steps if wrote is None else []
    root = absolute(dataset.root)
    header = Header(
        id=home.new_journal(now),
        root=str(root),
        author=request.author,
        started=now.isoformat(timespec="seconds"),
        folders=stamps_of(root, steps),
        made=tuple(made_by(root, steps)),
        wrote=None if wrote is None else str(absolute(wrote)),
    )
    done: list[Step] = []
    try:
        with begin(home, header) as lines:
            if made.kept:
                add_kept(home, made.kept, header.id)            # first: a kill must not lose what no step repeats
            journal = Journal(home, header)
            for step in steps:
                reason = _do(journal, step, lines)
                if reason is None:
                    done.append(step)
                else:
                    made.refused.append((shown(step.source), reason))
            lines.add({"finished": True})
    except KeyboardInterrupt as interruption:
        raise Incomplete(
            f"{str(interruption) or 'interrupted'}; {len(done)} of {count(len(steps), 'file')} moved. Apply again to "
            f"go on, or put them back with `auditor undo {header.id}`."
        ) from None
    return Applied(dataset.root, made, tuple(done), tuple(sorted(made.refused)), home, header.id)


def _do(journal: Journal, step: Step, lines: Appender) -> str | None:
    """Carries out a step; returns why it could not be, None where it was.

    Raises:
        OSError: the disk is full, or the journal cannot be written.
    """
    source, target = journal.source(step), journal.target(step)
    if not step.state.is_at(source):            # it was read when the plan was made
        return "it changed while the decisions were carried out"
    lines.add(step.line())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        relocate(source, target, step.draft)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        reason = f"it cannot be moved ({error.strerror})"
        lines.add({"failed": step.number, "reason": reason})
        return reason
    lines.add({"done": step.number})
    return None

