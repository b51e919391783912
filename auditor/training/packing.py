"""`auditor tfrecord`: images -> TFRecord shards, and back, byte for byte."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.dataset import Dataset, Sample, stated_dataset
from auditor.duplicates import in_threads
from auditor.engines.local import MAX_FILE_BYTES
from auditor.errors import InputError
from auditor.folders import shown, unshown
from auditor.images import Unreadable, decode
from auditor.placing import Wanted, place
from auditor.progress import Progress
from auditor.publication import check_free, new_folder
from auditor.settings import Settings
from auditor.tfrecords import (
    CLASSES_NAME,
    ENCODED,
    FILENAME,
    FORMAT,
    FORMAT_VERSION,
    HEIGHT,
    LABEL,
    SHARDS_NAME,
    SPLIT,
    TEXT,
    WIDTH,
    Record,
    load_tensorflow,
    names_of,
    read_records,
)

#: Shards of about this size: large enough to be read in one go, small enough that several can be read side by side.
SHARD_BYTES = 128 * 1024**2
UNSPLIT = "images"                              # what shards without a split are called

_AT_A_TIME = 32                                 # images in memory
_SMALLEST = 16                                  # pixels; only the header's size and whether it decodes are wanted


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Attributes:
        folder: Where.
        shards: Shard -> number of records.
        classes: Class -> number of images.
        size: Bytes of all shards.
        images: Bytes of all images.
        undecodable: (file, reason) of images that no decoder will take.
        kept: Whether these were packed all the same.
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
    """An image's bytes and what its header says; `failure` where it does not decode, `lost` where it cannot be read."""

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
    """Writes a source as TFRecord shards: `train-00000-of-00008.tfrecord`, or `images-...` where it has no splits.

    The records of a shard are mixed by a hash of their file names, so that a reader without a shuffle buffer does not
    meet one class after the other; the same source gives the same bytes.

    Args:
        settings: The source, and where its labels come from.
        target: The folder to make.
        shards: Of each split; None makes shards of about `SHARD_BYTES`. Never more than images.
        progress: Watches the loop.
        skip_unreadable: Leave out images that cannot be decoded. Else they are packed like all others, so that a scan
            of the shards finds them.

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
        return _Packing(tensorflow, dataset, draft, skip_unreadable).run(target, shards, progress)


class _Packing:
    """One call of `pack`."""

    def __init__(self, tensorflow: Any, dataset: Dataset, draft: Path, skip_unreadable: bool) -> None:
        self.tensorflow, self.dataset, self.draft, self.skip = tensorflow, dataset, draft, skip_unreadable
        self.index = {name: number for number, name in enumerate(dataset.classes)}
        self.counts: Counter[str] = Counter(dict.fromkeys(dataset.classes, 0))
        self.undecodable: list[tuple[str, str]] = []
        self.left_out = list(dataset.failed)
        self.images = 0

    def run(self, target: Path, shards: int | None, progress: Progress) -> Packed:
        plan = list(_plan(self.dataset.samples, shards))
        queue = [sample for _, samples in plan for sample in samples]
        read = progress.track(in_threads(_read, queue, at_a_time=_AT_A_TIME), len(queue), "images")
        written = {name: self._write(name, len(samples), read) for name, samples in plan}
        if not sum(written.values()):
            raise InputError(f"none of the {len(queue)} images of {shown(str(self.dataset.root))} can be read")
        lines = "".join(f"{name}\n" for name in self.dataset.classes)
        (self.draft / CLASSES_NAME).write_text(lines, encoding="utf-8")
        listed = {"format_version": FORMAT_VERSION, "shards": written}
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
    """Shards by name, each with its samples."""
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


def _read(sample: Sample) -> _Read:
    try:
        size = sample.size()
        if size > MAX_FILE_BYTES:
            return _Read(sample, lost=f"{size / 1024**2:.0f} MB, over the limit for one file")
        data = sample.read_bytes()
    except OSError as error:
        return _Read(sample, lost=f"cannot be opened: {error.strerror or error}")
    try:
        picture = decode(data, at_least=_SMALLEST)
    except Unreadable as reason:
        return _Read(sample, data, failure=str(reason))
    # An MPO is a JPEG to every other reader.
    kind = "jpeg" if picture.format == "MPO" else picture.format.lower()
    return _Read(sample, data, kind, picture.width, picture.height)


def unpack(source: Path, target: Path, progress: Progress) -> int:
    """Writes every image of TFRecord shards to its file, [split/]class/name; returns how many.

    Raises:
        InputError: a shard is damaged, a name in it must not become a path, or the target is taken; nothing is written.
        MissingDependency: TensorFlow is not installed.
        Incomplete: the disk is full; nothing is written.
    """
    check_free(target, folder=True)
    records = read_records(source)
    if not records:
        raise InputError(f"{shown(str(source))} holds no record")
    wanted = (_wanted(record, name) for record, name in zip(records, names_of(records), strict=True))
    paths = place(wanted, anywhere=True)
    with new_folder(target) as draft:
        for record, path in progress.track(zip(records, paths, strict=True), len(records), "images"):
            _put(record, draft, path)
    return len(records)


def _wanted(record: Record, name: str) -> Wanted:
    """A name that a scan would replace by another is an error here: somebody may have meant harm."""
    return Wanted(shown(record.name or name), record.label, record.split, str(record))


def _put(record: Record, root: Path, path: str) -> None:
    sample = Sample(record.shard, path, None, None, record.offset, record.length)
    data, target = sample.read_bytes(), root / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(data)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{record} cannot be written as {shown(path)}: another image has that name, or has it as a folder, where "
            "case may not count"
        ) from None
