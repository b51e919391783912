"""The predictions of an ImageNet classifier for the images: the record that a scan adds to its audit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

_PICTURES = ("thumbnail", "overlay", "width", "height")


@dataclass(frozen=True)
class SeenName:
    """A class of ImageNet that is the most probable one for some images.

    Attributes:
        synset: Its id in WordNet; "" for the background.
        name: Its readable name.
        images: Number of these images.
        kind: "cat" or "dog" if it is one, else "".
    """

    synset: str
    name: str
    images: int
    kind: str


@dataclass(frozen=True)
class SeenClass:
    """The predictions of an ImageNet classifier for the images of one class of the folder.

    Attributes:
        label: The class, as in the folder.
        kind: "cat" or "dog" if the class is one, else "".
        images: Number of readable images.
        names: The most probable classes of the images, the most frequent first.
        cats, dogs: Number of images of "a cat" and "a dog": all cats (all dogs) together have a higher probability
            than the other animal and than any other class. The other images show something else.
        transferred: Number of images that the model's own head predicts as this class, if ImageNet's classes are a
            second head: the result of transfer learning. None if the model's own classes are ImageNet's, or if they
            are not the folder's.
    """

    label: str
    kind: str
    images: int
    names: tuple[SeenName, ...]
    cats: int
    dogs: int
    transferred: int | None = None


@dataclass(frozen=True)
class Absurdity:
    """An image of a cat or a dog that the classifier predicts to be something else, with pictures of it (WebP).

    Attributes:
        file: POSIX path relative to the root.
        label: Its class in the data set.
        kind: "cat" or "dog", which this class is.
        synset, name: The predicted class.
        probability: The probability of that class.
        kin: Summed probability of all cats, or of all dogs.
        thumbnail: The image, upright.
        overlay: The thumbnail with the heatmap of the predicted class over it; None if the model gives no heatmaps.
        width, height: Size in pixels of both.
    """

    file: str
    label: str
    kind: str
    synset: str
    name: str
    probability: float
    kin: float
    thumbnail: bytes
    overlay: bytes | None
    width: int
    height: int


@dataclass(frozen=True)
class ImageNetView:
    """The predictions of an ImageNet classifier for a folder; an `auditor.audit.Addition`.

    Attributes:
        classes: In the order of the folder's classes, without those that have no readable image.
        absurdities: The most probable ones first, without copies of an image.
        absurd: Number of images to which the same applies, including those not shown.
        method: The method of the heatmaps, as text for the page; "" if there are none.
        colours: The colour map of the heatmaps.
        second_head: Whether ImageNet's classes are a second head of the model.
    """

    name: ClassVar[str] = "imagenet"

    classes: tuple[SeenClass, ...]
    absurdities: tuple[Absurdity, ...]
    absurd: int
    method: str
    colours: str
    second_head: bool = False

    def summary(self) -> dict[str, Any]:
        """Returns the record for summary.json, without the pictures."""
        return {
            "classes": [asdict(seen) for seen in self.classes],
            "absurd": self.absurd,
            "absurdities": [
                {key: value for key, value in asdict(absurdity).items() if key not in _PICTURES}
                for absurdity in self.absurdities
            ],
            "method": self.method,
            "second_head": self.second_head,
        }

    def renamed(self, rename: Callable[[str], str]) -> "ImageNetView":
        """Returns a copy with renamed classes of the folder; file names are not changed."""
        return replace(self, classes=tuple(replace(seen, label=rename(seen.label)) for seen in self.classes))
