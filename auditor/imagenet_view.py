"""What an ImageNet classifier thinks the images show: its names for each class, and its most confident absurdities."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Absurdity, ImageNetView, SeenClass, SeenName
from auditor.backends.base import Backend
from auditor.classes import normalise
from auditor.engines import Outcome
from auditor.evidence import SIDE, jpeg, read_again
from auditor.heatmap import overlay
from auditor.imagenet import BACKGROUND, BACKGROUND_AT, CATS, DOGS, WILD_CATS, WILD_DOGS, positions, synsets
from auditor.images import resize, thumbnail
from auditor.progress import Progress
from auditor.saliency import class_maps
from auditor.settings import Settings

SHOWN = 8
_KINDS = ("cat", "dog")
#: A cat that is a lynx, or a fox, is a near miss and no absurdity.
_NEAR = frozenset((*CATS, *WILD_CATS, *DOGS, *WILD_DOGS))


def imagenet_view(
    outcomes: Sequence[Outcome], classes: Sequence[str], backend: Backend, settings: Settings, progress: Progress
) -> ImageNetView:
    """Looks at the most probable of all ImageNet classes, image by image.

    Args:
        outcomes: One for each sample; those without a label or an inference are left out.
        classes: Of the folder, in order.
        backend: A classifier of the ImageNet classes, in an order that `imagenet.positions` finds by their names.
        settings: Of the scan: the heatmaps' colours, and how many may be made by occlusion.
        progress: Watches the pictures.

    Raises:
        ValueError: the model's classes are not ImageNet's.
    """
    places = positions(backend.card.classes)
    if places is None:
        raise ValueError(f"{backend.card.name} is no classifier of the ImageNet classes")
    sights = list(_sights(outcomes, np.array(places)))
    by_class: dict[str, list[_Sight]] = defaultdict(list)
    for sight in sights:
        by_class[sight.label].append(sight)
    absurd = sorted(
        (sight for sight in sights if sight.is_absurd),
        key=lambda sight: (-sight.probability, sight.outcome.sample.file),
    )
    originals: dict[str, _Sight] = {}
    for sight in absurd:
        originals.setdefault(sight.outcome.content, sight)
    camera = _Camera(backend, settings)
    pictures = (picture for sight in originals.values() if (picture := camera.picture(sight)) is not None)
    absurdities = tuple(progress.track(islice(pictures, SHOWN), min(SHOWN, len(originals)), "ImageNet view"))
    return ImageNetView(
        classes=tuple(_seen(label, by_class[label]) for label in classes if by_class[label]),
        absurdities=absurdities,
        absurd=len(absurd),
        method=camera.method,
        colours=settings.colours,
    )


@dataclass(frozen=True)
class _Sight:
    """One image by its most probable class.

    Attributes:
        output: Of the model; `place` is its place among the 1000.
        probability: Of that class.
        cats, dogs: Summed probability of all cats, of all dogs.
    """

    outcome: Outcome
    label: str
    output: int
    place: int
    probability: float
    cats: float
    dogs: float

    @property
    def kind(self) -> str:
        """What the image is taken for: "cat" or "dog" where all of those together beat any other class, else ""."""
        other = 0.0 if _kind(self.place) else self.probability
        if max(self.cats, self.dogs) < other:
            return ""
        return "cat" if self.cats >= self.dogs else "dog"

    @property
    def is_absurd(self) -> bool:
        return normalise(self.label) in _KINDS and not self.kind and self.place not in _NEAR


def _sights(outcomes: Sequence[Outcome], places: NDArray[np.intp]) -> Iterator[_Sight]:
    """places: (C,) place of each output among the 1000."""
    cats, dogs = np.isin(places, CATS), np.isin(places, DOGS)                           # (C,) bool
    for outcome in outcomes:
        if outcome.inferred is None or outcome.sample.label is None:
            continue
        probabilities = outcome.inferred.probabilities                                  # (C,)
        top = int(probabilities.argmax())
        yield _Sight(
            outcome=outcome,
            label=outcome.sample.label,
            output=top,
            place=int(places[top]),
            probability=float(probabilities[top]),
            cats=float(probabilities[cats].sum()),
            dogs=float(probabilities[dogs].sum()),
        )


def _seen(label: str, sights: Sequence[_Sight]) -> SeenClass:
    count = Counter(sight.place for sight in sights)
    kinds = Counter(sight.kind for sight in sights)
    return SeenClass(
        label=label,
        kind=normalise(label) if normalise(label) in _KINDS else "",
        images=len(sights),
        names=tuple(
            SeenName(*_called(place), images, _kind(place))
            for place, images in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        cats=kinds["cat"],
        dogs=kinds["dog"],
    )


class _Camera:
    """Reads images again and draws what the model takes them for. `method`: what made the heatmaps, "" before any."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend, self._settings = backend, settings
        self._occlusions = settings.max_occlusion
        self.method = ""

    def picture(self, sight: _Sight) -> Absurdity | None:
        """None where the image cannot be read any more."""
        height, width = self._backend.card.input_size
        pixels = read_again(sight.outcome.sample, max(SIDE, 2 * height, 2 * width), self._settings.max_pixels)
        if pixels is None:
            return None
        small = thumbnail(pixels, SIDE)                                                 # (H, W, 3)
        heat = self._heat(sight, resize(pixels, height, width))
        synset, name = _called(sight.place)
        kind = normalise(sight.label)
        return Absurdity(
            file=sight.outcome.sample.file,
            label=sight.label,
            kind=kind,
            synset=synset,
            name=name,
            probability=sight.probability,
            kin=sight.cats if kind == "cat" else sight.dogs,
            thumbnail=jpeg(small),
            overlay=None if heat is None else jpeg(overlay(small, heat, colours=self._settings.colours)),
            width=small.shape[1],
            height=small.shape[0],
        )

    def _heat(self, sight: _Sight, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(h, w) of the scan's own forward pass, or made now; None where that is one occlusion map too many."""
        assert sight.outcome.inferred is not None
        kept = sight.outcome.inferred.heatmap(sight.output)
        if kept is not None:
            self.method = "Grad-CAM"
            return kept
        if not self._occlusions:
            return None
        maps, self.method = class_maps(self._backend, image[None], np.array([[sight.output]]))      # (1, 1, h, w)
        self._occlusions -= self.method == "occlusion"
        return np.asarray(maps[0, 0], np.float32)


def _kind(place: int) -> str:
    return "cat" if place in CATS else "dog" if place in DOGS else ""


def _called(place: int) -> tuple[str, str]:
    """Id and name of a place among the 1000."""
    if place == BACKGROUND_AT:
        return "", BACKGROUND
    return synsets()[place].id, synsets()[place].name
