"""Pictures of the flagged images: thumbnail and heatmap, encoded for the report.

Which images are flagged is known only when all have been judged, so the few that are shown are read a second time,
with the same decoder, and run through the model again: its features and the probe's weights give a heatmap of any class
of the folder, whatever classes the model knows.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from auditor.audit import Evidence, Finding, Neighbour, Rule
from auditor.backends.base import Backend
from auditor.checks import Samples
from auditor.classes.names import class_name
from auditor.engines import Outcome, Outcomes
from auditor.images.decoding import thumbnail
from auditor.images.encoding import webp
from auditor.images.reader import read_again
from auditor.labels.neighbours import SHOWN, nearest_of_classes
from auditor.progress import Progress
from auditor.scanning.classifier import Classifier
from auditor.scanning.judging import Judgement
from auditor.scanning.overlays import Overlays
from auditor.scanning.pictures import in_turns
from auditor.settings import Limits, Settings

SIDE = 224                                      # pixels on the longer side
NEIGHBOUR_SIDE = 72                             # pixels; a strip of small pictures
TOP_PROBABILITIES = 5
OF_A_CLASS = 3                                  # neighbours shown of the given and of the suggested class
KEPT_FOR_OTHERS = 0.25                          # share of the images shown, if there are so many not about labels
_NEIGHBOUR_QUALITY = 45


def gather_evidence(
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    grouped: Collection[str],
    outcomes: Outcomes,
    judgement: Judgement,
    classifier: Classifier | None,
    settings: Settings,
    progress: Progress,
) -> dict[str, Evidence]:
    """Evidence for at most `max_cards` readable images that have findings of their own.

    Args:
        findings: Of the scan, in the order of review.
        rules: That ran. Images that are only copies of others get no evidence, and only labels in doubt get heatmaps.
        grouped: Ids of the findings that are shown as groups of pictures.
        outcomes: One for each of the N samples.
        judgement: Of the N samples.
        classifier: It makes the heatmaps; without one there are pictures only.
        settings: Of the scan: how many images, how many of them with occlusion maps, in which colours.
        progress: Watches the loop.
    """
    samples = judgement.samples
    row_of = {file: row for row, file in enumerate(samples.files)}
    decoded = outcomes.is_decoded()                                                     # (N,)
    copies = {rule.name for rule in rules if rule.kind == "copies"}
    own = [
        finding
        for finding in findings
        if finding.file is not None
        and decoded[row_of[finding.file]]
        and finding.rule not in copies
        and finding.id not in grouped
    ]
    doubted, others = _shown(own, {rule.name for rule in rules if rule.is_about_labels}, settings.max_cards)
    suggested = _suggestions(findings, samples)
    wanted = [(row_of[file], suggested.get(file, -1)) for file in (*doubted, *others)]
    pairs = [
        (row, label)
        for row, other in wanted if other >= 0
        for label in (int(samples.labels[row]), other) if label >= 0
    ]  # fmt: skip
    strips = _Strips(outcomes, judgement, pairs, settings.limits)
    overlays = None
    if classifier is not None:
        backend, match = classifier.backend, classifier.match
        overlays = Overlays(backend, match, judgement, settings.colours, settings.max_occlusion)
    evidence = {}
    for place, (row, other) in enumerate(progress.track(wanted, len(wanted), "evidence")):
        drawn = overlays if place < len(doubted) else None
        pictures = _evidence(outcomes[row], samples, row, other, drawn, settings.limits)
        if pictures is not None:
            evidence[samples.files[row]] = strips.add(pictures, row, other)
    return evidence


def _shown(findings: Sequence[Finding], about_labels: Collection[str], most: int) -> tuple[list[str], list[str]]:
    """Files whose label is in doubt, in the order of review, and others, the rules in turns; at most so many in all."""
    doubted = dict.fromkeys(str(finding.file) for finding in findings if finding.rule in about_labels)
    turns = in_turns(finding for finding in findings if finding.file not in doubted)
    others = list(dict.fromkeys(str(finding.file) for finding in turns))
    first = list(doubted)[: most - min(len(others), int(KEPT_FOR_OTHERS * most))]
    return first, others[: most - len(first)]


def _suggestions(findings: Sequence[Finding], samples: Samples) -> dict[str, int]:
    """File -> the class that its first finding suggests."""
    index = {name: position for position, name in enumerate(samples.classes)}
    suggested: dict[str, int] = {}
    for finding in findings:
        if finding.file is not None and finding.suggested in index:
            suggested.setdefault(finding.file, index[finding.suggested])
    return suggested


class _Strips:
    """The images most similar to a shown one; each is read and shrunk once, however often it is shown."""

    def __init__(
        self, outcomes: Outcomes, judgement: Judgement, pairs: Sequence[tuple[int, int]], limits: Limits
    ) -> None:
        self._limits = limits
        self._outcomes, self._judgement, self._samples = outcomes, judgement, judgement.samples
        found = nearest_of_classes(
            judgement.directions, outcomes.embeddings, judgement.samples.labels, outcomes.contents(), pairs, OF_A_CLASS
        )
        self._of_classes = dict(zip(pairs, found, strict=True))
        self._thumbnails: dict[int, bytes | None] = {}

    def add(self, evidence: Evidence, row: int, suggested: int) -> Evidence:
        """The evidence with its neighbours: of all labels, of the given class, of the suggested one."""
        nearest, given = self._judgement.neighbours, int(self._samples.labels[row])
        pairs = zip(nearest.indices[row, :SHOWN], nearest.similarity[row, :SHOWN], strict=True)
        return replace(
            evidence,
            similar=tuple(self._neighbour(int(other), float(close)) for other, close in pairs if other >= 0),
            of_given=self._of_class(row, given) if suggested >= 0 and given >= 0 else (),
            of_suggested=self._of_class(row, suggested) if suggested >= 0 else (),
        )

    def _of_class(self, row: int, label: int) -> tuple[Neighbour, ...]:
        """The most similar images with this label, without copies of the image itself."""
        return tuple(self._neighbour(other, close) for other, close in self._of_classes[row, label])

    def _neighbour(self, row: int, similarity: float) -> Neighbour:
        if row not in self._thumbnails:
            pixels = read_again(self._outcomes.samples[row], NEIGHBOUR_SIDE, self._limits)
            small = None if pixels is None else thumbnail(pixels, NEIGHBOUR_SIDE)
            self._thumbnails[row] = None if small is None else webp(small, _NEIGHBOUR_QUALITY)
        return Neighbour(
            file=self._samples.files[row],
            label=self._samples.given[row],
            similarity=round(similarity, 4),
            thumbnail=self._thumbnails[row],
        )


def _evidence(
    outcome: Outcome, samples: Samples, row: int, suggested: int, overlays: Overlays | None, limits: Limits
) -> Evidence | None:
    pixels = read_again(outcome.sample, SIDE if overlays is None else max(SIDE, overlays.at_least), limits)
    if pixels is None:
        return None
    small = thumbnail(pixels, SIDE)                                                     # (H, W, 3)
    height, width = small.shape[:2]
    picture = webp(small)
    if overlays is None or outcome.inferred is None:
        return Evidence(outcome.content, picture, width, height, (), (), "")
    heatmaps, method = overlays.draw(pixels, outcome.inferred, row, suggested)
    probabilities, source = _probabilities(outcome, samples, row, overlays.backend)
    return Evidence(
        content=outcome.content,
        thumbnail=picture,
        width=width,
        height=height,
        heatmaps=heatmaps,
        probabilities=probabilities,
        source=source,
        method=method or "",
        colours=overlays.colours,
    )


def _probabilities(
    outcome: Outcome, samples: Samples, row: int, backend: Backend
) -> tuple[tuple[tuple[str, float], ...], str]:
    """The probe's if it judged the image, in the folder's classes; else the model's own."""
    values, names, source = samples.out_of_fold[row], samples.classes, "out-of-fold probe"
    if not names or not np.isfinite(values).all():
        assert outcome.inferred is not None
        values, source = outcome.inferred.probabilities, "model"
        names = tuple(class_name(backend.card.classes, index) for index in range(len(values)))
    best = np.argsort(-values, kind="stable")[:TOP_PROBABILITIES]
    return tuple((names[index], float(values[index])) for index in best), source
