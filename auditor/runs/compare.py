"""Two runs side by side, from their folders alone: what is new in the second one, what persists, what is resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.runs.files import SUMMARY
from auditor.runs.stored import StoredRun, open_run
from auditor.text import count, shown, some, visible

_FILES = 5                                      # that the text names of each list


@dataclass(frozen=True)
class Entry:
    """A finding; `file` is None for one about the data set."""

    id: str
    file: str | None
    label: str | None


@dataclass(frozen=True)
class RuleChange:
    """What became of the findings of a rule.

    Attributes:
        rule: Its name.
        before, after: How many there are in each run.
        persisting: How many are in both.
        new: Those of the second run that the first one does not have, in its order.
        resolved: Those of the first run that the second one does not have, in its order.
    """

    rule: str
    before: int
    after: int
    persisting: int
    new: tuple[Entry, ...]
    resolved: tuple[Entry, ...]


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Attributes:
        first, second: Their folders.
        images: In each.
        classes: Class -> its images in each, for those with other numbers.
        rules: The rules that ran in both.
        only_first, only_second: The rules that ran in one of them only: nothing is said about their findings.
    """

    first: str
    second: str
    images: tuple[int, int]
    classes: Mapping[str, tuple[int, int]]
    rules: tuple[RuleChange, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def find_run(run: str, out: Path, name: str | None) -> StoredRun:
    """The run that a user means: a folder, or the id of a run below a folder of reports.

    Args:
        run: Folder, or id; "latest" works with a name.
        out: Folder of the reports.
        name: Of the data set there; None looks below all.

    Raises:
        InputError: there is none, more than one, or it cannot be read.
    """
    if (Path(run) / SUMMARY).is_file():
        return open_run(Path(run))
    if run in ("", ".", "..") or Path(run).name != run:
        return open_run(Path(run))                              # says why it is none
    homes = [out / name] if name is not None else sorted(path for path in out.glob("*") if path.is_dir())
    found = [home / run for home in homes if (home / run / SUMMARY).is_file()]
    if len(found) == 1:
        return open_run(found[0])
    if found:
        raise InputError(f"{shown(run)} is a run of {some(shown(each.parent.name) for each in found)}; say --name")
    where = shown(str(out if name is None else out / name))
    raise InputError(
        f"{shown(run)} is neither the folder of a run nor the id of one below {where}; expected "
        "reports/<name>/<run>, or <run> with --out and --name"
    )


def compare_runs(first: StoredRun, second: StoredRun) -> Comparison:
    """Compares the findings of two runs by their ids: content, rule and label.

    Raises:
        InputError: a run cannot be read.
    """
    try:
        return _compared(first, second)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{shown(str(first.folder))} and {shown(str(second.folder))} cannot be compared: one of them lacks what "
            f"every run has ({error!r}); scan again"
        ) from None


def _compared(first: StoredRun, second: StoredRun) -> Comparison:
    ran = [list(map(str, run.summary["findings"])) for run in (first, second)]
    found = [_by_rule(run) for run in (first, second)]
    datasets = [run.summary["dataset"] for run in (first, second)]
    classes = [dict(dataset["classes"]) for dataset in datasets]
    names = sorted({*classes[0], *classes[1]})
    sizes = {name: (int(classes[0].get(name, 0)), int(classes[1].get(name, 0))) for name in names}
    return Comparison(
        first=str(first.folder),
        second=str(second.folder),
        images=(int(datasets[0]["images"]), int(datasets[1]["images"])),
        classes={name: both for name, both in sizes.items() if both[0] != both[1]},
        rules=tuple(
            _change(rule, found[0].get(rule, {}), found[1].get(rule, {})) for rule in ran[1] if rule in ran[0]
        ),
        only_first=tuple(rule for rule in ran[0] if rule not in ran[1]),
        only_second=tuple(rule for rule in ran[1] if rule not in ran[0]),
    )


def _by_rule(run: StoredRun) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {}
    for each in run.findings():
        entry = Entry(str(each["id"]), each["file"], each["label"])
        found.setdefault(str(each["rule"]), {})[entry.id] = entry
    return found


def _change(rule: str, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> RuleChange:
    return RuleChange(
        rule=rule,
        before=len(before),
        after=len(after),
        persisting=sum(each in before for each in after),
        new=tuple(entry for each, entry in after.items() if each not in before),
        resolved=tuple(entry for each, entry in before.items() if each not in after),
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as values that JSON has."""
    return {
        "new": sum(len(each.new) for each in comparison.rules),
        "persisting": sum(each.persisting for each in comparison.rules),
        "resolved": sum(len(each.resolved) for each in comparison.rules),
        **asdict(comparison),
    }


def as_text(comparison: Comparison) -> Iterator[str]:
    """A comparison in lines: a table, then the first files of each rule that changed."""
    yield f"{shown(comparison.first)} -> {shown(comparison.second)}"
    yield f"images {comparison.images[0]} -> {comparison.images[1]}"
    for name, (before, after) in comparison.classes.items():
        yield f"  {visible(name)} {before} -> {after}"
    width = max([len(each.rule) for each in comparison.rules], default=0)
    yield f"{'':<{width}}{'before':>9}{'after':>9}{'new':>9}{'persisting':>12}{'resolved':>10}"
    for each in comparison.rules:
        numbers = f"{each.before:>9}{each.after:>9}{len(each.new):>9}{each.persisting:>12}{len(each.resolved):>10}"
        yield f"{each.rule:<{width}}{numbers}"
    for each in comparison.rules:
        for word, entries in (("new", each.new), ("resolved", each.resolved)):
            if entries:
                yield f"{each.rule}, {count(len(entries), f'{word} finding')}: {_named(entries)}"
    for rules, which in ((comparison.only_first, "first"), (comparison.only_second, "second")):
        if rules:
            yield f"only in the {which} run, and not compared: {', '.join(rules)}"


def _named(entries: Sequence[Entry]) -> str:
    return some(("the data set" if entry.file is None else visible(entry.file) for entry in entries), _FILES)
