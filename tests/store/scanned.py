"""A folder of small old pictures, and scans of it with a store beside it."""

import os
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from auditor.data.dataset import make_dataset
from auditor.data.sample import LocalFiles, Sample
from auditor.engines import Outcomes, Task
from auditor.store import collect, open_store
from tests.backends.fake import FakeBackend
from tests.pictures import draw_tinted, place_image

HOUR = 3600


@dataclass(frozen=True)
class Counted(LocalFiles):
    """Counts how often each file is opened."""

    opened: Counter[str] = field(default_factory=Counter, compare=False)

    def read_bytes(self, where):
        self.opened[where] += 1
        return super().read_bytes(where)


class Other(FakeBackend):
    """Another file of weights."""

    sha256 = "07e4" * 16


def draw_folder(folder):
    """Twelve old pictures, a broken one among them."""
    for number in range(11):
        age(place_image(draw_tinted((10 * number, 0, 0), number), folder / f"{number:02}.png"))
    broken = folder / "11.png"
    broken.write_bytes(b"no picture")
    age(broken)
    return folder


def age(path, seconds=HOUR):
    """Makes a file as old as files are that were not written just now."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def dataset(folder, origin):
    samples = [Sample(path.name, path.name, "cat", None, origin) for path in sorted(folder.iterdir())]
    return make_dataset(folder, root=folder, samples=samples, skipped=(), failed=(), classes=["cat"], notes=[])


def scan(folder, *, backend=None, verify=False, **options) -> tuple[Outcomes, int, Counter[str], list[str]]:
    """Outcomes, how many were known, which files were opened, and the notes of the store."""
    origin = Counted(str(folder))
    task = Task(backend or FakeBackend(), batch_size=4, threads=2, describe=True, **options)
    with open_store(folder.parent / "reports") as store:
        outcomes, known = collect(dataset(folder, origin), task, store, str(folder), verify=verify)
    return outcomes, known, origin.opened, store.notes


def same(one, other):
    """Whether two scans gave the same, bit by bit."""
    assert [(each.content, each.size, each.failure, each.decoded) for each in one] == [
        (each.content, each.size, each.failure, each.decoded) for each in other
    ]
    for name in ("probabilities", "embeddings", "properties", "hashes", "miniatures"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    for row in range(len(one)):
        left, right = one.inferred(row), other.inferred(row)
        assert (left is None) == (right is None)
        if left is not None:
            np.testing.assert_array_equal(left.maps, right.maps)
            np.testing.assert_array_equal(left.map_classes, right.map_classes)
    return True
