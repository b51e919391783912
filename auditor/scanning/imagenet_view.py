"""What an ImageNet classifier thinks the images show: its names for each class, and its most confident absurdities.

The classifier is the model itself, or a further head of it: then the view shows what it saw before transfer learning.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from auditor.backends.base import Backend, as_probabilities
from auditor.backends.class_match import imagenet_head
from auditor.backends.head import Head
from auditor.classes.imagenet import BACKGROUND, BACKGROUND_AT, CATS, DOGS, WILD_CATS, WILD_DOGS, positions, synsets
from auditor.classes.imagenet_view import Absurdity, ImageNetView, SeenClass, SeenName
from auditor.classes.names import ClassMatch
from auditor.classes.spelling import normalise
from auditor.engines import Outcome, Outcomes
from auditor.heatmaps.grad_cam import evidence_maps, heat, overlay
from auditor.heatmaps.saliency import class_maps
from auditor.images.decoding import resize, thumbnail
from auditor.images.encoding import webp
from auditor.images.reader import for_model, read_again
from auditor.progress import Progress
from auditor.scanning.evidence import SIDE
from auditor.settings import Settings

SHOWN = 8
_AT_ONCE = 512                                  # images whose 1000 probabilities are held
_KINDS = ("cat", "dog")
#: A cat that is a lynx, or a fox, is nearly right, and not an absurdity.
_NEAR = frozenset((*CATS, *WILD_CATS, *DOGS, *WILD_DOGS))


def imagenet_view(
    outcomes: Outcomes,
    classes: Sequence[str],
    backend: Backend,
    match: ClassMatch,
    settings: Settings,
    progress: Progress,
) -> ImageNetView:
    """Looks at the most probable of all ImageNet classes, image by image.

    Args:
        outcomes: One for each sample; those without a label or an inference are left out.
        classes: Of the folder, in order.
        backend: A classifier of the ImageNet classes, in an order that `imagenet.positions` finds by their names; or
            one with a further head for them.
        match: How its own classes map to the folder's.
        settings: Of the scan: the heatmaps' colours, and how many may be made by occlusion.
        progress: Watches the pictures.

    Raises:
        ValueError: neither the model's own classes nor those of a further head are ImageNet's.
    """
    second = imagenet_head(backend)
    places = positions(second.classes if second else backend.card.classes)
    if places is None:
        raise ValueError(f"{backend.card.name} is not a classifier of the ImageNet classes")
    head = second.head if second else None
    guesses = list(_guesses(outcomes, np.array(places), head))
    by_class: dict[str, list[_Guess]] = defaultdict(list)
    for guess in guesses:
        by_class[guess.label].append(guess)
    absurd = sorted(
        (guess for guess in guesses if guess.is_absurd),
        key=lambda guess: (-guess.probability, guess.outcome.sample.file),
    )
    originals: dict[str, _Guess] = {}
    for guess in absurd:
        originals.setdefault(guess.outcome.content, guess)
    drawn = _Pictures(backend, head, settings)
    ask_own = head is not None and match.complete
    pictures = (picture for guess in originals.values() if (picture := drawn.picture(guess)) is not None)
    absurdities = tuple(progress.track(islice(pictures, SHOWN), min(SHOWN, len(originals)), "ImageNet view"))
    return ImageNetView(
        classes=tuple(
            _seen(label, by_class[label], match.folder_of == place if ask_own else None)
            for place, label in enumerate(classes)
            if by_class[label]
        ),
        absurdities=absurdities,
        absurd=len(absurd),
        method=drawn.method,
        colours=settings.colours,
        second_head=head is not None,
    )


@dataclass(frozen=True)
class _Guess:
    """One image by its most probable class.

    Attributes:
        output: Of ImageNet's head; `place` is its place among the 1000.
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

    def is_called(self, own: NDArray[np.bool_]) -> bool:
        """Whether the most probable of the model's own classes is one of these (C,)."""
        assert self.outcome.inferred is not None
        return bool(own[self.outcome.inferred.probabilities.argmax()])

    @property
    def is_absurd(self) -> bool:
        return normalise(self.label) in _KINDS and not self.kind and self.place not in _NEAR


def _guesses(outcomes: Outcomes, places: NDArray[np.intp], head: Head | None) -> Iterator[_Guess]:
    """places: (C,) place of each output among the 1000."""
    cats, dogs = np.isin(places, CATS), np.isin(places, DOGS)                           # (C,) bool
    for outcome, label, probabilities in _answers(outcomes, head):
        top = int(probabilities.argmax())
        yield _Guess(
            outcome=outcome,
            label=label,
            output=top,
            place=int(places[top]),
            probability=float(probabilities[top]),
            cats=float(probabilities[cats].sum()),
            dogs=float(probabilities[dogs].sum()),
        )


