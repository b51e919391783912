"""The scan: source -> samples -> outcomes -> findings -> audit. The only orchestration."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from auditor import __version__
from auditor.audit import Audit, LabelPower, RunInfo
from auditor.backends import stated_backend
from auditor.backends.base import Backend
from auditor.checks import make_checks
from auditor.classes import IMAGENET_MAP, ClassMatch
from auditor.dataset import Dataset, Sample, stated_dataset
from auditor.drawings import heatmap_notes
from auditor.engines import Outcome, run_pass
from auditor.evidence import gather_evidence
from auditor.findings import Ran, make_findings
from auditor.folders import shown
from auditor.imagenet import readable
from auditor.imagenet_view import imagenet_view
from auditor.judging import judge
from auditor.labels.estimate import estimate_errors
from auditor.labels.verdict import Power
from auditor.matching import match_model, model_info
from auditor.progress import Progress
from auditor.settings import Settings
from auditor.table import predictions_table


def run_scan(settings: Settings, *, backend: Backend | None = None, progress: Progress | None = None) -> Audit:
    """Scans a labelled source.

    Args:
        settings: What to scan and how.
        backend: A classifier to use in place of the one that `settings` names.
        progress: Watches the long loops.

    Raises:
        AuditorError: the source, the model or a setting cannot be used. A broken image is a finding, no error.
    """
    progress = progress or Progress()
    started, clock = datetime.now(UTC), time.perf_counter()
    checks = make_checks(settings.checks, settings.skip_rules)
    dataset = stated_dataset(settings)
    backend, match = match_model(backend or stated_backend(settings), dataset.classes, settings.class_map)
    outcomes = _outcomes(dataset, backend, settings, progress)
    judgement = judge(
        dataset, outcomes, backend.card, match, show_doubtful=settings.doubtful, progress=progress
    )
    samples = judgement.samples
    ran = [Ran(check, check.run(samples)) for check in checks]
    rank = judgement.review_order()
    findings = make_findings(ran, samples, outcomes, rank)
    evidence = gather_evidence(findings, outcomes, judgement, backend, match, settings, progress)
    notes = (*_model_notes(dataset, backend, match), *heatmap_notes(backend, evidence, settings.max_occlusion))
    estimate = estimate_errors(samples.verdict, rank, samples.labels, samples.out_of_fold, judgement.probe.relearn)
    asked = settings.class_map == IMAGENET_MAP
    imagenet = imagenet_view(outcomes, dataset.classes, backend, match, settings, progress) if asked else None
    seen = sum(backend.card.saw(outcome.content) for outcome in outcomes if outcome.content)
    seconds = time.perf_counter() - clock
    return Audit(
        name=settings.name or dataset.name,
        root=shown(str(settings.data)),
        classes=_class_counts(dataset),
        outcomes={
            "ok": sum(outcome.failure is None for outcome in outcomes),
            "failed": sum(outcome.failure is not None for outcome in outcomes),
            "skipped": len(dataset.skipped),
        },
        skipped=dataset.skipped,
        model=model_info(backend, match, seen),
        predictions=predictions_table(outcomes, dataset.skipped, judgement, backend.card.classes, rank),
        findings=findings,
        evidence=evidence,
        rules=tuple(each.rule for each in ran),
        notes=tuple(map(readable, (*dataset.notes, *notes, *_check_notes(ran)))),
        run=RunInfo(
            id=started.strftime("%Y%m%dT%H%M%SZ"),
            started_at=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            images_per_second=round(len(outcomes) / seconds, 2),
            cached=0,
            auditor_version=__version__,
            settings=_stated(settings),
        ),
        estimate=estimate,
        power=None if samples.verdict.power is None else _power(samples.verdict.power),
        imagenet=imagenet,
    )


def _outcomes(dataset: Dataset, backend: Backend, settings: Settings, progress: Progress) -> list[Outcome]:
    """One outcome for every sample, and for every file that the source itself already knows to be missing."""
    run = run_pass(
        dataset.samples,
        backend,
        batch_size=settings.batch_size,
        threads=settings.threads,
        max_pixels=settings.max_pixels,
    )
    outcomes = list(progress.track(run, len(dataset.samples), "images"))
    for file, reason in dataset.failed:
        outcomes.append(Outcome(Sample(dataset.root / file, file, None, None), content="", size=0, failure=reason))
    return sorted(outcomes, key=lambda outcome: outcome.sample.file)


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


def _check_notes(ran: Sequence[Ran]) -> Iterator[str]:
    for each in ran:
        yield from each.result.notes


def _model_notes(dataset: Dataset, backend: Backend, match: ClassMatch) -> tuple[str, ...]:
    """What the model could not give: a verdict in the folder's classes."""
    notes = []
    if dataset.classes and not match.complete:
        known = f"{len(backend.card.classes)} classes" if backend.card.has_classes else "classes without names"
        notes.append(
            f"The model {backend.card.name} ({known}) does not know {', '.join(match.missing[:5])}"
            f"{' and others' if len(match.missing) > 5 else ''}: labels were judged by its embeddings alone. "
            "Map its classes with --class-map if it does."
        )
    return tuple(notes)


def _stated(settings: Settings) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(settings).items()
        if value is not None
    }
