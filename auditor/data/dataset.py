"""The contents of a source: a sorted, deterministic list of samples, and all files that are not samples."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.classes.spelling import composed
from auditor.data.labelling import IN_RECORDS, Labelling
from auditor.data.sample import Sample
from auditor.data.spellings import composed_labels, spelling_notes
from auditor.errors import InputError
from auditor.text import absolute, shown, some, tally

Reasons = tuple[tuple[str, str], ...]

LABELS_READ = "labels were read from it"        # why a table is no image


@dataclass(frozen=True)
class Dataset:
    """Everything that a source contains; each regular file below the root is in one of samples, skipped and failed.

    For a manifest these are only the files that it names, and for shards only their records; other files are ignored.

    Attributes:
        root: The folder that `file` is relative to, as the user wrote it.
        name: Of the source, safe as a folder name, as `name_of` says.
        samples: Sorted by `file`, in code point order.
        skipped: (file, reason) of files that were left out.
        failed: (file, reason) of files that should be samples but are known to be unreadable before decoding.
        classes: Sorted names of all classes, including empty class folders.
        notes: Sentences for the report.
        labelling: What gives the samples their labels.
    """

    root: Path
    name: str
    samples: tuple[Sample, ...]
    skipped: Reasons
    failed: Reasons
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    labelling: Labelling = IN_RECORDS

    def merged(self, into: Mapping[str, str]) -> "Dataset":
        """The same data in which classes have become others: class -> the class that it becomes."""
        if not into:
            return self
        samples = tuple(
            sample if sample.label is None else replace(sample, label=into.get(sample.label, sample.label))
            for sample in self.samples
        )
        counts = Counter(sample.label for sample in self.samples)
        told = "; ".join(f'"{name}" ({counts[name]} images) as "{target}"' for name, target in into.items())
        before, after = spelling_notes(self.samples), spelling_notes(samples)
        notes = (f"Classes read as others, by --class-map: {told}.", *after)
        kept = tuple(note for note in self.notes if note not in before)
        classes = tuple(name for name in self.classes if name not in into)
        return replace(self, samples=samples, classes=classes, notes=notes + kept)


def make_dataset(
    path: Path,
    *,
    root: Path,
    samples: list[Sample],
    skipped: Iterable[tuple[str, str]],
    failed: Iterable[tuple[str, str]],
    classes: Iterable[str],
    notes: list[str],
    labelling: Labelling = IN_RECORDS,
) -> Dataset:
    """Makes a sorted `Dataset`, in which the Unicode forms of a name are one class.

    Raises:
        InputError: the source has no images.
    """
    left_out, lost = tuple(sorted(skipped)), tuple(sorted(failed))
    if not samples:
        seen = [*(f"{file}: {reason}" for file, reason in lost[:3]), *tally(reason for _, reason in left_out), *notes]
        raise InputError(
            f"{shown(str(path))} holds no image ({some(seen) or 'it is empty'}). "
            "Expected images in class folders, `cat/1.jpg`, or a manifest whose files exist beside it."
        )
    samples, forms = composed_labels(samples)
    notes = [*spelling_notes(samples), *forms, *notes]
    unlabelled = sum(sample.label is None for sample in samples)
    if unlabelled:
        notes = [*notes, f"Images without a label: {unlabelled} of {len(samples)}."]
    return Dataset(
        root=root,
        name=name_of(path),
        samples=tuple(sorted(samples, key=lambda sample: sample.file)),
        skipped=left_out,
        failed=lost,
        classes=tuple(sorted(set(map(composed, classes)))),
        notes=tuple(notes),
        labelling=labelling,
    )


def name_of(path: str | Path) -> str:
    """Parent and last part of a source's path, "data-train", with only characters that a folder name can have.

    A table has its suffix behind a dash, "data-train-csv": a folder beside it may have its name.
    """
    path = Path(path)
    whole = absolute(path)
    is_file = os.path.isfile(path)  # noqa: PTH113  # Path.is_file raises where a name is too long
    leaf = (whole.stem, whole.suffix.removeprefix(".")) if is_file else (whole.name,)
    joined = "-".join(part for part in (whole.parent.name, *leaf) if part)
    safe = re.sub(r"[^\w.-]+", "_", joined).strip(".-")
    return safe.encode("utf-8", "ignore")[:100].decode("utf-8", "ignore") or "dataset"
