"""TFRecord shards -> where each image lies in them. Records are checked once, while they are listed.

A record is its length (8 bytes, little endian), a checksum of that (4), the data, and a checksum of the data (4). The
data is a `tf.train.Example` with the features that TensorFlow's own image sets use; the encoded image lies in it in
one piece, so that a place and a length are all that is needed to read it again.
"""

import json
import logging
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError, MissingDependency
from auditor.folders import shown, some, unshown
from auditor.images import FORMATS
from auditor.manifests import split_of
from auditor.placing import why_unsafe

ENCODED, FORMAT, FILENAME = "image/encoded", "image/format", "image/filename"
LABEL, TEXT, SPLIT = "image/class/label", "image/class/text", "image/split"
HEIGHT, WIDTH = "image/height", "image/width"

CLASSES_NAME, SHARDS_NAME = "labels.txt", "shards.json"         # beside the shards
FORMAT_VERSION = 1

_SHARD = re.compile(r"(.*?)(?:\.tfrecords?)(?:-\d+-of-\d+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"-\d+-of-\d+$")
_HEAD, _TAIL = 12, 4


@dataclass(frozen=True)
class Record:
    """One image in a shard.

    Attributes:
        shard: The file.
        number: Of the record in it, from 0.
        offset: Where in the file the encoded image begins.
        length: How many bytes it has.
        name: The file name that it carries, as bytes on disk would be decoded; "" where it has none.
        format: Likewise, lower case.
        label: The class, printable; None where it has none.
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
    """Whether a file's name is that of a shard: `a.tfrecord`, `a.tfrecords`, `a.tfrecord-00000-of-00008`."""
    return bool(_SHARD.match(name)) and not name.startswith(".")


def shards_in(folder: Path) -> tuple[Path, ...]:
    """The shards that lie in a folder itself, by name."""
    try:
        return tuple(sorted(path for path in folder.iterdir() if is_shard(path.name) and path.is_file()))
    except OSError:                             # what cannot be listed is told by who lists it
        return ()


def load_tensorflow() -> Any:
    """TensorFlow, which writes and parses records.

    Raises:
        MissingDependency: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")          # TensorFlow reports its build on stderr
    try:
        import tensorflow
    except ImportError:
        raise MissingDependency(
            "TFRecords need TensorFlow, which is not installed: pip install 'auditor[tensorflow]'"
        ) from None
    return tensorflow


def read_classes(folder: Path) -> tuple[str, ...]:
    """The class table beside the shards, in the order of the label numbers; empty where there is none."""
    path = folder / CLASSES_NAME
    try:
        return tuple(shown(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(str(path))} cannot be read as a list of classes ({error}).") from None


def home_of(path: Path) -> Path:
    """The folder that a source of shards lies in: the source itself, or that of the one shard."""
    return path if path.is_dir() else path.parent


def read_records(path: Path) -> list[Record]:
    """Finds every image in a folder of shards, or in one shard, and checks every byte on the way.

    Raises:
        InputError: a shard is missing, cut short or corrupt, or a record holds no image; the message names both.
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
    """A name for each, all different, as the operating system takes them.

    It is the one that the record carries. Where several carry the same, the class and if need be the split come before
    it; where one carries none, or one that leads out of any folder, it is named by its place.

    Raises:
        InputError: two records carry the same name, class and split.
    """
    names = [_by_place(record) if _nameless(record) else record.name for record in records]
    for part in ("label", "split"):
        often = Counter(names)
        before = [getattr(record, part) for record in records]
        names = [
            f"{unshown(first)}/{name}" if often[name] > 1 and first else name
            for name, first in zip(names, before, strict=True)
        ]
    seen: dict[str, Record] = {}
    for name, record in zip(names, records, strict=True):
        first = seen.setdefault(name, record)
        if first is not record:
            raise InputError(f"{first} and {record} are both named {shown(name)}. Pack them again with other names.")
    return names


def nameless(records: Sequence[Record]) -> int:
    """How many of the records are named by their place."""
    return sum(map(_nameless, records))


def _nameless(record: Record) -> bool:
    return not record.name or why_unsafe(record.name, anywhere=False) is not None


def _by_place(record: Record) -> str:
    ending = FORMATS.get(record.format.upper(), ("",))[0]
    return f"{record.shard.name}/{record.number:06}{ending}"


def _frames(shard: Path) -> Iterator[int]:
    """Where the data of each record begins. Lengths are checked against the file's before anyone believes them."""
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
    """The data of each record, checksums checked.

    The plain iterator of TensorFlow 1 is used and not `tf.data`, which would start the runtime and take a GPU's memory.
    """
    logger = logging.getLogger("tensorflow")
    level, number = logger.level, 0
    logger.setLevel(logging.ERROR)              # it says that it is from TensorFlow 1
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
        raise InputError(f"{shown(str(shard))}: record {number} is no tf.train.Example.") from None
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
        offset=start + data.index(encoded),     # wherever it is found, the bytes there are the image's
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
    """`train` of `train-00000-of-00008.tfrecord` and of `train.tfrecord-00000-of-00008`."""
    match = _SHARD.match(shard.name)
    return _NUMBER.sub("", match[1]) if match else ""


def _check_counts(folder: Path, counts: dict[str, int], *, whole: bool) -> None:
    """A shard that ends where a record ends looks whole; the list that `pack` writes beside it tells."""
    path = folder / SHARDS_NAME
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["shards"]
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
