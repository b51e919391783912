"""What ImageNet sees: its names for the images of each class, how often a cat is a dog, and the absurdities."""

from collections.abc import Callable
from dataclasses import dataclass

from auditor.classes.imagenet_view import Absurdity, ImageNetView, SeenClass, SeenName
from auditor.report.shared.assets import Assets
from auditor.report.shared.parts import OCCLUSION, PagePicture
from auditor.runs.files import SUMMARY
from auditor.text import count, number, percent, visible

MAX_NAMES = 12  # rows of the table of one class
MAX_NAMES_ALONE = 20  # of the only class
MAX_CLASSES = 12  # tables

_BEFORE = (
    "The most probable of its 1000 classes, image by image, by the model\u2019s second head: what it saw before "
    "transfer learning, on the same features."
)


@dataclass(frozen=True)
class NameRow:
    """A class of ImageNet with the number of images that it is the most probable one for; `hint` is its id.

    `kind` is "cat", "dog" or ""; `role` colours the bar: "given" where that is what the folder says, "suggested" where
    it is the other animal, "" for anything else.
    """

    name: str
    hint: str
    kind: str
    role: str
    count: str
    share: str
    bar: str


@dataclass(frozen=True)
class Part:
    """A part of the bar that splits a class into cats, dogs and the rest."""

    role: str
    start: str
    width: str
    text: str
    share: str


@dataclass(frozen=True)
class ClassSeen:
    """One class of the folder; `after` says what the model's own classes call its images, "" where they say nothing."""

    label: str
    count: str
    parts: tuple[Part, ...]
    after: str
    rows: tuple[NameRow, ...]
    more: str


@dataclass(frozen=True)
class AbsurdCard:
    """An image with what it is taken for; `link` leads to its finding, "" where it has none."""

    pictures: tuple[PagePicture, ...]
    name: str
    hint: str
    share: str
    label: str
    kin: str
    file: str
    link: str


@dataclass(frozen=True)
class ImageNetSection:
    """The section.

    `intro` says whose names these are; `sentences` are the shares to quote; `alone`: one table leaves room for the
    pictures beside it.
    """

    intro: str
    sentences: tuple[str, ...]
    alone: bool
    classes: tuple[ClassSeen, ...]
    more: str
    cards: tuple[AbsurdCard, ...]
    absurd: str
    absurd_count: str
    cold: str
    hot: str
    colours: str


def imagenet_section(
    view: ImageNetView | None, href: Callable[[str], str], assets: Assets
) -> ImageNetSection | None:
    """The section; None where the scan did not ask.

    Args:
        view: Of the audit.
        href: File -> the way to what was found about it, "" for nothing.
        assets: Takes the pictures.
    """
    if view is None:
        return None
    left = len(view.classes) - MAX_CLASSES
    alone = len(view.classes) == 1 and bool(view.absurdities)
    occluded = view.method == OCCLUSION
    names = MAX_NAMES_ALONE if alone else MAX_NAMES
    return ImageNetSection(
        intro=_BEFORE if view.second_head else "The most probable of its 1000 classes, image by image.",
        sentences=tuple(_sentence(seen) for seen in view.classes if seen.kind),
        alone=alone,
        classes=tuple(_class(seen, names) for seen in view.classes[:MAX_CLASSES]),
        more=f"{count(left, 'more class', 'more classes')} not shown: see {SUMMARY}." if left > 0 else "",
        cards=tuple(_card(absurdity, view.method, href(absurdity.file), assets) for absurdity in view.absurdities),
        absurd=_absurd(view),
        absurd_count=number(view.absurd),
        cold="no effect" if occluded else "no evidence",
        hot="covered, this costs the class most" if occluded else "strongest evidence for the class under the picture",
        colours=view.colours,
    )


