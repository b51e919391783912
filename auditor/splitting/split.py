"""Splits images into train, validation and test, stratified by class; copies of a picture stay in the same part.

    split_samples(samples, shares: Shares, seed: int, progress: Progress, prints=None) -> dict[str, str]

is called by training if a data set has no splits of its own: `Sample.file` -> "train", "val" or "test". Images that
cannot be decoded or have no label are in no part. Callers that already have the fingerprints of the samples pass them
as `prints`, so that no image is read again. `plan_split` returns the same with all details.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from auditor.data.sample import Sample
from auditor.duplicates.groups import Fingerprint, fingerprints, groups_of
from auditor.errors import InputError
from auditor.progress import Progress
from auditor.settings import Limits

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Shares:
    """The share of each part, from 0 to 1; their sum is 1.

    Raises:
        InputError: a share is out of range, or the sum is not 1.
    """

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        given = f"train {self.train:g}, val {self.val:g}, test {self.test:g}"
        if not all(0 <= share <= 1 for share in self.each):                             # NaN is refused too
            raise InputError(f"the shares are {given}; expected each from 0 to 1")
        if abs(sum(self.each) - 1) > 1e-6:
            raise InputError(f"the shares are {given}; their sum is {sum(self.each):g}, expected 1")

    @property
    def each(self) -> tuple[float, ...]:
        """The shares in the order of `PARTS`."""
        return self.train, self.val, self.test


@dataclass(frozen=True)
class SplitPlan:
    """A split of a data set.

    Attributes:
        parts: File -> "train", "val" or "test".
        counts: Class -> number of images in each of `PARTS`.
        groups: Files of each group of two or more that are the same picture, largest first.
        unreadable: (file, reason) of images that are in no part because they cannot be decoded.
        unlabelled: Files that are in no part because they have no class.
        notes: Sentences about how the data set was read.
    """

    parts: dict[str, str]
    counts: dict[str, tuple[int, ...]]
    groups: tuple[tuple[str, ...], ...]
    unreadable: tuple[tuple[str, str], ...]
    unlabelled: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Group:
    """Images that stay together. `place`, in [0, 1), orders the groups; it depends only on content and seed."""

    files: tuple[str, ...]
    labels: Counter[str]
    place: float


def split_samples(
    samples: Sequence[Sample],
    shares: Shares,
    seed: int,
    progress: Progress,
    prints: Sequence[Fingerprint] | None = None,
) -> dict[str, str]:
    """Splits samples as `plan_split` does; returns file -> "train", "val" or "test" for the images in a part."""
    return plan_split(samples, shares, seed, progress, prints).parts


def plan_split(
    samples: Sequence[Sample],
    shares: Shares,
    seed: int,
    progress: Progress,
    prints: Sequence[Fingerprint] | None = None,
    limits: Limits | None = None,
) -> SplitPlan:
    """Splits samples, stratified by class; duplicates, near-duplicates and mirror images go to one part together.

    The split depends on the contents of the images, their classes and the seed, not on their names or their order. Each
    class is divided by the shares to within one image, as far as its groups allow. If it has enough images, each part
    whose share is not 0 gets at least one of them.

    Args:
        samples: The samples; their existing splits are ignored.
        shares: The shares of the parts.
        seed: Each seed gives a different split.
        progress: Reports the progress of the loops.
        prints: The fingerprints of the samples, if they are known; else all images are read.
        limits: Larger files and images are refused when they are read.

    Raises:
        InputError: there is no readable image with a label.
    """
    rows = [row for row, sample in enumerate(samples) if sample.label is not None]
    labelled = [samples[row] for row in rows]
    prints = fingerprints(labelled, progress, limits=limits) if prints is None else [prints[row] for row in rows]
    unreadable = tuple(
        (sample.file, one.failure) for sample, one in zip(labelled, prints, strict=True) if one.failure
    )
    unlabelled = tuple(sample.file for sample in samples if sample.label is None)
    groups = _groups(labelled, prints, seed, progress)
    if not groups:
        raise InputError(
            f"there is nothing to split: of {len(samples)} images {len(unlabelled)} have no label and "
            f"{len(unreadable)} cannot be decoded. Expected images in class folders, or a manifest with labels."
        )
    part_of = _allot(groups, shares)
    parts = {file: PARTS[part] for group, part in zip(groups, part_of, strict=True) for file in group.files}
    counts: dict[str, Counter[str]] = {}
    for sample in labelled:
        if sample.file in parts and sample.label is not None:
            counts.setdefault(sample.label, Counter())[parts[sample.file]] += 1
    together = sorted((group.files for group in groups if len(group.files) > 1), key=lambda files: (-len(files), files))
    return SplitPlan(
        parts=dict(sorted(parts.items())),
        counts={label: tuple(of[part] for part in PARTS) for label, of in sorted(counts.items())},
        groups=tuple(together),
        unreadable=unreadable,
        unlabelled=unlabelled,
    )


def _groups(
    samples: Sequence[Sample], prints: Sequence[Fingerprint], seed: int, progress: Progress
) -> list[_Group]:
    """The groups of the readable samples, sorted by size, the largest first, then by place."""
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups_of(prints, progress=progress)):
        if prints[row].hash is not None:
            members.setdefault(int(group), []).append(row)
    groups = []
    for rows in members.values():
        contents = sorted(prints[row].content for row in rows)
        key = hashlib.sha256(f"{seed} {contents[0]}".encode()).digest()
        groups.append(
            _Group(
                files=tuple(sorted(samples[row].file for row in rows)),
                labels=Counter(samples[row].label or "" for row in rows),
                place=int.from_bytes(key[:6], "big") / 2**48,
            )
        )
    return sorted(groups, key=lambda group: (-len(group.files), group.place, group.files))


def _allot(groups: Sequence[_Group], shares: Shares) -> Iterator[int]:
    """Yields the part of each group, as an index of `PARTS`."""
    sizes: Counter[str] = Counter()
    for group in groups:
        sizes.update(group.labels)
    wanted = {label: np.array(_quotas(size, shares.each)) for label, size in sizes.items()}
    singles: Counter[str] = Counter()
    for group in groups:
        if len(group.files) > 1:
            part = _part_of_several(group, wanted, shares)
            for label, count in group.labels.items():
                wanted[label][part] -= count
            yield part
        else:
            singles.update(group.labels)
    left = {
        label: _apportion(count, [max(int(rest), 0) for rest in wanted[label]]) for label, count in singles.items()
    }
    for group in groups:
        if len(group.files) == 1:
            rest = left[next(iter(group.labels))]
            part = next(part for part, free in enumerate(rest) if free)
            rest[part] -= 1
            yield part


def _part_of_several(group: _Group, wanted: dict[str, NDArray[np.int64]], shares: Shares) -> int:
    """The part that the group's place selects by the shares, if the group fits; else the part with most room."""
    drawn = next(part for part, edge in enumerate(accumulate(shares.each)) if group.place < edge or part == 2)
    free = np.min([wanted[label] - count for label, count in group.labels.items()], axis=0)         # (3,)
    open_parts = [part for part, share in enumerate(shares.each) if share > 0]
    return drawn if free[drawn] >= 0 else max(open_parts, key=lambda part: (free[part], -part))


def _quotas(count: int, shares: Sequence[float]) -> list[int]:
    """Number of images of a class in each part: by share, but at least one if the share is not 0 and they suffice."""
    quotas = _apportion(count, shares)
    for part in (0, 2, 1):                      # with too few images, validation gets none first
        if shares[part] > 0 and quotas[part] == 0 and max(quotas) > 1:
            quotas[int(np.argmax(quotas))] -= 1
            quotas[part] += 1
    return quotas


def _apportion(count: int, weights: Sequence[float]) -> list[int]:
    """Integers that sum to `count`, in proportion to the weights: largest remainders, earlier parts first."""
    total = sum(weights)
    exact = [count * weight / total for weight in weights]
    whole = [int(np.floor(value + 1e-9)) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda part: (whole[part] - exact[part], part))
    for part in by_remainder[: count - sum(whole)]:
        whole[part] += 1
    return whole
