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
from auditor.backends.answers import refuse_silent, silent_note
from auditor.backends.base import Backend
from auditor.backends.class_match import match_dataset, model_info
from auditor.checks import make_checks
from auditor.classes.class_map import IMAGENET_MAP
from auditor.classes.imagenet import readable
from auditor.classes.names import ClassMatch
from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.data.sources import stated_dataset
from auditor.engines import Engine, LocalEngine, Outcomes, Task
from auditor.engines.scaling_probe import settle_scaling
from auditor.labels.estimate import estimate_errors
from auditor.labels.verdict import Power
from auditor.progress import Progress
from auditor.runs.folder import run_id as id_of
from auditor.scanning.evidence import gather_evidence
from auditor.scanning.findings import Ran, make_findings
from auditor.scanning.imagenet_view import imagenet_view
from auditor.scanning.judging import judge
from auditor.scanning.overlays import heatmap_notes
from auditor.scanning.predictions import predictions_table
from auditor.settings import Settings
from auditor.text import shown


def run_scan(
    settings: Settings,
    *,
    backend: Backend | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    run_id: str | None = None,
) -> Audit:
    """Scans a labelled source.

    Args:
        settings: What to scan and how.
        backend: A classifier to use in place of the one that `settings` names.
        engine: Where reading and inference run; None is this machine.
        progress: Watches the long loops.
        run_id: Of the run that was claimed for it; None makes one of the time.

    Raises:
        AuditorError: the source, the model or a setting cannot be used. A broken image is a finding, no error.
    """
    progress = progress or Progress()
    started, clock = datetime.now(UTC), time.perf_counter()
    checks = make_checks(settings.checks, settings.skip_rules)
    dataset = stated_dataset(settings)
    backend, dataset, match = match_dataset(backend or stated_backend(settings), dataset, settings.class_map)
    task = Task(backend, settings.limits, settings.batch_size, settings.threads)
    task, scaling = settle_scaling(task, match, dataset.samples, dataset.classes)
    backend = task.backend or backend
    outcomes = _outcomes(dataset, task, engine, progress)
    answered = _answered(outcomes)
    refuse_silent(*answered, backend.card.name)
    judgement = judge(
        dataset, outcomes, backend.card, match, show_doubtful=settings.doubtful, progress=progress
    )
    samples = judgement.samples
    ran = [Ran(check, check.run(samples)) for check in checks]
    rank = judgement.review_order()
    findings = make_findings(ran, samples, rank)
    evidence = gather_evidence(findings, outcomes, judgement, backend, match, settings, progress)
    notes = (
        *backend.notes,
        *scaling,
        *silent_note(*answered),
        *_model_notes(dataset, backend, match),
        *heatmap_notes(backend, evidence, settings.max_occlusion),
    )
    estimate = estimate_errors(samples.verdict, rank, samples.labels, samples.out_of_fold, judgement.probe.relearn)
    asked = settings.class_map == IMAGENET_MAP
    imagenet = imagenet_view(outcomes, dataset.classes, backend, match, settings, progress) if asked else None
    seen = sum(backend.card.saw(content) for content in outcomes.contents() if content)
    seconds = time.perf_counter() - clock
    return Audit(
        name=settings.name or dataset.name,
        root=shown(str(settings.data)),
        classes=_class_counts(dataset),
        outcomes={
            "ok": sum(failure is None for failure in outcomes.failures),
            "failed": sum(failure is not None for failure in outcomes.failures),
            "skipped": len(dataset.skipped),
        },
        skipped=dataset.skipped,
        model=model_info(backend, match, seen),
        predictions=predictions_table(outcomes, dataset.skipped, judgement, backend.card.classes, rank),
        findings=findings,
        evidence=evidence,
        rules=tuple(each.rule for each in ran),
        notes=tuple(map(readable, (*_stand_in(backend), *dataset.notes, *notes, *_check_notes(ran)))),
        run=RunInfo(
            id=run_id or id_of(started),
            started_at=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            images_per_second=round(len(outcomes) / seconds, 2),
            cached=0,
            auditor_version=__version__,
            settings=_stated(settings),
        ),
        estimate=estimate,
        power=None if samples.verdict.power is None else _power(samples.verdict.power),
        additions=() if imagenet is None else (imagenet,),
    )


def _outcomes(dataset: Dataset, task: Task, engine: Engine | None, progress: Progress) -> Outcomes:
    """One outcome for every sample, and for every file that the source itself already knows to be missing."""
    run = (engine or LocalEngine()).run(dataset.samples, task)
    failed = [(Sample(file, file, None, None), reason) for file, reason in dataset.failed]
    return Outcomes.collect(progress.track(run, len(dataset.samples), "images"), dataset.samples, failed)


def _answered(outcomes: Outcomes) -> tuple[int, int]:
    """How many images could be read, and for how many of them the model had numbers."""
    readable = sum(outcomes.decoded(row) is not None for row in range(len(outcomes)))
    return readable, int(outcomes.has_inferred().sum())


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


def _stand_in(backend: Backend) -> tuple[str, ...]:
    """That scores had to serve as the embedding, which weakens everything that is said about labels."""
    if not backend.no_embedding:
        return ()
    return (
        f"No embedding was found in the model {backend.card.name}, and its scores stand in for it "
        f"({backend.no_embedding}): images that it scores alike are taken for alike. What is said about labels and "
        "similar images is worth much less, above all for classes that the model does not know. Export it with plain "
        "linear layers at its end.",
    )


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
        if value not in (None, ())
    }
