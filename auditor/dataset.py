"""A source -> a sorted, deterministic list of samples. Opens no image whose name already says that it is one.

What is recognised, by `load_dataset`:

- a folder of class folders; what lies deeper belongs to the class;
- splits above the classes: `train`, `val`, `valid`, `validation`, `test`, with `_set` and doubled too;
- a folder of images and nothing else: one class;
- flat folders whose file names begin with the class, on request;
- `metadata.csv` or `metadata.jsonl` (Hugging Face ImageFolder) at the root or in the split folders;
- a manifest: a table with a line for each file;
- TFRecord shards: a folder of them, or one (needs TensorFlow).
"""

import errno
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.errors import InputError
from auditor.folders import File, Tree, absolute, shown, some, tally, walk, why_no_image
from auditor.layout import Layout, recognise
from auditor.manifests import MANIFEST_SUFFIXES, Columns, Locator, Row, read_table, split_of, unique
from auditor.metadata import Metadata, read_metadata
from auditor.settings import LabelFrom
from auditor.tfrecords import home_of, is_shard, nameless, names_of, read_classes, read_records, shards_in

Reasons = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes:
        path: The file that its bytes lie in, absolute.
        file: POSIX, relative to the root; unique, and printable even where the name on disk is not.
        label: The class that the data set gives it; None where it gives none.
        split: "train", "val", "test", or None.
        offset: Where in `path` its bytes begin.
        length: How many they are; None where the image is the whole file.
    """

    path: Path
    file: str
    label: str | None
    split: str | None
    offset: int = 0
    length: int | None = None

    def size(self) -> int:
        """Its number of bytes.

        Raises:
            OSError: `path` cannot be opened.
        """
        return self.path.stat().st_size if self.length is None else self.length

    def read_bytes(self) -> bytes:
        """The encoded image.

        Raises:
            OSError: `path` cannot be read, or ends before the image does.
        """
        if self.length is None:
            return self.path.read_bytes()
        with self.path.open("rb") as shard:
            shard.seek(self.offset)
            data = shard.read(self.length)
        if len(data) < self.length:
            raise OSError(errno.EIO, "the shard was cut short while it was read", str(self.path))
        return data


@dataclass(frozen=True)
class Dataset:
    """Everything that a source holds; each regular file below the root is in one of samples, skipped and failed.

    Of a manifest only the files that it names count, and of shards only their records: anything may lie beside them.

    Attributes:
        root: The folder that `file` is relative to, as the user wrote it.
        name: Parent and leaf of the source ("data-train"), safe as a folder name.
        samples: Sorted by `file`, in code point order.
        skipped: (file, reason) of what was left out.
        failed: (file, reason) of what should be a sample and is known to be unreadable without decoding.
        classes: Sorted names of all classes, those of empty class folders too.
        notes: Sentences for the reader.
    """

    root: Path
    name: str
    samples: tuple[Sample, ...]
    skipped: Reasons
    failed: Reasons
    classes: tuple[str, ...]
    notes: tuple[str, ...]


class SourceSettings(Protocol):
    """What the settings of every command say about its source, by the names of `load_dataset`'s arguments."""

    @property
    def data(self) -> Path: ...
    @property
    def label_from(self) -> LabelFrom: ...
    @property
    def file_column(self) -> str | None: ...
    @property
    def label_column(self) -> str | None: ...
    @property
    def split_column(self) -> str | None: ...


def stated_dataset(settings: SourceSettings) -> Dataset:
    """`load_dataset` as the settings state it; raises the same errors."""
    return load_dataset(
        settings.data,
        label_from=settings.label_from,
        file_column=settings.file_column,
        label_column=settings.label_column,
        split_column=settings.split_column,
    )


