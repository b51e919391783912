"""One image, by everything that a run stored about it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.runs.stored import Row, StoredRun, find, latest_runs, open_run
from auditor.why.rules import Rules, RuleVerdict

IMAGE_COLUMNS = ("format", "mode", "width", "height", "bytes", "sha256")


@dataclass(frozen=True)
class Opinion:
    """What a classifier says. `judged`: the rules asked it, because its classes are the folder's."""

    name: str
    judged: bool
    predicted: str | None
    confidence: float | None
    p_given: float | None
    in_sample: int = 0


@dataclass(frozen=True)
class Lookalike:
    """A neighbour and its label."""

    file: str
    label: str | None


@dataclass(frozen=True)
class Neighbourhood:
    """The most similar images; `same` of them carry the given label, `share` is its share of the wider vote."""

    same: int
    share: float | None
    files: tuple[Lookalike, ...]


@dataclass(frozen=True)
class Mention:
    """A finding about another file, or about the data set, that names this one."""

    rule: str
    file: str | None
    message: str

    @property
    def subject(self) -> str:
        """What the finding is about."""
        return self.file or "the data set"


@dataclass(frozen=True)
class RunSource:
    """The run that was asked."""

    folder: str
    name: str
    root: str
    started_at: str


@dataclass(frozen=True)
class Explanation:
    """The verdict on one file. `place` of `ranked` is its place in the order of review; None where it has none."""

    file: str
    outcome: str
    reason: str | None
    split: str | None
    label: str | None
    suggested: str | None
    flagged: bool
    place: int | None
    ranked: int
    label_score: float | None
    p_correct: float | None
    probe: Opinion | None
    model: Opinion | None
    neighbours: Neighbourhood | None
    rules: tuple[RuleVerdict, ...]
    mentioned: tuple[Mention, ...]
    image: Mapping[str, Any]
    run: RunSource
    also_in: tuple[str, ...]


def explain(file: str, out: Path, name: str | None = None, run: Path | None = None) -> Explanation:
    """Explains the verdict on a file from stored values.

    Args:
        file: Its path, as one would open it or relative to the data set's root.
        out: Folder of the reports, where the latest run of each data set is searched for it.
        name: Searches the latest run of this data set only.
        run: Searches this run's folder only.

    Raises:
        InputError: no run knows the file, or there is no run.
    """
    if run is not None and name is not None:
        raise InputError("--run names one run already; leave --name out")
    runs, unread = ([open_run(run)], []) if run is not None else latest_runs(out, name)
    found, stored, others = find(file, runs, unread)
    row = {key: _known(value) for key, value in stored.items()}
    flags, mentioned = _findings(found, row["file"])
    rules = Rules.of(found.summary)
    verdicts = [rules.flag(finding) for finding in flags]
    if row["outcome"] == "ok":
        named = {mention.rule: mention.subject for mention in reversed(mentioned)}
        rest = (rule for rule in rules.about if rule not in {verdict.rule for verdict in verdicts})
        verdicts += [rules.not_flagged(rule, row, named.get(rule)) for rule in rest]
        order = {rule: place for place, rule in enumerate(rules.about)}
        verdicts.sort(key=lambda verdict: (not verdict.flagged, order.get(verdict.rule, len(order))))
    return Explanation(
        file=row["file"],
        outcome=row["outcome"],
        reason=row.get("reason"),
        split=row.get("split"),
        label=row.get("label"),
        suggested=next((verdict.suggested for verdict in verdicts if verdict.suggested is not None), None),
        flagged=any(verdict.flagged for verdict in verdicts),
        place=row.get("review_rank"),
        ranked=found.ranked(),
        label_score=row.get("label_score"),
        p_correct=row.get("p_correct"),
        probe=_probe(row),
        model=_model(row, found.summary.get("model") or {}),
        neighbours=_neighbours(row, found),
        rules=tuple(verdicts),
        mentioned=mentioned,
        image={key: row[key] for key in IMAGE_COLUMNS if row.get(key) is not None},
        run=_source(found),
        also_in=tuple(str(other.folder) for other in others),
    )


def _known(value: Any) -> Any:
    """NaN in a column of numbers is what None is in the others; float32 holds no more than these digits."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, 6)


def _findings(run: StoredRun, file: str) -> tuple[list[dict[str, Any]], tuple[Mention, ...]]:
    flags, mentioned = [], []
    for finding in run.findings():
        if finding["file"] == file:
            flags.append(finding)
        elif file in finding.get("related", ()):
            mentioned.append(Mention(finding["rule"], finding["file"], finding["message"]))
    return flags, tuple(mentioned)


def _probe(row: Row) -> Opinion | None:
    if row.get("oof_predicted") is None:
        return None
    given = row.get("oof_p_given")
    confidence = given if row["oof_predicted"] == row.get("label") else None
    return Opinion("out-of-fold probe", True, row["oof_predicted"], confidence, given)


def _model(row: Row, model: Mapping[str, Any]) -> Opinion | None:
    if row.get("predicted") is None:
        return None
    return Opinion(
        name=str(model.get("name", "model")),
        judged=bool(model.get("matched")),
        predicted=row["predicted"],
        confidence=row.get("confidence"),
        p_given=row.get("p_given"),
        in_sample=int(model.get("in_sample") or 0),
    )


def _neighbours(row: Row, run: StoredRun) -> Neighbourhood | None:
    files = [str(file) for file in row.get("neighbours") or ()]
    if not files:
        return None
    labels = {other["file"]: other["label"] for other in run.rows(files, ["file", "label"])}
    looks = tuple(Lookalike(file, labels.get(file)) for file in files)
    same = sum(look.label is not None and look.label == row.get("label") for look in looks)
    return Neighbourhood(same, row.get("neighbour_share"), looks)


def _source(run: StoredRun) -> RunSource:
    name = str(run.summary["dataset"].get("name", run.folder.parent.name))
    return RunSource(str(run.folder), name, run.root, run.started_at)
