"""A manifest as a source: a table with one line per image file."""

from pathlib import Path

from auditor.data.dataset import Dataset, make_dataset
from auditor.data.options import SourceOptions
from auditor.data.sample import LocalFiles, Sample
from auditor.data.tables import MANIFEST_SUFFIXES, Locator, TableRow, read_table, split_of, unique
from auditor.data.walk import why_not_image
from auditor.text import shown, some


def is_manifest(location: str) -> bool:
    """Whether the location is a file with the extension of a table."""
    path = Path(location)
    return path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file()


def load_manifest(location: str, options: SourceOptions) -> Dataset:
    """Lists the images that a table names, with paths relative to its own folder.

    Raises:
        InputError: it is not such a table, or it names no images.
    """
    path, columns = Path(location), options.columns
    locator = Locator(path.parent)
    table = read_table(path, columns, label_required=True)
    found: list[tuple[str, TableRow]] = []
    failed: dict[str, str] = {}
    for row in table.rows:
        file, reason = locator.find(row.file)
        reason = reason or why_not_image(f"{locator.base}/{file}", file.rpartition("/")[2])
        if reason is None:
            found.append((file, row))
        else:
            failed[shown(file)] = f"line {row.line}: {reason}"
    rows, repeated = unique(found)
    folder_splits = {file: split_of(file.split("/")[0]) if "/" in file else None for file in rows}
    by_folder = not table.has_splits and all(folder_splits.values())
    origin = LocalFiles(str(locator.base))
    samples = [
        Sample(file, shown(file), row.label, folder_splits[file] if by_folder else row.split, origin)
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
    return make_dataset(
        path, root=path.parent, samples=samples, skipped=[], failed=failed.items(), classes=labels, notes=notes
    )
