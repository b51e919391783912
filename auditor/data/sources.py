"""The registry of the kinds of sources: a new kind is a file and a line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.data.dataset import Dataset
from auditor.data.folder import is_folder, load_folder
from auditor.data.manifest import is_manifest, load_manifest
from auditor.data.options import SourceOptions
from auditor.data.shards import is_one_shard, load_shards
from auditor.data.tables import MANIFEST_SUFFIXES, Columns
from auditor.errors import InputError
from auditor.settings import LabelFrom
from auditor.text import shown


@dataclass(frozen=True)
class Source:
    """A kind of source of images and labels.

    Attributes:
        name: Its name in error messages.
        recognises: Whether it can read a location. It gets the text that the user wrote: `s3://bucket/x` is not a path.
        load: Lists the samples, sorted, with labels, splits, and an `Origin` that reads their bytes. Does not open
            files whose extension is that of an image.
    """

    name: str
    recognises: Callable[[str], bool]
    load: Callable[[str, SourceOptions], Dataset]


#: The first source that recognises a location reads it.
SOURCES: tuple[Source, ...] = (
    Source("a folder of class folders", is_folder, load_folder),
    Source(f"a manifest ({', '.join(MANIFEST_SUFFIXES)})", is_manifest, load_manifest),
    Source("TFRecord shards", is_one_shard, load_shards),
)


class SourceSettings(Protocol):
    """The settings of every command that describe its source."""

    @property
    def data(self) -> str | Path: ...
    @property
    def label_from(self) -> LabelFrom: ...
    @property
    def file_column(self) -> str | None: ...
    @property
    def label_column(self) -> str | None: ...
    @property
    def split_column(self) -> str | None: ...
    @property
    def classes_at(self) -> int | None: ...
    @property
    def split_at(self) -> int | None: ...
    @property
    def exclude(self) -> tuple[str, ...]: ...


def stated_dataset(settings: SourceSettings) -> Dataset:
    """Calls `load_dataset` with these settings; raises the same errors."""
    return load_dataset(
        settings.data,
        label_from=settings.label_from,
        file_column=settings.file_column,
        label_column=settings.label_column,
        split_column=settings.split_column,
        classes_at=settings.classes_at,
        split_at=settings.split_at,
        exclude=settings.exclude,
    )


def load_dataset(
    location: str | Path,
    *,
    label_from: LabelFrom = "folder",
    file_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    classes_at: int | None = None,
    split_at: int | None = None,
    exclude: Sequence[str] = (),
) -> Dataset:
    """Lists the images of a source, with their labels and splits.

    Args:
        location: A folder of images or of TFRecord shards; a manifest (.csv, .tsv, .jsonl) whose files are relative to
            its own folder; or one shard.
        label_from: "name" takes a file's class from the start of its name (`cat.0.jpg`) instead of its folder.
        file_column: The column of the manifest or the metadata that names the files; None takes the usual names.
        label_column: Likewise, the column of the labels.
        split_column: Likewise, the column of the splits.
        classes_at: Depth of the class folders, 1 directly below the root; None recognises them.
        split_at: Depth of the folders that are splits; None recognises them.
        exclude: Globs of files and folders that are left out; see `Exclusion`.

    Raises:
        InputError: it is none of these, contains no images, or its table or a shard is damaged.
        MissingDependency: it consists of shards and TensorFlow is not installed.
    """
    text = str(location)
    columns = Columns(file_column, label_column, split_column)
    options = SourceOptions(label_from, columns, classes_at, split_at, tuple(exclude))
    for source in SOURCES:
        try:
            recognised = source.recognises(text)
        except (OSError, ValueError):           # a zero byte, or a name that is too long: reported below
            continue
        if recognised:
            return source.load(text, options)
    *others, last = (source.name for source in SOURCES)
    expected = f"Expected {', '.join(others)} or {last}."
    try:
        Path(text).stat()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{shown(text)} cannot be opened ({getattr(error, 'strerror', error)}). {expected} "
            f"The working directory is {Path.cwd()}."
        ) from None
    raise InputError(f"{shown(text)} is not a folder, manifest or shard. {expected} Unpack an archive first.")
