"""The scan: source -> samples -> outcomes -> findings -> audit. The only orchestration."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from auditor import __version__
from auditor.audit import Audit, Finding, LabelPower, RunInfo
from auditor.backends.base import Backend
from auditor.checks import Samples, known_checks, make_checks
from auditor.classes.class_map import IMAGENET_MAP
from auditor.classes.imagenet import readable
from auditor.classes.imagenet_view import ImageNetView
from auditor.data.changed import Changed, changed_images
from auditor.data.dataset import Dataset
from auditor.data.sources import stated_dataset
from auditor.duplicates.copies import find_copies
from auditor.engines import Engine, Outcomes
from auditor.gates import Gating, ImageCounts
from auditor.gates.baseline import known
from auditor.labels.estimate import estimate_errors
from auditor.labels.verdict import Power
from auditor.progress import Progress
from auditor.review.kept import Kept, Left, read_kept
from auditor.runs.folder import run_id as id_of
from auditor.scanning.classifier import classifier_for
from auditor.scanning.evidence import gather_evidence
from auditor.scanning.findings import Ran, make_findings
from auditor.scanning.hysteresis import steadied
from auditor.scanning.imagenet_view import imagenet_view
from auditor.scanning.inputs import Inputs
from auditor.scanning.judging import judge
from auditor.scanning.overlays import heatmap_notes
from auditor.scanning.pictures import Pictures
from auditor.scanning.predictions import predictions_table
from auditor.scanning.unchanged import fingerprint_of
from auditor.settings import Settings
from auditor.store import (
    Changes,
    Past,
    changes_of,
    collect,
    goes_on,
    keep_audit,
    open_store,
    read_past,
    recall_audit,
    repeats,
    stranger_note,
)
from auditor.text import masked_url, shown

#: Every type that `Audit.additions` may have: a store reads no others back.
ADDITIONS: tuple[type, ...] = (ImageNetView, Changes)


def run_scan(
    settings: Settings,
    *,
    backend: Backend | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    run_id: str | None = None,
    remember: Path | None = None,
) -> Audit:
    """Scans a labelled source.

    Args:
        settings: What to scan and how.
        backend: A classifier to use in place of the one that `settings` names.
        engine: Where reading and inference run; None is this machine.
        progress: Watches the long loops.
        run_id: Of the run that was claimed for it; None makes one of the time.
        remember: Folder of reports whose store is asked what it knows, and told what was found out; None is none.

    Raises:
        AuditorError: the source, the model or a setting cannot be used. A broken image is a finding, no error.
    """
    progress = progress or Progress()
    started, clock = datetime.now(UTC), time.perf_counter()
    checks = make_checks(settings.checks, settings.skip_rules, settings.rules)
    gating = Gating.stated(settings, {check.rule: check.kind for check in checks}, known_checks())
    listed = stated_dataset(settings)
    since = settings.changed_since
    changed = None if since is None else changed_images(listed, settings.data, since)
    classifier, dataset, task = classifier_for(settings, listed, backend)
    kept = read_kept(settings.out, settings.name or dataset.name)
    inputs = Inputs(settings, dataset, task, classifier, checks, gating, changed, kept, started.date())
    gating.check(inputs.name, shown(str(settings.data)), dataset.classes)
    # Not before: a scan that cannot begin leaves nothing behind.
    with open_store(remember) as store, goes_on(store):
        outcomes, cached = collect(
            dataset, task, store, settings.data, engine=engine, verify=settings.verify, progress=progress
        )
        key = fingerprint_of(inputs, outcomes)
        past = read_past(store, inputs.name)
        audit = recall_audit(store, settings.data, key, ADDITIONS)
        if audit is None or not repeats(past, audit):
            audit = _audit(inputs, outcomes, past, progress)
            keep_audit(store, settings.data, key, audit)
    audit = _compared(audit, past, gating, changed)
    seconds = time.perf_counter() - clock
    run = RunInfo(
        id=run_id or id_of(started),
        started_at=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        images_per_second=round(len(outcomes) / seconds, 2),
        cached=cached,
        auditor_version=__version__,
        settings=_stated(settings),
    )
    return replace(audit, notes=(*store.notes, *stranger_note(past, audit), *audit.notes), run=run)


def _audit(inputs: Inputs, outcomes: Outcomes, past: Past, progress: Progress) -> Audit:
    """Judges what was found out about the images; how the run went, and what is new, others add."""
    settings, dataset, classifier, changed = inputs.settings, inputs.dataset, inputs.classifier, inputs.changed
    silent = () if classifier is None else classifier.check_answers(outcomes)
    copies = find_copies(outcomes, settings.limits, threads=settings.threads, progress=progress)
    judgement = judge(dataset, outcomes, copies, classifier, show_doubtful=settings.doubtful, progress=progress)
    samples = judgement.samples
    raw = [Ran(check, check.run(samples)) for check in inputs.checks]
    steady = steadied(raw, samples, past, "" if classifier is None else classifier.backend.sha256, __version__)
    ran = steady.ran
    rank = judgement.review_order()
    findings, charts = make_findings(ran, samples, rank)
    rules = tuple(replace(each.rule, judged=_judged(each)) for each in ran)
    contents = _contents(samples) if inputs.gating.needs_contents else {}
    judged = {rule.name for rule in rules if rule.judged}
    findings, gate_notes = inputs.gating.mark(findings, contents, inputs.today, judged)
    left = _without_kept(findings, samples, inputs.kept)        # after `mark`: what accepts one of them is not stale
    findings = left.findings
    if changed is not None:
        findings, charts = changed.only(findings), {}
    pictures = Pictures(outcomes, samples, rules, settings.limits, progress)
    groups = pictures.copies(findings)
    evidence = gather_evidence(findings, rules, groups, outcomes, judgement, classifier, settings, progress)
    about_model = () if classifier is None else (
        *classifier.backend.notes,
        *classifier.scaling,
        *silent,
        *classifier.unknown_classes(dataset),
        *heatmap_notes(classifier.backend, evidence, settings.max_occlusion),
    )  # fmt: skip
    notes = (
        *(() if changed is None else changed.notes),
        *(() if classifier is None else classifier.stand_in()),
        *dataset.notes,
        *about_model,
        *_check_notes(ran),
        *steady.notes(),
        *gate_notes,
        *left.notes,
    )
    estimate = estimate_errors(samples.verdict, rank, samples.labels, samples.out_of_fold, judgement.probe.relearn)
    asked = settings.class_map == IMAGENET_MAP
    imagenet = None
    if asked and classifier is not None:
        imagenet = imagenet_view(outcomes, dataset.classes, classifier.backend, classifier.match, settings, progress)
    return Audit(
        name=inputs.name,
        root=shown(str(settings.data)),
        classes=_class_counts(dataset),
        outcomes={
            "ok": sum(failure is None for failure in outcomes.failures),
            "failed": sum(failure is not None for failure in outcomes.failures),
            "skipped": len(dataset.skipped),
        },
        skipped=dataset.skipped,
        model=None if classifier is None else classifier.info(outcomes),
        predictions=predictions_table(outcomes, dataset.skipped, judgement, classifier, rank),
        findings=findings,
        evidence=evidence,
        rules=rules,
        notes=tuple(map(readable, notes)),
        run=RunInfo("", "", 0, 0, 0, __version__),
        estimate=estimate,
        power=None if samples.verdict.power is None else _power(samples.verdict.power),
        additions=() if imagenet is None else (imagenet,),
        charts=charts,
        copies=groups,
        examples=pictures.examples(findings),
        kept=left.kept,
    )


def _without_kept(findings: tuple[Finding, ...], samples: Samples, kept: Kept) -> Left:
    """What is left when the images that people kept are not listed."""
    rows = zip(samples.files, zip(samples.contents, samples.given, strict=True), strict=True) if kept.rules else ()
    return kept.leave_out(findings, dict(rows))


def _compared(audit: Audit, past: Past, gating: Gating, changed: Changed | None) -> Audit:
    """The audit with what is new since the last run, and measured against the gates, which may ask for that."""
    findings = known(audit.findings, past.open)
    since = None if changed is not None else changes_of(past, audit)        # a part of the findings resolves none
    judged = {rule.name for rule in audit.rules if rule.judged}
    return replace(
        audit,
        findings=findings,
        gate=gating.measure(findings, _image_counts(audit, changed), judged),
        additions=audit.additions if since is None else (*audit.additions, since),
    )


def _power(power: Power) -> LabelPower:
    return LabelPower(
        knows=power.knows,
        chance=power.chance,
        swapped=power.swapped,
        found=power.found,
        disturbed=power.disturbed,
        can_judge=power.suffices,
    )


def _class_counts(dataset: Dataset) -> dict[str, int]:
    counts = Counter(sample.label for sample in dataset.samples)
    return {name: counts[name] for name in dataset.classes}


def _contents(samples: Samples) -> dict[str, str]:
    """File -> sha256 of its content, "" where it could not be opened."""
    return dict(zip(samples.files, samples.contents, strict=True))


def _image_counts(audit: Audit, changed: Changed | None) -> ImageCounts:
    """Of the images whose findings are listed: shares are shares of those."""
    table = audit.predictions
    return ImageCounts.of(
        (label if isinstance(label, str) else None, outcome == "ok")
        for file, label, outcome in zip(table["file"], table["label"], table["outcome"], strict=True)
        if outcome != "skipped" and (changed is None or file in changed.files)
    )


def _judged(ran: Ran) -> bool:
    """Whether a rule had anything to go by. One about the data set scores no image, and says in a note if not."""
    result = ran.result
    about_all = ran.rule.kind == "dataset" and not result.notes
    return about_all or bool(result.groups) or bool(np.isfinite(result.score).any())


def _check_notes(ran: Sequence[Ran]) -> Iterator[str]:
    for each in ran:
        yield from each.result.notes


def _stated(settings: Settings) -> dict[str, object]:
    stated = asdict(settings)
    if settings.webhook is not None:
        stated["webhook"] = masked_url(settings.webhook)        # reports are shown to others
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in stated.items()
        if value not in (None, ())
    }