def _answers(
    outcomes: Outcomes, head: Head | None
) -> Iterator[tuple[Outcome, str, NDArray[np.float32]]]:
    """Each labelled image with its label and its ImageNet probabilities (C,): the model's own, or a further head's."""
    inferred = map(int, np.flatnonzero(outcomes.has_inferred()))
    known = [row for row in inferred if outcomes.samples[row].label is not None]
    for start in range(0, len(known), _AT_ONCE):
        rows = known[start : start + _AT_ONCE]
        probabilities = outcomes.probabilities[rows]                                    # (n, C)
        if head is not None:
            embeddings = outcomes.embeddings[rows].astype(np.float32)                   # (n, K)
            probabilities = as_probabilities(head.logits(embeddings), are_logits=True)
        for row, answer in zip(rows, probabilities, strict=True):
            yield outcomes[row], outcomes.samples[row].label or "", answer


def _seen(label: str, guesses: Sequence[_Guess], own: NDArray[np.bool_] | None) -> SeenClass:
    """own: (C,) which of the model's own classes are this one; None where nobody asks them."""
    count = Counter(guess.place for guess in guesses)
    kinds = Counter(guess.kind for guess in guesses)
    return SeenClass(
        label=label,
        kind=normalise(label) if normalise(label) in _KINDS else "",
        images=len(guesses),
        names=tuple(
            SeenName(*_called(place), images, _kind(place))
            for place, images in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        cats=kinds["cat"],
        dogs=kinds["dog"],
        transferred=None if own is None else sum(guess.is_called(own) for guess in guesses),
    )


class _Pictures:
    """Reads images again and draws what the model takes them for. `method`: what made the heatmaps, "" before any.

    `head`: the further head that took them for it; None where the model's own did.
    """

    def __init__(self, backend: Backend, head: Head | None, settings: Settings) -> None:
        self._backend, self._head, self._settings = backend, head, settings
        self._occlusions = settings.max_occlusion
        self.method = ""

    def picture(self, guess: _Guess) -> Absurdity | None:
        """None where the image cannot be read any more."""
        height, width = self._backend.card.input_size
        pixels = read_again(guess.outcome.sample, max(SIDE, for_model((height, width))), self._settings.limits)
        if pixels is None:
            return None
        small = thumbnail(pixels, SIDE)                                                 # (H, W, 3)
        heat = self._heat(guess, resize(pixels, height, width))
        synset, name = _called(guess.place)
        kind = normalise(guess.label)
        return Absurdity(
            file=guess.outcome.sample.file,
            label=guess.label,
            kind=kind,
            synset=synset,
            name=name,
            probability=guess.probability,
            kin=guess.cats if kind == "cat" else guess.dogs,
            thumbnail=webp(small),
            overlay=None if heat is None else webp(overlay(small, heat, colours=self._settings.colours)),
            width=small.shape[1],
            height=small.shape[0],
        )

    def _heat(self, guess: _Guess, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(h, w) of the scan's own forward pass, or made now; None where that is one occlusion map too many."""
        if self._head is not None:                              # the scan kept maps of the model's own classes alone
            found = self._backend.forward(image[None])
            assert found.features is not None                   # a backend with heads gives features
            maps = evidence_maps(found.features, self._head.jacobian(found.embedding, np.array([guess.output])))
            self.method = "Grad-CAM"
            return np.asarray(heat(maps)[0, 0], np.float32)     # of (1, 1, h, w)
        assert guess.outcome.inferred is not None
        kept = guess.outcome.inferred.heatmap(guess.output)
        if kept is not None:
            self.method = "Grad-CAM"
            return kept
        if not self._occlusions:
            return None
        maps, self.method = class_maps(self._backend, image[None], np.array([[guess.output]]))      # (1, 1, h, w)
        self._occlusions -= self.method == "occlusion"
        return np.asarray(maps[0, 0], np.float32)


def _kind(place: int) -> str:
    return "cat" if place in CATS else "dog" if place in DOGS else ""


def _called(place: int) -> tuple[str, str]:
    """Id and name of a place among the 1000."""
    if place == BACKGROUND_AT:
        return "", BACKGROUND
    return synsets()[place].id, synsets()[place].name
