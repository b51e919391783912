"""Something other than the subject predicts the label."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Chart, RuleKind, Series
from auditor.checks.base import CheckResult, GroupFinding, about_data_set, nothing_judged
from auditor.checks.samples import Samples
from auditor.checks.statistics.marks import Mark, find_marks
from auditor.checks.statistics.places import Place, find_places
from auditor.checks.statistics.shortcuts import shortcut_findings
from auditor.checks.stored import NOT_ABOUT_AN_IMAGE, StoredImage
from auditor.configuration import Range
from auditor.text import count, percent

_EXAMPLES = 8


@dataclass(frozen=True)
class SpuriousCorrelation:
    """Something other than the subject tells a class from the others, so that a model can learn that in its place.

    Four things are looked for. A property of the pixels or of the file (light, colour, sharpness, size, bytes per
    pixel, format) that ranks pairs of images, one of the class and one of the rest, rightly; the ranking is learned on
    one half of the images and judged on the other (cleanlab's Datalab asks how well a property alone predicts all
    classes). The border of the picture, where it does so better than the inside. A mark, the same small pattern at the
    same place of many pictures of one class. And a place: a corner or edge where the trained model's evidence for
    many images of one class lies (after SpRAy; Lapuschkin et al., Nature Communications 2019). Each must be beyond
    chance for all that was tried (Bonferroni). Whether it is spurious only you can say: ripe and unripe fruit do differ
    in colour.

    Args:
        minimum: Area under the ROC curve from which a property or a border is reported: 0.5 is chance; from 0.9 on
            Hosmer and Lemeshow (2013) call it outstanding. Between untouched classes of photographs it is up to 0.71.
        share: Share of a class's images that must have a mark, or their evidence at one place, in [0, 1].
        significance: Probability of any report where there is nothing, for each of the four.
    """

    minimum: Annotated[float, Range(0.5, 1)] = 0.9
    share: Annotated[float, Range(0, 1)] = 0.05
    significance: Annotated[float, Range(0, 1)] = 0.01

    rule: ClassVar[str] = "spurious_correlation"
    title: ClassVar[str] = "Shortcut"
    kind: ClassVar[RuleKind] = "dataset"
    demo_faults: ClassVar[tuple[str, ...]] = ()

    def run(self, samples: Samples) -> CheckResult:
        """Looks at properties and border, then for marks and places."""
        if len(np.unique(samples.labels[samples.labels >= 0])) < 2:
            return nothing_judged(samples)
        found = shortcut_findings(samples, self.minimum, self.significance)
        marks = find_marks(samples, self.share, self.significance)
        once = samples.labels.copy()
        once[samples.copies.copy] = -1                          # one picture many times is another rule's finding
        places = [] if samples.heat is None else find_places(samples.heat, once, self.share, self.significance)
        return about_data_set(samples, [*found, *self._marks(samples, marks), *self._places(samples, places)])

    def _marks(self, samples: Samples, marks: list[Mark]) -> Iterator[GroupFinding]:
        for mark in marks:
            name = samples.classes[mark.label]
            message = (
                f"The same pattern lies {mark.where} of {percent(mark.inside)} of the images of {name} or more, and of "
                f"{percent(mark.outside)} of the others. A watermark or a logo tells the class without the subject."
            )
            picture = samples.miniatures[mark.rows].mean(axis=0) / 255                  # (32, 32)
            title = f"mean of {count(len(mark.rows), 'image')} of {name} with the pattern"
            yield self._finding(mark, message, f"mark\0{name}", _map(title, picture))

    def _places(self, samples: Samples, places: list[Place]) -> Iterator[GroupFinding]:
        for place in places:
            name = samples.classes[place.label]
            message = (
                f"In {percent(place.inside)} of the images of {name} the model's evidence lies {place.name}, in "
                f"{percent(place.outside)} of the others. It may look at a watermark, a caption or a frame there."
            )
            heat = np.asarray(samples.heat)[place.rows].astype(np.float32).mean(axis=0)                 # (h, w)
            title = f"mean evidence of {count(len(place.rows), 'image')} of {name}"
            yield self._finding(place, message, f"place\0{name}", _map(title, heat / heat.max()))

    def _finding(self, group: Mark | Place, message: str, key: str, chart: Chart) -> GroupFinding:
        return GroupFinding(
            rows=(),
            score=self.share / (self.share + group.inside),
            message=message,
            severity="high",
            value=group.inside,
            threshold=self.share,
            key=key,
            examples=tuple(group.rows[:_EXAMPLES].tolist()),
            chart=chart,
        )

    @staticmethod
    def why_not(image: StoredImage) -> str:
        """It never flags an image."""
        return NOT_ABOUT_AN_IMAGE


def _map(title: str, cells: NDArray[np.floating]) -> Chart:
    """A picture (h, w) in [0, 1]."""
    return Chart("map", title, ("",) * len(cells), (Series("", tuple(np.round(cells, 4).ravel().tolist())),))
