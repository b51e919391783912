"""A folder of images as a source.

These layouts are recognised:

- a folder of class folders; deeper folders belong to the class;
- splits above the classes: `train`, `val`, `valid`, `validation`, `test`, also with `_set` and nested twice;
- a folder that contains only images: one class;
- flat folders whose file names begin with the class, on request;
- `metadata.csv` or `metadata.jsonl` (Hugging Face ImageFolder) at the root or in the split folders;
- TFRecord shards without images beside them.
"""

from pathlib import Path

from auditor.data.dataset import Dataset, make_dataset
from auditor.data.hugging_face import Metadata, read_metadata
from auditor.data.layout import Layout, recognise
from auditor.data.options import SourceOptions, label_in_name
from auditor.data.sample import LocalFiles, Origin, Sample
from auditor.data.shards import load_shards
from auditor.data.tables import Columns
from auditor.data.tfrecords import shards_in
from auditor.data.walk import File, walk
from auditor.errors import InputError
from auditor.settings import LabelFrom
from auditor.text import shown


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
    tree = walk(path)
    if not tree.images and shards_in(path):
        return load_shards(location, options)
    metadata = Metadata() if label_from == "name" else read_metadata(tree, columns)
    if columns != Columns() and not metadata.sources:
        raise InputError(
            f"{shown(str(path))} is a folder without metadata.csv or metadata.jsonl, so it has no columns to name. "
            "Give the path of a manifest, or leave the options for columns out."
        )
    labels_elsewhere = label_from == "name" or metadata.labelled
    layout = recognise(tree, labels_elsewhere=labels_elsewhere)
    origin = LocalFiles(str(tree.base))
    samples = [_sample_in(image, layout, metadata, label_from, origin) for image in tree.images]
    labels = {sample.label for sample in samples if sample.label is not None}
    if not labels_elsewhere:
        labels |= layout.classes
    read = {source.raw for source in metadata.sources}
    skipped = [(shown(file.raw), "labels were read from it" if file.raw in read else why) for file, why in tree.skipped]
    notes = ["Labels are the starts of the file names."] if label_from == "name" else []
    return make_dataset(
        path,
        root=path,
        samples=samples,
        skipped=skipped,
        failed=[*((shown(file.raw), why) for file, why in tree.failed), *metadata.failed],
        classes=labels,
        notes=[*notes, *metadata.notes, *layout.notes, *tree.notes],
    )


def _sample_in(
    image: File, layout: Layout, metadata: Metadata, label_from: LabelFrom, origin: Origin
) -> Sample:
    label, split = layout.place(image.folder)
    row = metadata.rows.get(image.raw)
    if label_from == "name":
        label = label_in_name(image.name)
    elif metadata.labelled:
        label = row.label if row else None
    if row is not None and row.split is not None:
        split = row.split
    return Sample(image.raw, shown(image.raw), label, split, origin)
