"""The scan: source -> samples -> outcomes -> findings -> audit. The only orchestration."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor import __version__
from auditor.audit import Audit, ModelInfo, RunInfo
from auditor.backends import load_backend
from auditor.backends.base import Backend
from auditor.checks import ModelView, Samples, make_checks
from auditor.classes import ClassMatch, class_name, match_classes, read_class_map
from auditor.dataset import Dataset, Sample, load_dataset
from auditor.engines import Outcome, run_pass
from auditor.evidence import gather_evidence
from auditor.findings import Ran, make_findings, review_rank
from auditor.folders import shown
from auditor.images import extension_matches
from auditor.modelcard import ModelCard
from auditor.probe import assign_folds, out_of_fold
from auditor.progress import Progress
from auditor.resources import bundled_model
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
    checks = make_checks(settings.checks)
    dataset = _dataset(settings)
    backend = backend or _backend(settings)
    match = match_classes(dataset.classes, backend.card.classes, read_class_map(settings.class_map))
    outcomes = _outcomes(dataset, backend, settings, progress)
    samples = _samples(dataset, outcomes, backend, match)
    ran = [Ran(check, check.run(samples)) for check in checks]
    rank = review_rank(ran, samples)
    findings = make_findings(ran, samples, outcomes, rank)
    evidence = gather_evidence(findings, outcomes, samples, backend, settings.max_cards, progress)
    label_score = next(each.result.score for each in ran if each.check.is_about_labels)
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
        model=_model_info(backend, match, outcomes),
        predictions=predictions_table(outcomes, dataset.skipped, samples, backend.card.classes, label_score, rank),
        findings=findings,
        evidence=evidence,
        rules=tuple(each.rule for each in ran),
        notes=(*dataset.notes, *_model_notes(dataset, backend, match), *(n for each in ran for n in each.result.notes)),
        run=RunInfo(
            id=started.strftime("%Y%m%dT%H%M%SZ"),
            started_at=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            images_per_second=round(len(outcomes) / seconds, 2),
            cached=0,
            auditor_version=__version__,
            settings=_stated(settings),
        ),
    )


def _dataset(settings: Settings) -> Dataset:
    return load_dataset(
        settings.data,
        label_from=settings.label_from,
        file_column=settings.file_column,
        label_column=settings.label_column,
        split_column=settings.split_column,
    )


def _backend(settings: Settings) -> Backend:
    return load_backend(
        settings.model or bundled_model(),
        device=settings.device,
        kind=settings.backend,
        preprocessing=settings.preprocessing,
        classes=settings.classes,
        threads=settings.threads,
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


def _samples(dataset: Dataset, outcomes: Sequence[Outcome], backend: Backend, match: ClassMatch) -> Samples:
    index = {name: position for position, name in enumerate(dataset.classes)}
    labels = np.array([index.get(outcome.sample.label or "", -1) for outcome in outcomes], dtype=np.intp)   # (N,)
    embeddings = _rows([outcome.inferred.embedding if outcome.inferred else None for outcome in outcomes])  # (N, K)
    view = _model_view(outcomes, dataset, backend, match) if match.complete and dataset.classes else None
    probe = out_of_fold(
        embeddings,
        labels,
        assign_folds([outcome.content for outcome in outcomes]),
        len(dataset.classes),
        witness=None if view is None else _unseen(view.probabilities, outcomes, backend.card),
    )
    return Samples(
        files=tuple(outcome.sample.file for outcome in outcomes),
        classes=dataset.classes,
        labels=labels,
        failures=tuple(outcome.failure for outcome in outcomes),
        mismatches=tuple(_mismatch(outcome) for outcome in outcomes),
        model=view,
        out_of_fold=probe.probabilities,
    )


def _unseen(
    probabilities: NDArray[np.float32], outcomes: Sequence[Outcome], card: ModelCard
) -> NDArray[np.float32] | None:
    """(N, C) the model's probabilities where it can testify about a label: it was not trained on the image.

    Only a card that lists what the model was trained on can show that.
    """
    if not card.trained_on:
        return None
    seen = np.array([card.saw(outcome.content) for outcome in outcomes], dtype=bool)
    return np.where(seen[:, None], np.nan, probabilities).astype(np.float32)


def _model_view(outcomes: Sequence[Outcome], dataset: Dataset, backend: Backend, match: ClassMatch) -> ModelView:
    own = _rows([outcome.inferred.probabilities if outcome.inferred else None for outcome in outcomes])     # (N, C)
    own = own.astype(np.float32)
    if not own.shape[1]:                        # no image was readable
        own = np.full((len(outcomes), len(backend.card.classes)), np.nan, dtype=np.float32)
    projected = match.project(own, len(dataset.classes))                                # (N, F)
    readable = np.isfinite(own).all(axis=1)
    top, best = np.nan_to_num(own).argmax(axis=1), np.nan_to_num(projected).argmax(axis=1)
    rows = range(len(own))
    # Several model classes may stand for one of the folder's: their sum competes with the best of all classes.
    known = projected[rows, best] >= own[rows, top]                                     # (N,) a folder class is on top

    def name(row: int) -> str | None:
        if not readable[row]:
            return None
        return dataset.classes[best[row]] if known[row] else class_name(backend.card.classes, int(top[row]))

    return ModelView(
        probabilities=projected,
        predicted=tuple(name(row) for row in rows),
        predicted_class=np.where(known, best, -1).astype(np.intp),
        confidence=np.where(known, projected[rows, best], own[rows, top]).astype(np.float32),
    )


def _rows(vectors: Sequence[NDArray[np.floating] | None]) -> NDArray[np.floating]:
    """Stacks vectors of one length; NaN rows where there is none. (N, 0) where there is no vector at all."""
    first = next((vector for vector in vectors if vector is not None), None)
    if first is None:
        return np.full((len(vectors), 0), np.nan, dtype=np.float32)
    stacked = np.full((len(vectors), len(first)), np.nan, dtype=first.dtype)
    for row, vector in enumerate(vectors):
        if vector is not None:
            stacked[row] = vector
    return stacked


def _mismatch(outcome: Outcome) -> str | None:
    if outcome.decoded is None or extension_matches(outcome.sample.path.name, outcome.decoded.format):
        return None
    return outcome.decoded.format


def _class_counts(dataset: Dataset) -> dict[str, int]:
    counts = Counter(sample.label for sample in dataset.samples)
    return {name: counts[name] for name in dataset.classes}


def _model_info(backend: Backend, match: ClassMatch, outcomes: Sequence[Outcome]) -> ModelInfo:
    card = backend.card
    return ModelInfo(
        name=card.name,
        backend=backend.kind,
        device=backend.device,
        sha256=backend.sha256,
        classes=card.classes,
        matched=match.complete,
        in_sample=sum(card.saw(outcome.content) for outcome in outcomes if outcome.content),
        guessed=card.guessed,
        about=card.about,
    )


def _model_notes(dataset: Dataset, backend: Backend, match: ClassMatch) -> tuple[str, ...]:
    """What the model could not give: a verdict in the folder's classes, or heatmaps."""
    notes = []
    if dataset.classes and not match.complete:
        known = f"{len(backend.card.classes)} classes" if backend.card.has_classes else "classes without names"
        notes.append(
            f"The model {backend.card.name} ({known}) does not know {', '.join(match.missing[:5])}"
            f"{' and others' if len(match.missing) > 5 else ''}: labels were judged by its embeddings alone. "
            "Map its classes with --class-map if it does."
        )
    if backend.no_head:
        notes.append(f"There are no heatmaps: {backend.no_head}")
    return tuple(notes)


def _stated(settings: Settings) -> dict[str, object]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(settings).items()
        if value is not None
    }