def load_dataset(
    path: Path,
    *,
    label_from: LabelFrom = "folder",
    file_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
) -> Dataset:
    """Lists the images of a source, with the labels and splits that it gives them.

    Args:
        path: A folder of images or of TFRecord shards; a manifest (.csv, .tsv, .jsonl) whose files are relative to
            its own folder; or one shard.
        label_from: "name" takes a file's class from the start of its name (`cat.0.jpg`) instead of its folder.
        file_column: The column of the manifest or the metadata that names the files; None takes the usual names.
        label_column: Likewise, the column of the labels.
        split_column: Likewise, the column of the splits.

    Raises:
        InputError: where the path is none of these, holds no image, or its table or a shard cannot be trusted.
        MissingDependency: where it is shards and TensorFlow is not installed.
    """
    columns = Columns(file_column, label_column, split_column)
    expected = f"Expected a folder of class folders, a manifest ({', '.join(MANIFEST_SUFFIXES)}) or TFRecord shards."
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise InputError(
            f"{shown(str(path))} cannot be opened ({getattr(error, 'strerror', error)}). {expected} "
            f"The working directory is {Path.cwd()}."
        ) from None
    if stat.S_ISDIR(mode):
        return _from_folder(path, label_from, columns)
    if stat.S_ISREG(mode) and path.suffix.lower() in MANIFEST_SUFFIXES:
        return _from_manifest(path, columns)
    if stat.S_ISREG(mode) and is_shard(path.name):
        return _from_shards(path, label_from, columns)
    raise InputError(f"{shown(str(path))} is no folder, manifest or shard. {expected} Unpack an archive first.")


def _from_folder(path: Path, label_from: LabelFrom, columns: Columns) -> Dataset:
    tree = walk(path)
    if not tree.images and shards_in(path):
        return _from_shards(path, label_from, columns)
    metadata = Metadata() if label_from == "name" else read_metadata(tree, columns)
    if columns != Columns() and not metadata.sources:
        raise InputError(
            f"{shown(str(path))} is a folder without metadata.csv or metadata.jsonl, so it has no columns to name. "
            "Give the path of a manifest, or leave the options for columns out."
        )
    labels_elsewhere = label_from == "name" or metadata.labelled
    layout = recognise(tree, labels_elsewhere=labels_elsewhere)
    samples = [_sample_in(tree, image, layout, metadata, label_from) for image in tree.images]
    labels = {sample.label for sample in samples if sample.label is not None}
    if not labels_elsewhere:
        labels |= layout.classes
    read = {source.raw for source in metadata.sources}
    skipped = [(shown(file.raw), "labels were read from it" if file.raw in read else why) for file, why in tree.skipped]
    notes = ["Labels are the starts of the file names."] if label_from == "name" else []
    return _dataset(
        path,
        root=path,
        samples=samples,
        skipped=skipped,
        failed=[*((shown(file.raw), why) for file, why in tree.failed), *metadata.failed],
        classes=labels,
        notes=[*notes, *metadata.notes, *layout.notes, *tree.notes],
    )


def _sample_in(tree: Tree, image: File, layout: Layout, metadata: Metadata, label_from: LabelFrom) -> Sample:
    label, split = layout.place(image.folder)
    row = metadata.rows.get(image.raw)
    if label_from == "name":
        label = label_in_name(image.name)
    elif metadata.labelled:
        label = row.label if row else None
    if row is not None and row.split is not None:
        split = row.split
    return Sample(tree.path(image), shown(image.raw), label, split)


def _from_shards(path: Path, label_from: LabelFrom, columns: Columns) -> Dataset:
    if columns != Columns():
        raise InputError(f"{shown(str(path))} is TFRecords, which have no columns to name. Leave these options out.")
    records = read_records(path)
    names = [shown(name) for name in names_of(records)]
    by_name = label_from == "name"
    samples = [
        Sample(
            path=absolute(record.shard),
            file=name,
            label=label_in_name(name.rpartition("/")[2]) if by_name else record.label,
            split=record.split,
            offset=record.offset,
            length=record.length,
        )
        for name, record in zip(names, records, strict=True)
    ]
    notes = [f"Images are the records of TFRecord shards: {len({record.shard for record in records})}."]
    if nameless(records):
        notes.append(f"Records without a usable file name, named by their place in a shard: {nameless(records)}.")
    labels = {sample.label for sample in samples if sample.label is not None}
    if not by_name:
        labels |= set(read_classes(home_of(path)))
    return _dataset(path, root=home_of(path), samples=samples, skipped=[], failed=[], classes=labels, notes=notes)


