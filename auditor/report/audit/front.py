"""What only the first page has: the verdict with a picture, counts, tables of classes, and how it all was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.audit import Audit
from auditor.classes.imagenet_view import ImageNetView
from auditor.report.audit.cards import Card
from auditor.report.audit.changes import ChangesSection, changes_section
from auditor.report.audit.copies import CopyGroup, CopySection
from auditor.report.audit.data import Views
from auditor.report.audit.dataset import DatasetSection, dataset_section
from auditor.report.audit.estimate import estimate_sentences, qualification
from auditor.report.audit.gates import GateRow, gate_rows
from auditor.report.audit.headline import NextStep, Verdict, next_step, verdict
from auditor.report.audit.imagenet import ImageNetSection, imagenet_section
from auditor.report.audit.lines import LineTable, Placement
from auditor.report.audit.rows import (
    RuleGroup,
    RuleRow,
    class_matrix,
    confusion_matrix,
    quiet_rules,
    rule_groups,
    rule_rows,
)
from auditor.report.audit.worst import Worst, worst
from auditor.report.shared.assets import Assets
from auditor.report.shared.facts import (
    COPY_TERMS,
    GENERAL_TERMS,
    JUDGING_TERMS,
    MODEL_TERMS,
    Fact,
    Skipped,
    Term,
    facts,
    model_facts,
    run_facts,
    skipped,
)
from auditor.report.shared.matrix import Matrix
from auditor.report.shared.parts import OCCLUSION, Link, Stop, heat_stops
from auditor.runs.files import SUMMARY
from auditor.text import count, listing, moment, number, visible


@dataclass(frozen=True)
class HeatLegend:
    """The colours of the heatmaps with what their ends mean, and the name of the colours."""

    stops: tuple[Stop, ...]
    cold: str
    hot: str
    colours: str


@dataclass(frozen=True)
class Front:
    """Everything that only the first page prints."""

    root: str
    date: str
    verdict: Verdict
    qualification: str
    next: NextStep | None
    worst: Worst | None
    gate: str
    gates: tuple[GateRow, ...]
    changes: ChangesSection | None
    dataset: DatasetSection | None
    rules: tuple[RuleRow, ...]
    rule_groups: tuple[RuleGroup, ...]
    quiet_rules: tuple[str, ...]
    stacked: bool
    classes: Matrix
    confusion: Matrix | None
    confusion_absent: str
    imagenet: ImageNetSection | None
    imagenet_heat: tuple[Stop, ...]
    skipped: tuple[Skipped, ...]
    skipped_count: str
    notes: tuple[str, ...]
    kept: str
    judged: tuple[str, ...]
    judging_terms: tuple[Term, ...]
    guessed: tuple[Fact, ...]
    model_facts: tuple[Fact, ...]
    about: tuple[Fact, ...]
    run: tuple[Fact, ...]
    glossary: tuple[Term, ...]


def build_front(
    placement: Placement,
    cards: tuple[Card, ...],
    groups: tuple[CopyGroup, ...],
    anchors: Mapping[bytes, str],
    assets: Assets,
    views: Views,
    ids: Mapping[str, str],
) -> Front:
    """The first page's own parts.

    Args:
        placement: Of the first page.
        cards, groups: That it shows: the first of them is the picture beside the verdict.
        anchors: Small picture -> its symbol on the page.
        assets: Takes the pictures.
        views: The ways from tables to their images.
        ids: Readable name of a class -> the one that the data set has, where these differ.
    """
    audit = placement.audit
    first = {finding.rule: placement.href(finding) for finding in reversed(audit.standing)}
    by_class, confusion = class_matrix(audit, ids, views.href), confusion_matrix(audit, ids, views.href)
    rules = rule_rows(audit, lambda rule: views.href(rule=rule) or first.get(rule, ""))
    seen = audit.addition(ImageNetView)
    has_model = audit.model is not None
    return Front(
        root=visible(audit.root),
        date=moment(audit.run.started_at),
        verdict=verdict(audit),
        qualification=qualification(audit),
        next=next_step(audit),
        worst=worst(cards, groups),
        gate="" if audit.gate.passed else f"Failed: {visible(listing(audit.gate.rules)) or 'see ' + SUMMARY}.",
        gates=gate_rows(audit),
        changes=changes_section(audit),
        dataset=dataset_section(placement, anchors),
        rules=rules,
        rule_groups=rule_groups(rules),
        quiet_rules=quiet_rules(rules),
        stacked=by_class.upright or (confusion is not None and confusion.upright),
        classes=by_class,
        confusion=confusion,
        confusion_absent=_confusion_absent(audit),
        imagenet=imagenet_section(seen, placement.file_href, assets),
        imagenet_heat=heat_stops(seen.colours) if seen is not None and seen.method else (),
        skipped=skipped(audit.skipped),
        skipped_count=number(len(audit.skipped)),
        notes=tuple(map(visible, audit.notes)),
        kept=_kept(audit),
        judged=_judged(audit),
        judging_terms=JUDGING_TERMS if has_model else (),
        guessed=() if audit.model is None else facts(audit.model.guessed),
        model_facts=model_facts(audit),
        about=() if audit.model is None else facts(audit.model.about),
        run=run_facts(audit.run, Fact("from the cache", count(audit.run.cached, "image"))),
        glossary=(*GENERAL_TERMS, *(MODEL_TERMS if has_model else ()), *(COPY_TERMS if audit.copies else ())),
    )


def heat_legend(placement: Placement) -> HeatLegend | None:
    """The legend of a page's heatmaps; None where there are none."""
    drawn = [evidence for file in placement.cards if (evidence := placement.audit.evidence[file]).heatmaps]
    if not drawn:
        return None
    stops, colours, method = heat_stops(drawn[0].colours), drawn[0].colours, drawn[0].method
    if method == OCCLUSION:
        return HeatLegend(stops, "no effect", f"covered, this costs the class most ({method} map)", colours)
    return HeatLegend(stops, "no evidence", f"strongest evidence ({method})", colours)


