"""Finds the position of each image in TFRecord shards. Records are checked once, while they are listed.

A record consists of its length (8 bytes, little endian), a checksum of the length (4), the data, and a checksum of the
data (4). The data is a `tf.train.Example` with the features that TensorFlow's own image sets use. It contains the
encoded image in one piece, so an offset and a length are enough to read the image again.
"""

import logging
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.data.placement import why_unsafe
from auditor.data.split_names import split_of
from auditor.data.tensorflow_log import without_log
from auditor.errors import InputError, MissingDependency
from auditor.images.formats import FORMATS
from auditor.text import read_json, read_text, shown, some, unshown

ENCODED, FORMAT, FILENAME = "image/encoded", "image/format", "image/filename"
LABEL, TEXT, SPLIT = "image/class/label", "image/class/text", "image/split"
HEIGHT, WIDTH = "image/height", "image/width"

CLASSES_NAME, SHARDS_NAME = "labels.txt", "shards.json"         # beside the shards
SHARDS_FORMAT = 1

_SHARD = re.compile(r"(.*?)(?:\.tfrecords?)(?:-\d+-of-\d+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"-\d+-of-\d+$")
_HEAD, _TAIL = 12, 4


@dataclass(frozen=True)
class Record:
    """One image in a shard.

    Attributes:
        shard: The file.
        number: Index of the record in it, from 0.
        offset: Position of the encoded image in the file, in bytes.
        length: Its size in bytes.
        name: The file name in the record, decoded in the same way as names on disk; "" if there is none.
        format: The format in the record, in lower case; "" if there is none.
        label: The class, printable; None if there is none.
        split: "train", "val", "test" or None.
    """

    shard: Path
    number: int
    offset: int
    length: int
    name: str
    format: str
    label: str | None
    split: str | None

    def __str__(self) -> str:
        return f"record {self.number} of {shown(self.shard.name)}"


def is_shard(name: str) -> bool:
    """Whether a file has the name of a shard: `a.tfrecord`, `a.tfrecords`, `a.tfrecord-00000-of-00008`."""
    return bool(_SHARD.match(name)) and not name.startswith(".")


def shards_in(folder: Path) -> tuple[Path, ...]:
    """Lists the shards directly in a folder, sorted by name."""
    try:
        return tuple(sorted(path for path in folder.iterdir() if is_shard(path.name) and path.is_file()))
    except OSError:                             # the caller lists the folder too and reports this
        return ()


def load_tensorflow() -> Any:
    """Imports TensorFlow, which writes and parses records.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        with without_log():
            import tensorflow
    except ImportError:
        raise MissingDependency(
            "TFRecords need TensorFlow, which is not installed: pip install 'auditor[tensorflow]'"
        ) from None
    return tensorflow


def read_classes(folder: Path) -> tuple[str, ...]:
    """Reads the class names beside the shards, in the order of the label numbers; empty if there is no such file."""
    path = folder / CLASSES_NAME
    try:
        return tuple(shown(line) for line in read_text(path).splitlines() if line)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(str(path))} cannot be read as a list of classes ({error}).") from None


def home_of(path: Path) -> Path:
    """The folder of a source of shards: the source itself, or the folder of a single shard."""
    return path if path.is_dir() else path.parent


def read_records(path: Path) -> list[Record]:
    """Finds every image in a folder of shards, or in one shard, and verifies all checksums.

    Raises:
        InputError: a shard is missing, cut short or corrupt, or a record has no image; the message names both.
        MissingDependency: TensorFlow is not installed.
    """
    tensorflow = load_tensorflow()
    whole = path.is_dir()
    classes = read_classes(home_of(path))
    counts: dict[str, int] = {}
    records = []
    for shard in shards_in(path) if whole else (path,):
        frames = list(_frames(shard))
        for number, (data, start) in enumerate(zip(_contents(tensorflow, shard), frames, strict=True)):
            records.append(_record(tensorflow, shard, number, start, data, classes))
        counts[shard.name] = len(frames)
    _check_counts(home_of(path), counts, whole=whole)
    return records


def names_of(records: Sequence[Record]) -> list[str]:
    """Returns a unique name for each record, as the operating system expects it.

    It is the file name in the record. If several records have the same one, the class and if necessary the split come
    before it. A record without a name, or with an unsafe one, is named by its shard and number.

    Raises:
        InputError: two records have the same name, class and split.
    """
    names = [_number_name(record) if _is_unnamed(record) else record.name for record in records]
    for part in ("label", "split"):
        uses = Counter(names)
        before = [getattr(record, part) for record in records]
        names = [
            f"{unshown(first)}/{name}" if uses[name] > 1 and first else name
            for name, first in zip(names, before, strict=True)
        ]
    seen: dict[str, Record] = {}
    for name, record in zip(names, records, strict=True):
        first = seen.setdefault(name, record)
        if first is not record:
            raise InputError(f"{first} and {record} are both named {shown(name)}. Pack them again with other names.")
    return names


def unnamed(records: Sequence[Record]) -> int:
    """Counts the records that `names_of` names by shard and number."""
    return sum(map(_is_unnamed, records))


def _is_unnamed(record: Record) -> bool:
    return not record.name or why_unsafe(record.name, anywhere=False) is not None


def _number_name(record: Record) -> str:
    ending = FORMATS.get(record.format.upper(), ("",))[0]
    return f"{record.shard.name}/{record.number:06}{ending}"


def _frames(shard: Path) -> Iterator[int]:
    """Yields the position of the data of each record. Lengths are checked against the file size first."""
    try:
        with shard.open("rb", buffering=0) as file:
            size, start, number = file.seek(0, os.SEEK_END), 0, 0
            while start < size:
                file.seek(start)
                head = file.read(_HEAD)
                length = struct.unpack("<Q", head[:8])[0] if len(head) == _HEAD else 0
                if len(head) < _HEAD or start + _HEAD + length + _TAIL > size:
                    raise InputError(_cut_short(shard, number, head, size - start))
                yield start + _HEAD
                start += _HEAD + length + _TAIL
                number += 1
    except OSError as error:
        raise InputError(f"{shown(str(shard))} cannot be read: {error.strerror}.") from None


def _cut_short(shard: Path, number: int, head: bytes, left: int) -> str:
    if number == 0 and head.startswith(b"\x1f\x8b"):
        return f"{shown(str(shard))} is compressed (gzip), and its records cannot be found. Decompress it first."
    return (
        f"{shown(str(shard))}: record {number} is cut short or corrupt ({left} bytes are left of the file, fewer than "
        "it needs). Copy the shard again, or pack it again from the images."
    )


def _contents(tensorflow: Any, shard: Path) -> Iterator[bytes]:
    """Yields the data of each record and verifies its checksums.

    This uses the plain iterator of TensorFlow 1, because `tf.data` would start the runtime and occupy GPU memory.
    """
    logger = logging.getLogger("tensorflow")
    level, number = logger.level, 0
    logger.setLevel(logging.ERROR)              # hides its deprecation warning
    try:
        for data in tensorflow.compat.v1.io.tf_record_iterator(str(shard)):
            yield data
            number += 1
    except tensorflow.errors.DataLossError:
        raise InputError(
            f"{shown(str(shard))}: record {number} is corrupt (its checksum is wrong). "
            "Copy the shard again, or pack it again from the images."
        ) from None
    finally:
        logger.setLevel(level)


def _record(
    tensorflow: Any, shard: Path, number: int, start: int, data: bytes, classes: Sequence[str]
) -> Record:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        features = tensorflow.train.Example.FromString(data).features.feature
    except DecodeError:
        raise InputError(f"{shown(str(shard))}: record {number} is not a tf.train.Example.") from None
    if ENCODED not in features or not features[ENCODED].bytes_list.value:
        found = some(map(shown, sorted(features)), 12) or "none"
        raise InputError(
            f"{shown(str(shard))}: record {number} has no feature {ENCODED} with the bytes of an image; it has {found}."
        )

    def text(name: str) -> str:
        values = features[name].bytes_list.value if name in features else ()
        return os.fsdecode(values[0]) if values else ""

    encoded = features[ENCODED].bytes_list.value[0]
    label = shown(text(TEXT)) or None
    if label is None and LABEL in features and features[LABEL].int64_list.value:
        label = _class_of(features[LABEL].int64_list.value[0], classes)
    written = text(SPLIT) if SPLIT in features else _prefix(shard)
    return Record(
        shard=shard,
        number=number,
        offset=start + data.index(encoded),     # any occurrence has the same bytes
        length=len(encoded),
        name=text(FILENAME),
        format=text(FORMAT).lower(),
        label=label,
        split=split_of(written),
    )


def _class_of(number: int, classes: Sequence[str]) -> str | None:
    if number < 0:
        return None
    return classes[number] if number < len(classes) else str(number)


def _prefix(shard: Path) -> str:
    """Returns `train` for `train-00000-of-00008.tfrecord` and for `train.tfrecord-00000-of-00008`."""
    match = _SHARD.match(shard.name)
    return _NUMBER.sub("", match[1]) if match else ""


def _check_counts(folder: Path, counts: dict[str, int], *, whole: bool) -> None:
    """Compares with the list that `pack` writes: a shard that is cut off between two records looks complete."""
    path = folder / SHARDS_NAME
    try:
        listed = read_json(path)["shards"]
        wanted = {str(name): int(count) for name, count in listed.items()}
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{shown(str(path))} cannot be read ({error!r}); expected the list of shards that `auditor tfrecord pack` "
            "wrote. Pack again, or remove it to read the shards without it."
        ) from None
    missing = sorted(set(wanted) - set(counts)) if whole else []
    if missing:
        raise InputError(
            f"{shown(str(path))} lists shards that are not there: {some(map(shown, missing))}. Copy what is missing, "
            "or remove the list to read the shards that are there."
        )
    for name, count in counts.items():
        if name in wanted and wanted[name] != count:
            raise InputError(
                f"{shown(name)} ends after {count} records, but {shown(str(path))} lists {wanted[name]}: record "
                f"{count} was cut off. Copy the shard again, or pack it again from the images."
            )
