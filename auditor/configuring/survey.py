"""What a folder holds and how it is read, from its list of files: no image is opened."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from auditor.data.dataset import LABELS_READ, Dataset
from auditor.data.options import label_in_name
from auditor.data.sources import SOURCES, stated_dataset
from auditor.settings import Settings
from auditor.text import count, number, some

_SHOWN = 12                                     # classes that are named

#: What people add to the name of an image for another file about it, and what they call folders of such files.
_ASIDE = re.compile(r"(.+)([_-](?:mask|masks|seg|segmentation|gt|trimap|thumb|thumbnail|heatmap|overlay))", re.I)
_ASIDE_FOLDERS = frozenset({"mask", "masks", "trimaps", "segmentation", "segmentations", "thumbs", "thumbnails"})
_MANY = 0.5                                     # share of such files beside which the image itself must lie
_IMAGES_A_CLASS = 2                             # at least, on average, where names are taken for classes

_OPTION = re.compile(r"--([a-z-]+) (\w+)")


@dataclass(frozen=True)
class Suggestion:
    """A setting that the folder may need.

    Attributes:
        name: Of the setting.
        value: That it may need.
        why: One sentence.
    """

    name: str
    value: Any
    why: str


@dataclass(frozen=True)
class Survey:
    """What was seen.

    Attributes:
        lines: Sentences: what it is, what it holds, how it is read.
        suggestions: Settings that may be needed, at most one for each.
    """

    lines: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]


def survey(settings: Settings) -> Survey:
    """Lists the source that the settings name.

    Raises:
        InputError: it is none, or holds no image.
    """
    dataset = stated_dataset(settings)
    kind = next(source.name for source in SOURCES if source.recognises(settings.data))
    found: dict[str, Suggestion] = {}
    for suggestion in (*_of_notes(dataset), *_of_names(dataset), *_aside(dataset)):
        if getattr(settings, suggestion.name) == _defaults()[suggestion.name]:
            found.setdefault(suggestion.name, suggestion)
    return Survey(tuple(_lines(dataset, kind)), tuple(found.values()))


def _lines(dataset: Dataset, kind: str) -> Iterator[str]:
    sizes = []
    for sample in dataset.samples:
        with suppress(OSError):
            sizes.append(sample.size())
    yield f"Read as {kind}: {count(len(dataset.samples), 'image')}, {_bytes(sum(sizes))}."
    labels = Counter(sample.label for sample in dataset.samples if sample.label is not None)
    by_size = sorted(dataset.classes, key=lambda name: (-labels[name], name))
    classes = [f"{name} {number(labels[name])}" for name in by_size]
    yield f"{count(len(classes), 'class', 'classes')}: {some(classes, _SHOWN)}." if classes else "No class."
    splits = Counter(sample.split for sample in dataset.samples if sample.split is not None)
    if splits:
        yield f"Splits: {', '.join(f'{name} {number(splits[name])}' for name in sorted(splits))}."
    tables = [file for file, why in dataset.skipped if why == LABELS_READ]
    if tables:
        yield f"Labels are those of {some(tables)}."
    if dataset.failed:
        yield f"Files that cannot be had: {number(len(dataset.failed))}."
    yield from dataset.notes


def _of_notes(dataset: Dataset) -> Iterator[Suggestion]:
    """What the notes of the source advise as options: `pass --classes-at 2`."""
    for note in dataset.notes:
        for option, value in _OPTION.findall(note):
            name = option.replace("-", "_")
            if name in _defaults():
                yield Suggestion(name, int(value) if value.isdecimal() else value, note)


def _of_names(dataset: Dataset) -> Iterator[Suggestion]:
    """Labels in file names, where folders tell none."""
    if len(dataset.classes) > 1:
        return
    labels = {label_in_name(PurePosixPath(sample.file).name) for sample in dataset.samples}
    if None not in labels and 1 < len(labels) <= len(dataset.samples) / _IMAGES_A_CLASS:
        yield Suggestion("label_from", "name", f"File names begin with {some(sorted(filter(None, labels)))}.")


def _aside(dataset: Dataset) -> Iterator[Suggestion]:
    """Masks, thumbnails and the like among the images."""
    paths = [PurePosixPath(sample.file) for sample in dataset.samples]
    stems = {(path.parent, path.stem) for path in paths}
    folders = Counter(part for path in paths for part in path.parts[:-1] if part.casefold() in _ASIDE_FOLDERS)
    endings: Counter[str] = Counter()
    paired: Counter[str] = Counter()
    for path in paths:
        match = _ASIDE.fullmatch(path.stem)
        if match is not None:
            endings[match[2]] += 1
            paired[match[2]] += (path.parent, match[1]) in stems
    globs = sorted(folders) + sorted(f"*{end}.*" for end in endings if paired[end] >= _MANY * endings[end])
    if globs:
        yield Suggestion("exclude", tuple(globs), "Some files look like masks or thumbnails beside the images.")


def _defaults() -> Mapping[str, Any]:
    return {each.name: each.default for each in fields(Settings)}


def _bytes(size: int) -> str:
    """1.2 MB, as disks are sold."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
