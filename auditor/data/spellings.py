"""One class that the data spell in two ways: one in two Unicode forms is one class, of others the user is told."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from auditor.classes.spelling import caseless, composed, normalise, spelled, unblanked
from auditor.data.sample import Sample
from auditor.text import count, some

#: Groups of spellings that are told one by one.
MOST_TOLD = 3

_DIFFER: tuple[tuple[Callable[[str], str], str], ...] = (
    (unblanked, "blanks or invisible characters"),
    (caseless, "upper and lower case"),
    (spelled, "how words or numbers are joined"),
    (normalise, "singular and plural"),
)


def composed_labels(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """Samples whose labels are in one Unicode form (NFC), and a note that names classes that were in several."""
    counts = Counter(sample.label for sample in samples if sample.label is not None)
    forms: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        forms[composed(label)].append(label)
    samples = [
        sample if sample.label is None or sample.label.isascii() else replace(sample, label=composed(sample.label))
        for sample in samples
    ]
    told = [f"{name} ({_forms(same, counts)})" for name, same in sorted(forms.items()) if len(same) > 1]
    return samples, [f"Read as one class, the same name in two Unicode forms: {some(told)}."] if told else []


def spelling_notes(samples: Sequence[Sample]) -> list[str]:
    """Sentences about classes whose names differ so little that they may be one class."""
    counts = Counter(sample.label for sample in samples if sample.label is not None)
    groups = list(_groups(samples, counts))
    notes = [_told(names, counts) for names in groups[:MOST_TOLD]]
    more = [" and ".join(f'"{name}"' for name in names) for names in groups[MOST_TOLD:]]
    return [*notes, f"The same holds for {some(more)}."] if more else notes


def _groups(samples: Sequence[Sample], counts: Counter[str]) -> Iterator[list[str]]:
    """Names that may be one class, the most frequent one last: but for the plural only where no split has two."""
    near: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        near[normalise(name)].append(name)
    close = [names for names in near.values() if len(names) > 1]
    splits: dict[str, set[str | None]] = defaultdict(set)
    if close:
        for sample in samples:
            splits[sample.label or ""].add(sample.split)
    for names in close:
        by_spelling: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_spelling[spelled(name)].append(name)
        apart = not any(splits[one] & splits[other] for one in names for other in names if one != other)
        for group in [names] if apart else by_spelling.values():
            if len(group) > 1:
                yield sorted(group, key=lambda name: (counts[name], name == unblanked(name), name))


def _told(names: Sequence[str], counts: Counter[str]) -> str:
    both = " and ".join(f'"{name}" ({count(counts[name], "image")})' for name in names)
    difference = next(words for step, words in _DIFFER if len(set(map(step, names))) == 1)
    pairs = shlex.quote(",".join(f"{name}={names[-1]}" for name in names[:-1]))
    written = any(mark in name for name in names for mark in ",=")
    merge = "a .csv file for --class-map" if written else f"--class-map {pairs}"
    return (
        f"{both} differ only in {difference}. If they are one class, good labels are flagged: merge them with "
        f"{merge} in a scan or an evaluation, or rename one."
    )


def _forms(forms: Sequence[str], counts: Counter[str]) -> str:
    """The forms of one name, which look the same, by the characters in which they differ."""
    common = set.intersection(*map(set, forms))
    parts = []
    for form in forms:
        apart = " ".join(f"U+{ord(each):04X}" for each in dict.fromkeys(form) if each not in common)
        parts.append(f"{count(counts[form], 'image')} with {apart}")
    return " and ".join(parts)