def _sentence(seen: SeenClass) -> str:
    """How often the animal is the other one."""
    other, times = ("dog", seen.dogs) if seen.kind == "cat" else ("cat", seen.cats)
    label = visible(seen.label)
    if not times:
        return f"To ImageNet, none of {count(seen.images, 'image')} of {label} is \u201ca {other}\u201d."
    return (
        f"To ImageNet, {percent(times / seen.images)} of the images of {label} {'is' if times == 1 else 'are'} "
        f"\u201ca {other}\u201d: {number(times)} of {number(seen.images)}."
    )


def _class(seen: SeenClass, names: int) -> ClassSeen:
    shown, rest = seen.names[:names], seen.names[names:]
    images = sum(name.images for name in rest)
    more = (
        f"and {count(len(rest), 'more name')}, on {count(images, 'image')} ({percent(images / seen.images)})"
        if rest
        else ""
    )
    return ClassSeen(
        label=visible(seen.label),
        count=count(seen.images, "image"),
        parts=_parts(seen),
        after=_after(seen),
        rows=tuple(_row(name, seen) for name in shown),
        more=more,
    )


def _after(seen: SeenClass) -> str:
    """How often the model's own classes call the images by this one."""
    if seen.transferred is None:
        return ""
    share = percent(seen.transferred / seen.images)
    return f"After transfer learning: {share} {visible(seen.label)} ({number(seen.transferred)})."


def _parts(seen: SeenClass) -> tuple[Part, ...]:
    pairs = [(seen.cats, "a cat", "cat"), (seen.dogs, "a dog", "dog")]
    pairs.append((seen.images - seen.cats - seen.dogs, "something else", ""))
    parts, before = [], 0
    for images, text, kind in sorted(pairs, key=lambda pair: pair[2] != seen.kind):
        share = images / seen.images
        parts.append(
            Part(
                role=_role(kind, seen.kind),
                start=f"{100 * before / seen.images:.2f}%",
                width=f"{100 * share:.2f}%",
                text=text,
                share=f"{percent(share)} ({number(images)})",
            )
        )
        before += images
    return tuple(parts)


def _row(name: SeenName, seen: SeenClass) -> NameRow:
    return NameRow(
        name=visible(name.name),
        hint=visible(name.synset),
        kind=name.kind,
        role=_role(name.kind, seen.kind),
        count=number(name.images),
        share=percent(name.images / seen.images),
        bar=f"{100 * name.images / seen.names[0].images:.2f}%",
    )


def _role(kind: str, own: str) -> str:
    if not kind:
        return ""
    return "given" if kind == own or not own else "suggested"


def _absurd(view: ImageNetView) -> str:
    if not view.absurd:
        return "ImageNet takes no image for anything but a cat, a dog or a wild relative of them."
    cut = f"The most confident {number(len(view.absurdities))} of " if len(view.absurdities) < view.absurd else ""
    made = f" Heatmaps by {view.method}." if view.method else ""
    images = count(view.absurd, "image")
    return f"{cut}{images} that ImageNet takes for neither cat nor dog, nor a wild relative of them.{made}"


def _card(absurdity: Absurdity, method: str, link: str, assets: Assets) -> AbsurdCard:
    file, name = visible(absurdity.file), visible(absurdity.name)
    width, height, label = absurdity.width, absurdity.height, visible(absurdity.label)
    alt = f"The image {file}, labelled {label}"
    image = PagePicture(assets.link(absurdity.thumbnail), width, height, alt, "Image")
    pictures = [image]
    if absurdity.overlay is not None:
        alt = f"Heatmap over {file}, by {method}: where the evidence for {name} lies"
        pictures.append(PagePicture(assets.link(absurdity.overlay), width, height, alt, "Evidence for", name))
    return AbsurdCard(
        pictures=tuple(pictures),
        name=name,
        hint=visible(absurdity.synset),
        share=percent(absurdity.probability),
        label=label,
        kin=f"all {absurdity.kind}s {percent(absurdity.kin)}",
        file=file,
        link=link,
    )
