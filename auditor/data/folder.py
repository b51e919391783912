"""A folder of images as a source.

These layouts are recognised:

- a folder of class folders; deeper folders belong to the class;
- splits above the classes: `train`, `val`, `valid`, `validation`, `test`, also with `_set` and nested twice;
- a folder that contains only images: one class;
- flat folders whose file names begin with the class, on request;
- `metadata.csv`, `.jsonl` or `.parquet` (Hugging Face ImageFolder) at the root or in the split folders;
- data sets as they are published (`auditor/data/published.py`);
- any other by the depths of classes and splits, on request;
- TFRecord shards without images beside them.
"""

from collections.abc import Collection
from pathlib import Path

from auditor.data.dataset import LABELS_READ, Dataset, make_dataset
from auditor.data.depths import Depths, stated_layout
from auditor.data.exclusion import Exclusion
from auditor.data.hugging_face import Metadata, read_metadata
from auditor.data.labelling import Labelling
from auditor.data.layout import Layout, recognise
from auditor.data.options import SourceOptions, label_in_name
from auditor.data.published import take_oxford
from auditor.data.sample import LocalFiles, Origin, Sample
from auditor.data.shards import load_shards
from auditor.data.tables import MANIFEST_SUFFIXES, Columns
from auditor.data.tfrecords import shards_in
from auditor.data.walk import File, Tree, walk
from auditor.errors import InputError
from auditor.settings import LabelFrom
from auditor.text import extension, shown, some


def is_folder(location: str) -> bool:
    """Whether the location is a folder."""
    return Path(location).is_dir()


def load_folder(location: str, options: SourceOptions) -> Dataset:
    """Lists the images below a folder, or the records of its TFRecord shards if it contains no images.

    Raises:
        InputError: it contains no images, or its metadata is invalid.
        MissingDependency: it contains shards and TensorFlow is not installed.
    """
    path, label_from, columns = Path(location), options.label_from, options.columns
    tree = walk(path, Exclusion(options.exclude))
    if not tree.images and shards_in(path):
        return load_shards(location, options)
    if label_from == "name":
        options.refuse_depths("labels are the starts of the file names", classes_only=True)
    stated = options.classes_at is not None or label_from == "name"
    metadata = Metadata() if stated else read_metadata(tree, columns)
    if columns != Columns() and not metadata.sources:
        raise InputError(
            f"{shown(str(path))} is a folder without metadata.csv, .jsonl or .parquet, so it has no columns to name. "
            "Give the path of a manifest, or leave the options for columns out."
        )
    notes = ["Labels are the starts of the file names."] if label_from == "name" else []
    if not stated and options.split_at is None and not metadata.labelled and take_oxford(tree):
        label_from = "name"
        notes.append("Files are named as in the Oxford-IIIT Pet Dataset, so labels are the starts of the file names.")
    labels_elsewhere = label_from == "name" or metadata.labelled
    layout = _layout(tree, options, labels_elsewhere)
    origin = LocalFiles(str(tree.base))
    samples = [_sample_in(image, layout, metadata, label_from, origin) for image in tree.images]
    labels = {sample.label for sample in samples if sample.label is not None}
    if not labels_elsewhere:
        labels |= layout.classes
    read = {source.raw for source in metadata.sources}
    skipped = [(shown(file.raw), LABELS_READ if file.raw in read else why) for file, why in tree.skipped]
    notes += [*metadata.notes, *layout.notes, *tree.notes]
    if len(labels) < 2:
        notes += _tables_beside(tree, read)
    return make_dataset(
        path,
        root=path,
        samples=samples,
        skipped=skipped,
        failed=[*((shown(file.raw), why) for file, why in tree.failed), *metadata.failed],
        classes=labels,
        notes=notes,
        labelling=_labelling(layout, metadata, labels_elsewhere=labels_elsewhere, stated=options.label_from == "name"),
    )


def _labelling(
    layout: Layout | Depths, metadata: Metadata, *, labels_elsewhere: bool, stated: bool
) -> Labelling:
    """What gives the labels; of published data sets that name their files, notes beside these do too."""
    if metadata.sources:                        # its lines name the files, labelled or not
        return Labelling("table")
    if labels_elsewhere:
        return Labelling("name" if stated else "notes")
    return Labelling("folder", layout.class_folder)


def _tables_beside(tree: Tree, read: Collection[str]) -> list[str]:
    """Says which tables at the root may hold the labels that the folders do not tell."""
    names = (file.raw for file, why in tree.skipped if not file.folder and why.startswith("not an image"))
    tables = sorted(shown(name) for name in names if extension(name) in MANIFEST_SUFFIXES and name not in read)
    return [f"If {some(tables)} holds labels, give the path of the table in place of the folder."] if tables else []


def _layout(tree: Tree, options: SourceOptions, labels_elsewhere: bool) -> Layout | Depths:
    if options.classes_at is None and options.split_at is None:
        return recognise(tree, labels_elsewhere=labels_elsewhere)
    return stated_layout(tree, options.classes_at, options.split_at, labels_elsewhere=labels_elsewhere)


def _sample_in(
    image: File, layout: Layout | Depths, metadata: Metadata, label_from: LabelFrom, origin: Origin
) -> Sample:
    label, split = layout.place(image.folder)
    row = metadata.rows.get(image.raw)
    if label_from == "name":
        label = label_in_name(image.name)
    elif metadata.labelled:
        label = row.label if row else None
    elif isinstance(layout, Layout):
        label = layout.labels.get(image.raw, label)
    if row is not None and row.split is not None:
        split = row.split
    return Sample(image.raw, shown(image.raw), label, split, origin)