def label_in_name(name: str) -> str | None:
    """The class at the start of a file name: `cat.0.jpg`, `great_pyrenees_12.jpg`, `dog (3).jpg`; None for `12.jpg`."""
    start = name.split(".")[0]
    return shown(re.sub(r"[\s._-]*\(?\d*\)?$", "", start).strip()) or None


def _from_manifest(path: Path, columns: Columns) -> Dataset:
    locator = Locator(path.parent)
    table = read_table(path, columns, label_required=True)
    found: list[tuple[str, Row]] = []
    failed: dict[str, str] = {}
    for row in table.rows:
        file, trouble = locator.find(row.file)
        trouble = trouble or why_no_image(f"{locator.base}/{file}", file.rpartition("/")[2])
        if trouble is None:
            found.append((file, row))
        else:
            failed[shown(file)] = f"line {row.line}: {trouble}"
    rows, repeated = unique(found)
    folder_splits = {file: split_of(file.split("/")[0]) if "/" in file else None for file in rows}
    by_folder = not table.has_splits and all(folder_splits.values())
    samples = [
        Sample(locator.base / file, shown(file), row.label, folder_splits[file] if by_folder else row.split)
        for file, row in rows.items()
    ]
    notes = [f"Labels are those of {shown(path.name)}; files that it does not name are no part of this audit."]
    if by_folder:
        notes.append("Splits are the first folders of the paths.")
    if table.unknown_splits:
        notes.append(f"Neither train, val nor test, so read as no split: {some(table.unknown_splits)}.")
    if repeated:
        notes.append(f"Lines that repeat an earlier one, dropped: {repeated}.")
    labels = {sample.label for sample in samples if sample.label is not None}
    return _dataset(
        path, root=path.parent, samples=samples, skipped=[], failed=failed.items(), classes=labels, notes=notes
    )


def _dataset(
    path: Path,
    *,
    root: Path,
    samples: list[Sample],
    skipped: Iterable[tuple[str, str]],
    failed: Iterable[tuple[str, str]],
    classes: Iterable[str],
    notes: list[str],
) -> Dataset:
    """Sorts everything, and refuses a source without an image."""
    left_out, lost = tuple(sorted(skipped)), tuple(sorted(failed))
    if not samples:
        seen = [*(f"{file}: {reason}" for file, reason in lost[:3]), *tally(reason for _, reason in left_out), *notes]
        raise InputError(
            f"{shown(str(path))} holds no image ({some(seen) or 'it is empty'}). "
            "Expected images in class folders, `cat/1.jpg`, or a manifest whose files exist beside it."
        )
    unlabelled = sum(sample.label is None for sample in samples)
    if unlabelled:
        notes = [*notes, f"Images without a label: {unlabelled} of {len(samples)}."]
    return Dataset(
        root=root,
        name=name_of(path),
        samples=tuple(sorted(samples, key=lambda sample: sample.file)),
        skipped=left_out,
        failed=lost,
        classes=tuple(sorted(classes)),
        notes=tuple(notes),
    )


def name_of(path: Path) -> str:
    """Parent and leaf of a source, "data-train", with nothing in it that a folder name could not have."""
    whole = absolute(path)
    leaf = whole.stem if path.is_file() else whole.name
    joined = "-".join(part for part in (whole.parent.name, leaf) if part)
    safe = re.sub(r"[^\w.-]+", "_", joined).strip(".-")
    return safe.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore") or "dataset"
