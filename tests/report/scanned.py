"""A drawn folder with something for every section of the page, and the scan of it.

Grey images are cats, red ones dogs, and blue ones of a third class whose name tries to break out of the page. In each
class two images show another one; the names of most of these six are hostile too.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import auditor
from auditor import checks
from auditor.audit import Audit, RuleKind
from auditor.backends.base import NamedHead
from auditor.backends.head import linear_head
from auditor.checks import CheckResult, GroupFinding, Samples, StoredImage
from auditor.checks.base import nothing_judged
from auditor.classes.imagenet import output_names
from auditor.text import shown
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, RED, draw_tinted, place_image

SCRIPT = "<script>alert(1)</script>"            # not a file name, because of the slash
HANDLER = "\"><img src=x onerror=alert(2)>'"

TINTS = {"cats": GREY, "dogs": RED, HANDLER: (0, 0, 110)}
GREEN = (0, 130, 0)                             # a cat to the model's own classes, a koala to ImageNet's
SIZES = ((64, 64), (44, 64), (64, 40))          # height, width: square, wide and upright
EACH = 36                                       # images of a class that show what it says
LEARNED = 12                                    # cats that the model was trained on

LONG = f"train/cats/{'very-long-name-' * 16}.png"
EMOJI = "train/cats/\U0001f415\u200d\U0001f9ba good boy.png"
OVERRIDE = "train/dogs/invoice\u202egnp.exe.png"
TEMPLATE = "train/dogs/{{ 7 * 7 }}{% raw %}.png"
PLAIN = f"train/{HANDLER}/plain.png"
ON_DISK = f"train/{HANDLER}/line\nfeed \x1b[31m\udcff.png"
BROKEN = shown(ON_DISK)                         # the same name, as a scan writes it

#: Images with a wrong label -> the class that they show.
WRONG = {LONG: "dogs", EMOJI: HANDLER, OVERRIDE: HANDLER, TEMPLATE: "cats", PLAIN: "dogs", BROKEN: "cats"}
ORIGINAL = "train/cats/00.png"                  # TEMPLATE is a copy of it
UNSURE = ("train/cats/unsure-0.png", "train/cats/unsure-1.png")
ABSURD = ("train/cats/green-0.png", "train/cats/green-1.png")
MISNAMED = "train/dogs/really-a-png.jpg"
UNREADABLE = ("train/cats/cut.png", "train/dogs/empty.jpg", f"train/dogs/{HANDLER}.jpg")
SKIPPED = ("train/cats/._hidden.jpg", "train/cats/Thumbs.db", "train/cats/notes.txt")


def draw_folder(root: Path) -> None:
    """Draws two splits of three classes, and everything that is wrong with them."""
    for row, (label, tint) in enumerate(TINTS.items()):
        for number in range(EACH):
            picture = draw_tinted(tint, 1000 * row + number, *SIZES[number % 3])
            place_image(picture, root / ("train", "test")[number % 4 == 3] / label / f"{number:02}.png")
    for number, (file, label) in enumerate(WRONG.items()):
        place_image(draw_tinted(TINTS[label], 5000 + number), root / (ON_DISK if file == BROKEN else file))
    (root / TEMPLATE).write_bytes((root / ORIGINAL).read_bytes())
    for tint, files in ((BETWEEN, UNSURE), (GREEN, ABSURD)):
        for number, file in enumerate(files):
            place_image(draw_tinted(tint, 6000 + number), root / file)
    place_image(draw_tinted(TINTS["dogs"], 7000), root / "drawn.png").rename(root / MISNAMED)
    cut, empty, markup = UNREADABLE
    whole = place_image(draw_tinted(TINTS["cats"], 7001), root / cut).read_bytes()
    for file, content in ((cut, whole[: len(whole) // 2]), (empty, b""), (markup, b"<html>no such page</html>")):
        (root / file).write_bytes(content)
    for file in SKIPPED:
        (root / file).write_text("not an image")


class Model(FakeBackend):
    """Knows the three classes and, as a further head, ImageNet's; its card says more than a page can show."""

    def __init__(self, root: Path) -> None:
        super().__init__(("cat", "dog", HANDLER))
        own = self.weights.layers[0]
        own.weights[:, 2] = 0
        own.weights[2, 2], own.bias[2] = 40, -18                # (K, C): feature 2 is blue
        learned = sorted((root / "train" / "cats").glob("[0-9]*.png"))[:LEARNED]
        self.card = replace(
            self.card,
            name="catdog-resnet50",
            trained_on=frozenset(hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in learned),
            guessed={"preprocessing": "raw, because the graph starts with a division"},
            about={
                "origin": {"backbone": "ResNet50, ImageNet", "head": {"trained_on": f"cats {SCRIPT}", "epochs": 12}},
                "measured_accuracy": 0.9876,
                "licence": None,
                HANDLER: [1, 2, 3, {"deep": {"deeper": {"deepest": {"too deep": 1}}}}],
                "notes": "long " * 900,
            },
        )
        names = output_names(1000)
        weights, bias = np.zeros((8, 1000), np.float32), np.zeros(1000, np.float32)             # (K, C), (C,)
        labrador, koala, tabby = map(names.index, ("Labrador retriever", "koala", "tabby"))
        weights[6, labrador] = 40                               # feature 6 is redness, 1 is green
        weights[1, koala], bias[koala] = 60, -30
        bias[tabby] = 8                                         # what is neither red nor green
        self.other_heads = (NamedHead("imagenet", names, linear_head(weights, bias)),)


@dataclass(frozen=True)
class TwoClasses:
    """The same file lies in two classes."""

    rule: ClassVar[str] = "two_classes"
    title: ClassVar[str] = "Same file, two classes"
    kind: ClassVar[RuleKind] = "conflict"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """A finding for each group of equal files whose labels differ."""
        rows_of = defaultdict(list)
        for row, content in enumerate(samples.contents):
            rows_of[content].append(row)
        groups = [
            GroupFinding(tuple(rows), 0.0, f"{len(rows)} equal files with different labels.", "medium", len(rows), 1)
            for rows in rows_of.values()
            if len({int(samples.labels[row]) for row in rows}) > 1
        ]
        return replace(nothing_judged(samples), groups=tuple(groups))

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """No other file is equal to it."""
        return "not flagged: no file of another class is equal."


@dataclass(frozen=True)
class SmallSplit:
    """A split holds a small share of the images.

    Args:
        share: Share of all images under which a split is flagged.
    """

    share: float = 0.5

    rule: ClassVar[str] = "small_split"
    title: ClassVar[str] = "Small split"
    kind: ClassVar[RuleKind] = "dataset"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """A finding about the data set for each such split."""
        shares = {split: samples.splits.count(split) / len(samples) for split in dict.fromkeys(samples.splits)}
        groups = [
            GroupFinding((), 0.9, f"{split} holds {share:.0%} of the images.", "low", share, self.share, key=str(split))
            for split, share in shares.items()
            if share < self.share
        ]
        return replace(nothing_judged(samples), groups=tuple(groups))

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It is about the data set."""
        return "not flagged: it looks at splits, not at images."


def scan_folder(root: Path) -> Audit:
    """Scans it with two rules more than the registry has: about a group of images, and about the data set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "CHECKS", (*checks.CHECKS, TwoClasses, SmallSplit))
        return auditor.scan(root, backend=Model(root), name="stickers", class_map="imagenet", max_cards=9)
