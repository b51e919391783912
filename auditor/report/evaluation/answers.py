"""Images with the model's answers: the worst mistakes as cards, the random sample as small pictures."""

from dataclasses import dataclass

from auditor.evaluation import Evaluation
from auditor.evaluation.record import Shown
from auditor.report.evaluation.scores import called
from auditor.report.shared.assets import data_uri
from auditor.report.shared.parts import Bar, PagePicture
from auditor.text import percent, visible


@dataclass(frozen=True)
class AnswerTile:
    """A small picture with the answer; `mark` is the sign for the text in `verdict`."""

    source: str
    width: int
    height: int
    alt: str
    mark: str
    verdict: str
    answer: str
    sure: str
    given: str
    file: str


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: pictures, both classes, both probabilities."""

    given: str
    predicted: str
    pictures: tuple[PagePicture, ...]
    bars: tuple[Bar, ...]
    file: str


def tiles(evaluation: Evaluation) -> tuple[AnswerTile, ...]:
    """The sample, in the order of the files."""
    return tuple(map(_tile, evaluation.sample))


def mistakes(evaluation: Evaluation) -> tuple[Mistake, ...]:
    """The worst mistakes, the most confident first."""
    return tuple(map(_mistake, evaluation.mistakes))


def _tile(shown: Shown) -> AnswerTile:
    return AnswerTile(
        source="" if shown.thumbnail is None else data_uri(shown.thumbnail),
        width=shown.width,
        height=shown.height,
        alt=f"The image {visible(shown.file)}",
        mark="\u2713" if shown.right else "\u2717",
        verdict="right" if shown.right else "wrong",
        answer=called(shown.predicted),
        sure=percent(shown.confidence),
        given="" if shown.right else called(shown.given),
        file=visible(shown.file),
    )


def _mistake(shown: Shown) -> Mistake:
    shares = ((shown.predicted, "suggested", shown.confidence), (shown.given, "given", shown.p_given))
    return Mistake(
        given=called(shown.given),
        predicted=called(shown.predicted),
        pictures=_pictures(shown),
        bars=tuple(
            Bar(name=called(name), role=role, width=f"{100 * share:.2f}%", text=percent(share))
            for name, role, share in shares
        ),
        file=visible(shown.file),
    )


def _pictures(shown: Shown) -> tuple[PagePicture, ...]:
    if shown.thumbnail is None:
        return ()
    name = visible(shown.file)
    image = PagePicture(data_uri(shown.thumbnail), shown.width, shown.height, f"The image {name}", "Image")
    heatmaps = (
        PagePicture(
            source=data_uri(evidence.overlay),
            width=shown.width,
            height=shown.height,
            alt=f"Heatmap over {name}: where the evidence for {called(evidence.subject)} lies",
            caption="Evidence for",
            subject=called(evidence.subject),
        )
        for evidence in shown.evidence
    )
    return (image, *heatmaps)
