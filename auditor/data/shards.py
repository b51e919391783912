"""TFRecord shards as a source: a folder of shards, or one shard (needs TensorFlow)."""

import errno
from dataclasses import dataclass
from pathlib import Path

from auditor.data.dataset import Dataset, make_dataset
from auditor.data.exclusion import Exclusion
from auditor.data.options import SourceOptions, label_in_name
from auditor.data.sample import Sample, Stamp
from auditor.data.tables import Columns
from auditor.data.tfrecords import Record, home_of, is_shard, names_of, read_classes, read_records, unnamed
from auditor.errors import InputError
from auditor.text import absolute, shown, unshown


@dataclass(frozen=True)
class Records:
    """Reads images inside shards. `where` is "offset:length:path of the shard"."""

    def size(self, where: str) -> int:
        """As in `Origin`."""
        return int(where.split(":", 2)[1])

    def read_bytes(self, where: str) -> bytes:
        """As in `Origin`."""
        offset, length, path = where.split(":", 2)
        with Path(path).open("rb") as shard:
            shard.seek(int(offset))
            data = shard.read(int(length))
        if len(data) < int(length):
            raise OSError(errno.EIO, "the shard was cut short while it was read", path)
        return data

    def path(self, where: str) -> Path:
        """Raises OSError: an image in a shard has no file of its own."""
        raise OSError(errno.ENOENT, "it lies inside a TFRecord shard; unpack it first: auditor tfrecord unpack", where)

    def stamp(self, where: str) -> Stamp:
        """As in `Stamped`: that of the shard."""
        return Stamp.of(where.split(":", 2)[2])


_RECORDS = Records()


def is_one_shard(location: str) -> bool:
    """Whether the location is a file with the name of a shard."""
    path = Path(location)
    return path.is_file() and is_shard(path.name)


def image_of(record: Record) -> bytes:
    """Returns the encoded image in a record.

    Raises:
        OSError: the shard can no longer be read.
    """
    return _RECORDS.read_bytes(_where(record))


def _where(record: Record) -> str:
    return f"{record.offset}:{record.length}:{absolute(record.shard)}"


def load_shards(location: str, options: SourceOptions) -> Dataset:
    """Lists the images in a folder of shards, or in one shard.

    Raises:
        InputError: a shard is damaged, or options for columns were given.
        MissingDependency: TensorFlow is not installed.
    """
    path = Path(location)
    if options.columns != Columns():
        raise InputError(f"{shown(str(path))} has TFRecords, which have no columns. Leave out the column options.")
    options.refuse_depths(f"{shown(str(path))} has TFRecords")
    exclusion = Exclusion(options.exclude)
    records = read_records(path)
    names = [shown(name) for name in names_of(records)]
    skipped = {name: reason for name in names if (reason := exclusion.why_below(unshown(name)))}
    by_name = options.label_from == "name"
    samples = [
        Sample(
            where=_where(record),
            file=name,
            label=label_in_name(name.rpartition("/")[2]) if by_name else record.label,
            split=record.split,
            origin=_RECORDS,
        )
        for name, record in zip(names, records, strict=True)
        if name not in skipped
    ]
    notes = [f"Images are the records of TFRecord shards: {len({record.shard for record in records})}."]
    if unnamed(records):
        notes.append(f"Records without a usable file name, named by their place in a shard: {unnamed(records)}.")
    labels = {sample.label for sample in samples if sample.label is not None}
    if not by_name:
        labels |= set(read_classes(home_of(path)))
    return make_dataset(
        path,
        root=home_of(path),
        samples=samples,
        skipped=skipped.items(),
        failed=[],
        classes=labels,
        notes=[*notes, *exclusion.notes()],
    )
