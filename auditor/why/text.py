"""An explanation for people, and the same for programs; neither lets a name speak to the terminal.

Terms of the trade stand under the heading `JUDGED` only; what stands above it anybody who knows the pictures can read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from auditor.classes.imagenet import readable
from auditor.text import count, listing, percent, visible, whole_percent
from auditor.why.explanation import Explanation, Neighbourhood, Opinion
from auditor.why.rules import RuleVerdict

INDENT = "  "
JUDGED = "How this was judged"


def as_json(explanation: Explanation) -> str:
    """The record as JSON in ASCII: what a terminal would obey is escaped with the rest."""
    return json.dumps(asdict(explanation), indent=2, ensure_ascii=True)


def as_text(explanation: Explanation) -> str:
    """The verdict first, then who says what, then the rules; synset ids of ImageNet read as their names."""
    lines = list(_verdict(explanation))
    lines += _section("Who says what", _table(_opinions(explanation)))
    lines += _section("Rules", _table((_called(verdict), _rule(verdict)) for verdict in explanation.rules))
    named = (f"{mention.rule} of {mention.subject}: {mention.message}" for mention in explanation.mentioned)
    lines += _section("Named by findings about other files", (INDENT + line for line in named))
    lines += _section(JUDGED, _table(_judged(explanation)))
    lines = [explanation.file, *map(readable, lines), "", *_sources(explanation)]
    return "\n".join(map(visible, lines))


def _verdict(explanation: Explanation) -> Iterator[str]:
    if explanation.outcome == "skipped":
        yield f"Left out of the scan: {explanation.reason or 'no reason was stored'}."
        return
    if explanation.outcome == "failed":
        yield f"It cannot be read: {explanation.reason or 'no reason was stored'}. Nothing was inferred on it."
    label = "without a label" if explanation.label is None else f"labelled {explanation.label}"
    if explanation.suggested is not None:
        label += f", suggested {explanation.suggested}"
    flagged = listing(dict.fromkeys(verdict.title for verdict in explanation.rules if verdict.flagged))
    yield f"Flagged ({flagged}): {label}." if flagged else f"Not flagged: {label}."
    if explanation.place is not None:
        yield f"Place {explanation.place:,} of {explanation.ranked:,} to review."


def _opinions(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """(who, what) in the order in which the label rules ask them."""
    if explanation.p_correct is not None:
        yield "label", f"right with a probability of {whole_percent(explanation.p_correct)}"
    if explanation.probe is not None:
        yield "other images", _opinion(explanation.probe, explanation.label)
    if explanation.model is not None:
        yield "model", _model(explanation.model, explanation.label)
    if explanation.neighbours is not None:
        yield from _neighbours(explanation.neighbours, explanation.label)


def _opinion(opinion: Opinion, label: str | None) -> str:
    sure = "" if opinion.confidence is None else f" ({whole_percent(opinion.confidence)})"
    given = opinion.p_given
    other = "" if given is None or label in (None, opinion.predicted) else f", {label} has {whole_percent(given)}"
    return f"{opinion.predicted}{sure}{other}"


def _model(model: Opinion, label: str | None) -> str:
    if not model.judged:
        return f"{_opinion(model, None)}; its classes are not the folder's, so that was not judged"
    seen = f"; it was trained on {count(model.in_sample, 'image')} of this data set" if model.in_sample else ""
    return _opinion(model, label) + seen


def _neighbours(near: Neighbourhood, label: str | None) -> Iterator[tuple[str, str]]:
    total = len(near.files)
    same = "" if label is None else f": {near.same} of {total} labelled {label}"
    yield "neighbours", f"the {count(total, 'most similar image')}{same}"
    for look in near.files:
        yield "", f"{INDENT}{look.file}  {'no label' if look.label is None else look.label}"


def _rule(verdict: RuleVerdict) -> str:
    if not verdict.flagged:
        return verdict.why
    marks = [
        verdict.severity or "",
        {"accepted": "accepted", "persisting": "seen before"}.get(verdict.status or "", ""),
    ]
    return f"FLAGGED ({', '.join(filter(None, marks))}): {verdict.why}"


def _called(verdict: RuleVerdict) -> str:
    """What pages call a rule, and its name in files and options."""
    return verdict.title if verdict.title == verdict.rule else f"{verdict.title} ({verdict.rule})"


def _judged(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """What the words above stand for, and the numbers behind them, exactly."""
    if explanation.label_score is not None:
        yield "label score", f"{explanation.label_score:.4g}, 0 is worst; the order of review follows it"
    if explanation.probe is not None:
        yield "other images", "a probe on the model's embeddings, out of fold: it did not learn from this image"
    if explanation.neighbours is not None and explanation.neighbours.share is not None:
        share = percent(explanation.neighbours.share)
        yield "neighbours", f"of the vote of the nearest embeddings {share} is for the given label"
    for verdict in explanation.rules:
        pairs = (("value", verdict.value), ("threshold", verdict.threshold), ("score", verdict.score))
        if stated := [f"{name} {number:.4g}" for name, number in pairs if number is not None]:
            yield verdict.rule, ", ".join(stated)


def _sources(explanation: Explanation) -> Iterator[str]:
    image = explanation.image
    parts = [str(image[key]) for key in ("format", "mode") if key in image]
    if "width" in image and "height" in image:
        parts.append(f"{image['width']} x {image['height']} px")
    if "bytes" in image:
        parts.append(f"{image['bytes']:,} bytes")
    if explanation.split is not None:
        parts.append(f"split {explanation.split}")
    if parts:
        yield f"Image: {', '.join(parts)}."
    run = explanation.run
    yield f"From {run.folder}: {run.root}, scanned {run.started_at}."
    if explanation.also_in:
        yield f"Also in {listing(explanation.also_in)}; choose with --name or --run."


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", title, *found] if found else []


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{INDENT}{name:<{width}}  {text}" for name, text in rows]