def section_links(
    cards: Sequence[Card], copies: CopySection | None, line_tables: Sequence[LineTable], front: Front | None
) -> tuple[Link, ...]:
    """The menu of a page."""
    links = [Link("images", "Images")] if cards else []
    links += [Link("copies", "Copies", copies.count)] if copies else []
    links += [Link("dataset", "Data set", front.dataset.count)] if front is not None and front.dataset else []
    links += [Link(table.anchor, table.short, table.count) for table in line_tables if table.anchor != "accepted"]
    if front is None:
        return tuple(links)
    links += [Link("counts", "Counts")] if front.rules or front.classes.rows else []
    links += [Link("imagenet", "ImageNet")] if front.imagenet is not None else []
    links += [Link("notes", "Notes", number(len(front.notes)))] if front.notes else []
    return (*links, Link("about", "About"))


def _judged(audit: Audit) -> tuple[str, ...]:
    """How far what the page says can be believed: what was measured, and what the model knew before."""
    return tuple(filter(None, (*estimate_sentences(audit), _in_sample(audit))))


def _in_sample(audit: Audit) -> str:
    if audit.model is None or not audit.model.in_sample:
        return ""
    images = count(audit.model.in_sample, "of these images", "of these images")
    return f"The model was trained on {images}: that it agrees with their labels proves little."


def _kept(audit: Audit) -> str:
    """What was left out because people had decided it."""
    if not audit.kept:
        return ""
    found = count(len(audit.kept), "finding is", "findings are")
    return f"{found} left out, because people looked at these images in review and kept them."


def _confusion_absent(audit: Audit) -> str:
    """Why there is no table of given against predicted labels; "" where nobody misses it."""
    if audit.model is None:
        return ""
    if len(audit.classes) < 2:
        return "With fewer than two classes there is no other label to predict."
    return "No image has a prediction to compare its label with."
