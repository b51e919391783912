"""A drawn folder with something for every section of the page, and the scan of it.

Grey images are cats, red ones dogs, and blue ones of a third class whose name tries to break out of the page. In each
class two images show another one; the names of most of these six are hostile too.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import auditor
from auditor import checks
from auditor.audit import Audit
from auditor.backends.base import NamedHead
from auditor.backends.head import linear_head
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.unreadable import UnreadableImage
from auditor.classes.imagenet import output_names
from auditor.text import shown
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, RED, draw_tinted, place_image
from tests.report.rules import SmallSplit, Twice, TwoClasses, Upright

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
COPIES = {"test/cats/leak.png": "train/cats/01.png", "train/dogs/again.png": "train/dogs/01.png"}
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
    for copy, original in (COPIES | {TEMPLATE: ORIGINAL}).items():
        (root / copy).write_bytes((root / original).read_bytes())
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


#: The rules that report tests know: further ones in the registry are not their business.
RULES = (
    LabelIssue,
    ModelDisagrees,
    LowConfidence,
    TwoClasses,
    Twice,
    Upright,
    UnreadableImage,
    FormatMismatch,
    SmallSplit,
)


def scan_folder(root: Path) -> Audit:
    """Scans it with some rules of the registry, and those of `tests/report/rules.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "CHECKS", RULES)
        return auditor.scan(root, backend=Model(root), name="stickers", class_map="imagenet", max_cards=10)


def scan_without_model(root: Path) -> Audit:
    """The same without a model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "CHECKS", RULES)
        return auditor.scan(root, no_model=True, name="stickers")
