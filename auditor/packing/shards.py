"""Packs images into TFRecord shards, and unpacks them byte for byte."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from auditor.atomic_write import check_free, new_folder
from auditor.data.dataset import Dataset
from auditor.data.placement import Wanted, place
from auditor.data.sample import Sample
from auditor.data.shards import image_of
from auditor.data.sources import stated_dataset
from auditor.data.tfrecords import (
    CLASSES_NAME,
    ENCODED,
    FILENAME,
    FORMAT,
    HEIGHT,
    LABEL,
    SHARDS_FORMAT,
    SHARDS_NAME,
    SPLIT,
    TEXT,
    WIDTH,
    Record,
    load_tensorflow,
    names_of,
    read_records,
)
from auditor.duplicates.groups import in_threads
from auditor.errors import InputError
from auditor.images.reader import fetch, read_fetched
from auditor.progress import Progress
from auditor.settings import Limits, Settings
from auditor.text import shown, unshown

#: Approximate size of a shard: large enough for fast reading, small enough that several can be read in parallel.
SHARD_BYTES = 128 * 1024**2
UNSPLIT = "images"                              # name of shards without a split

_AT_A_TIME = 32                                 # images in memory
_SMALLEST = 16                                  # pixels; only the original size and whether decoding works are needed


@dataclass(frozen=True)
class Packed:
    """The result of packing.

    Attributes:
        folder: The folder of the shards.
        shards: Shard -> number of records.
        classes: Class -> number of images.
        size: Size of all shards in bytes.
        images: Size of all images in bytes.
        undecodable: (file, reason) of images that cannot be decoded.
        kept: Whether these were packed anyway.
        left_out: (file, reason) of files that could not be read.
    """

    folder: Path
    shards: dict[str, int]
    classes: dict[str, int]
    size: int
    images: int
    undecodable: tuple[tuple[str, str], ...]
    kept: bool
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Read:
    """The bytes and header of an image; `failure` if it cannot be decoded, `lost` if it cannot be read."""

    sample: Sample
    data: bytes = b""
    format: str = ""
    width: int = 0
    height: int = 0
    failure: str = ""
    lost: str = ""


def pack(
    settings: Settings, target: Path, shards: int | None, progress: Progress, *, skip_unreadable: bool = False
) -> Packed:
    """Writes a source as TFRecord shards: `train-00000-of-00008.tfrecord`, or `images-...` if it has no splits.

    The records of a shard are sorted by a hash of their file names, so that a reader without a shuffle buffer gets a
    mix of classes. The same source gives the same bytes.

    Args:
        settings: The source, and where its labels come from.
        target: The folder to create.
        shards: Number of shards per split, at most one per image; None makes shards of about `SHARD_BYTES`.
        progress: Reports the progress of the loop.
        skip_unreadable: Leave out images that cannot be decoded. Otherwise they are packed like all others, so that a
            scan of the shards finds them.

    Raises:
        InputError: the source or the target cannot be used; nothing is written.
        MissingDependency: TensorFlow is not installed.
        Incomplete: the disk is full; nothing is written.
    """
    if shards is not None and shards < 1:
        raise InputError(f"--shards is {shards}; expected a number from 1 up")
    tensorflow = load_tensorflow()
    dataset = stated_dataset(settings)
    check_free(target, folder=True)
    with new_folder(target) as draft:
        return _Packing(tensorflow, dataset, draft, settings.limits, skip_unreadable).run(target, shards, progress)


class _Packing:
    """One call of `pack`."""

    def __init__(
        self, tensorflow: Any, dataset: Dataset, draft: Path, limits: Limits, skip_unreadable: bool
    ) -> None:
        self.tensorflow, self.dataset, self.draft, self.skip = tensorflow, dataset, draft, skip_unreadable
        self.limits = limits
        self.index = {name: number for number, name in enumerate(dataset.classes)}
        self.counts: Counter[str] = Counter(dict.fromkeys(dataset.classes, 0))
        self.undecodable: list[tuple[str, str]] = []
        self.left_out = list(dataset.failed)
        self.images = 0

    def run(self, target: Path, shards: int | None, progress: Progress) -> Packed:
        plan = list(_plan(self.dataset.samples, shards))
        queue = [sample for _, samples in plan for sample in samples]
        found = in_threads(partial(_read, limits=self.limits), queue, at_a_time=_AT_A_TIME)
        read = progress.track(found, len(queue), "images")
        written = {name: self._write(name, len(samples), read) for name, samples in plan}
        if not sum(written.values()):
            raise InputError(f"none of the {len(queue)} images of {shown(str(self.dataset.root))} can be read")
        lines = "".join(f"{name}\n" for name in self.dataset.classes)
        (self.draft / CLASSES_NAME).write_text(lines, encoding="utf-8")
        listed = {"format_version": SHARDS_FORMAT, "shards": written}
        (self.draft / SHARDS_NAME).write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
        return Packed(
            folder=target,
            shards=written,
            classes=dict(self.counts),
            size=sum((self.draft / name).stat().st_size for name in written),
            images=self.images,
            undecodable=tuple(sorted(self.undecodable)),
            kept=not self.skip,
            left_out=tuple(sorted(self.left_out)),
        )

    def _write(self, name: str, count: int, read: Iterator[_Read]) -> int:
        """Writes the next `count` images to a shard; returns how many records it has."""
        records = 0
        with self.tensorflow.io.TFRecordWriter(str(self.draft / name)) as writer:
            for _ in range(count):
                image = next(read)
                if image.lost:
                    self.left_out.append((image.sample.file, image.lost))
                    continue
                if image.failure:
                    self.undecodable.append((image.sample.file, image.failure))
                    if self.skip:
                        continue
                writer.write(self._example(image))
                self.images += len(image.data)
                records += 1
                if image.sample.label is not None:
                    self.counts[image.sample.label] += 1
        return records

    def _example(self, image: _Read) -> bytes:
        train, sample = self.tensorflow.train, image.sample

        def text(value: str) -> Any:
            return train.Feature(bytes_list=train.BytesList(value=[os.fsencode(value)]))

        def number(value: int) -> Any:
            return train.Feature(int64_list=train.Int64List(value=[value]))

        features = {
            ENCODED: train.Feature(bytes_list=train.BytesList(value=[image.data])),
            FORMAT: text(image.format),
            FILENAME: text(unshown(sample.file)),
            LABEL: number(-1 if sample.label is None else self.index[sample.label]),
            TEXT: text(unshown(sample.label or "")),
            SPLIT: text(sample.split or ""),
            HEIGHT: number(image.height),
            WIDTH: number(image.width),
        }
        example = train.Example(features=train.Features(feature=features))
        serialised: bytes = example.SerializeToString(deterministic=True)
        return serialised


def _plan(samples: Sequence[Sample], shards: int | None) -> Iterator[tuple[str, list[Sample]]]:
    """Yields the name of each shard with its samples."""
    by_split: dict[str, list[Sample]] = {}
    for sample in samples:
        by_split.setdefault(sample.split or UNSPLIT, []).append(sample)
    for split in sorted(by_split):
        mixed = sorted(by_split[split], key=lambda sample: hashlib.sha256(sample.file.encode()).digest())
        count = shards if shards is not None else -(-sum(map(_size, mixed)) // SHARD_BYTES)
        count = max(1, min(count, len(mixed)))
        for number in range(count):
            first, last = (len(mixed) * edge // count for edge in (number, number + 1))
            yield f"{split}-{number:05}-of-{count:05}.tfrecord", mixed[first:last]


def _size(sample: Sample) -> int:
    try:
        return sample.size()
    except OSError:
        return 0


def _read(sample: Sample, limits: Limits) -> _Read:
    fetched = fetch(sample, limits)
    if fetched.failure is not None:
        return _Read(sample, lost=fetched.failure)
    image = read_fetched(fetched, limits, at_least=_SMALLEST)
    data, picture = fetched.data, image.picture
    if picture is None:
        return _Read(sample, data, failure=image.failure or "")
    # Other readers treat an MPO as a JPEG.
    kind = "jpeg" if picture.format == "MPO" else picture.format.lower()
    return _Read(sample, data, kind, picture.width, picture.height)


def unpack(source: Path, target: Path, progress: Progress) -> int:
    """Writes every image of TFRecord shards to [split/]class/name; returns the number of images.

    Raises:
        InputError: a shard is damaged, a name in it is unsafe as a path, or the target exists; nothing is written.
        MissingDependency: TensorFlow is not installed.
        Incomplete: the disk is full; nothing is written.
    """
    check_free(target, folder=True)
    records = read_records(source)
    if not records:
        raise InputError(f"{shown(str(source))} contains no records")
    wanted = (_wanted(record, name) for record, name in zip(records, names_of(records), strict=True))
    paths = place(wanted, anywhere=True)
    with new_folder(target) as draft:
        for record, path in progress.track(zip(records, paths, strict=True), len(records), "images"):
            _put(record, draft, path)
    return len(records)


def _wanted(record: Record, name: str) -> Wanted:
    """Keeps an unsafe name, which causes an error here: it may be an attack. A scan replaces such names."""
    return Wanted(shown(record.name or name), record.label, record.split, str(record))


def _put(record: Record, root: Path, path: str) -> None:
    data, target = image_of(record), root / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(data)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{record} cannot be written as {shown(path)}: another image has that name, or uses it as a "
            "folder; upper and lower case may be the same here"
        ) from None
