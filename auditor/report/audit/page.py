"""The page as a record: every number, sentence and class name of style is made here, templates only loop and print.

Nothing statistical is computed: an audit's own values are counted, formatted and put into words.
"""

from dataclasses import dataclass

from auditor.audit import Audit
from auditor.classes.imagenet_view import ImageNetView
from auditor.report.audit.cards import CardGroup, Filter, card_groups, filters
from auditor.report.audit.changes import ChangesSection, changes_section
from auditor.report.audit.copies import CopySection, copy_section
from auditor.report.audit.dataset import DatasetSection, dataset_section
from auditor.report.audit.estimate import estimate_sentences
from auditor.report.audit.gates import GateRow, gate_rows
from auditor.report.audit.headline import Verdict, figures, verdict
from auditor.report.audit.imagenet import ImageNetSection, imagenet_section
from auditor.report.audit.lines import LineTable, Placement, place, tables
from auditor.report.audit.names import readable_audit
from auditor.report.audit.rows import (
    RuleGroup,
    RuleRow,
    class_matrix,
    confusion_matrix,
    quiet_rules,
    rule_groups,
    rule_rows,
)
from auditor.report.audit.similar import Symbol, symbol_anchors, symbols
from auditor.report.shared.facts import (
    COPY_TERMS,
    GENERAL_TERMS,
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
from auditor.report.shared.parts import OCCLUSION, KeyFigure, Link, Stop, heat_stops
from auditor.runs.files import FINDINGS, SUMMARY
from auditor.text import count, listing, moment, number, visible


@dataclass(frozen=True)
class HeatWords:
    """What the two ends of the heatmap's legend mean, and the name of its colours."""

    cold: str
    hot: str
    colours: str


@dataclass(frozen=True)
class Page:
    """Everything that `report.html.j2` prints."""

    title: str
    name: str
    root: str
    date: str
    model: tuple[str, ...]
    in_sample: str
    gate: str
    gates: tuple[GateRow, ...]
    changes: ChangesSection | None
    notes_hint: str
    verdict: Verdict
    estimate: tuple[str, ...]
    figures: tuple[KeyFigure, ...]
    links: tuple[Link, ...]
    rules: tuple[RuleRow, ...]
    rule_groups: tuple[RuleGroup, ...]
    quiet_rules: tuple[str, ...]
    stacked: bool
    classes: Matrix
    confusion: Matrix | None
    confusion_absent: str
    imagenet: ImageNetSection | None
    imagenet_heat: tuple[Stop, ...]
    filters: tuple[Filter, ...]
    groups: tuple[CardGroup, ...]
    heat: tuple[Stop, ...]
    heat_words: HeatWords
    copies: CopySection | None
    dataset: DatasetSection | None
    symbols: tuple[Symbol, ...]
    tables: tuple[LineTable, ...]
    more: str
    skipped: tuple[Skipped, ...]
    skipped_count: str
    notes: tuple[str, ...]
    guessed: tuple[Fact, ...]
    model_facts: tuple[Fact, ...]
    about: tuple[Fact, ...]
    run: tuple[Fact, ...]
    glossary: tuple[Term, ...]
    version: str


def build_page(audit: Audit) -> Page:
    """Fills the page from an audit; the same audit gives the same page."""
    audit, ids = readable_audit(audit)
    placement = place(audit)
    headline = verdict(audit)
    groups = card_groups(placement)
    by_class, confusion = class_matrix(audit, ids), confusion_matrix(audit, ids)
    line_tables, anchors, rules = tables(placement), symbol_anchors(placement), rule_rows(audit, placement.rules)
    copies, dataset = copy_section(placement, anchors), dataset_section(placement, anchors)
    seen = audit.addition(ImageNetView)
    return Page(
        title=f"{visible(audit.name)}: {headline.sentence}",
        name=visible(audit.name),
        root=visible(audit.root),
        date=moment(audit.run.started_at),
        model=_model(audit),
        in_sample=_in_sample(audit),
        gate=_gate(audit),
        gates=gate_rows(audit),
        changes=changes_section(audit),
        notes_hint=f"{count(len(audit.notes), 'thing')} to know before deciding" if audit.notes else "",
        verdict=headline,
        estimate=estimate_sentences(audit),
        figures=figures(audit),
        links=_links(audit, groups, copies, dataset, line_tables),
        rules=rules,
        rule_groups=rule_groups(rules),
        quiet_rules=quiet_rules(rules),
        stacked=by_class.upright or (confusion is not None and confusion.upright),
        classes=by_class,
        confusion=confusion,
        confusion_absent=_confusion_absent(audit),
        imagenet=imagenet_section(seen, placement.files),
        imagenet_heat=heat_stops(seen.colours) if seen is not None and seen.method else (),
        filters=filters(placement),
        groups=groups,
        heat=_heat(audit),
        heat_words=_heat_words(audit),
        copies=copies,
        dataset=dataset,
        symbols=symbols(placement),
        tables=line_tables,
        more=_more(placement),
        skipped=skipped(audit.skipped),
        skipped_count=number(len(audit.skipped)),
        notes=tuple(map(visible, audit.notes)),
        guessed=() if audit.model is None else facts(audit.model.guessed),
        model_facts=model_facts(audit),
        about=() if audit.model is None else facts(audit.model.about),
        run=run_facts(audit.run, Fact("from the cache", count(audit.run.cached, "image"))),
        glossary=(*GENERAL_TERMS, *(MODEL_TERMS if audit.model is not None else ()), *(COPY_TERMS if copies else ())),
        version=visible(audit.run.auditor_version),
    )


def _model(audit: Audit) -> tuple[str, ...]:
    model = audit.model
    if model is None:
        return ()
    parts = (model.name, model.backend, model.device, model.sha256[:12])
    return tuple(visible(part) for part in parts if part)


def _gate(audit: Audit) -> str:
    return "" if audit.gate.passed else f"Failed: {visible(listing(audit.gate.rules)) or 'see ' + SUMMARY}."


def _in_sample(audit: Audit) -> str:
    if audit.model is None or not audit.model.in_sample:
        return ""
    images = count(audit.model.in_sample, "of these images", "of these images")
    return f"The model was trained on {images}: that it agrees with their labels proves little."


def _confusion_absent(audit: Audit) -> str:
    """Why there is no table of given against predicted labels; "" where nobody misses it."""
    if audit.model is None:
        return ""
    if len(audit.classes) < 2:
        return "With fewer than two classes there is no other label to predict."
    return "No image has a prediction to compare its label with."


def _heat(audit: Audit) -> tuple[Stop, ...]:
    """The legend of the cards' heatmaps; empty where there are none."""
    drawn = [evidence.colours for evidence in audit.evidence.values() if evidence.overlay is not None]
    return heat_stops(drawn[0]) if drawn else ()


def _heat_words(audit: Audit) -> HeatWords:
    drawn = [evidence for evidence in audit.evidence.values() if evidence.overlay is not None]
    colours, method = (drawn[0].colours, drawn[0].method) if drawn else ("inferno", "Grad-CAM")
    if method == OCCLUSION:
        hot = "covered, this costs the class under the picture most (occlusion map)"
        return HeatWords("no effect", hot, colours)
    return HeatWords("no evidence", f"strongest evidence for the class under the picture ({method})", colours)


def _more(placement: Placement) -> str:
    """What is on this page and what is not, so that nothing is cut in silence."""
    found, shown = len(placement.audit.findings), len(placement.shown)
    if found == shown:
        return f"All {count(found, 'finding')} are on this page, and in {FINDINGS}." if found > 1 else ""
    rest = number(found - shown)
    return f"{count(shown, 'finding')} of {number(found)} are on this page; {rest} more in {FINDINGS}."


def _links(
    audit: Audit,
    groups: tuple[CardGroup, ...],
    copies: CopySection | None,
    dataset: DatasetSection | None,
    line_tables: tuple[LineTable, ...],
) -> tuple[Link, ...]:
    links = [Link(group.anchor, group.short, group.count) for group in groups]
    links += [Link("copies", "Copies", copies.count)] if copies else []
    links += [Link("dataset", "Data set", dataset.count)] if dataset else []
    links += [Link(table.anchor, table.short, table.count) for table in line_tables]
    if audit.rules or audit.classes:
        links.append(Link("counts", "Counts"))
    if audit.addition(ImageNetView) is not None:
        links.append(Link("imagenet", "ImageNet"))
    if audit.notes:
        links.append(Link("notes", "Notes", number(len(audit.notes))))
    if audit.model is not None:
        links.append(Link("model", "Model"))
    return (*links, Link("run", "Run"), Link("reading", "How to read"))
