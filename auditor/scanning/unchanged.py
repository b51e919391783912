"""Whether anything changed since the last scan of a source, so that it must be judged again."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date

from auditor.checks import Check
from auditor.data.changed import Changed
from auditor.data.dataset import Dataset
from auditor.engines import Outcomes, Task
from auditor.gates import Gating
from auditor.scanning.classifier import Classifier
from auditor.settings import Settings
from auditor.store.history import ELSEWHERE
from auditor.store.keys import model_key, reader_key
from auditor.store.verdicts import code_fingerprint, fingerprint


def fingerprint_of(
    settings: Settings,
    dataset: Dataset,
    task: Task,
    outcomes: Outcomes,
    classifier: Classifier | None,
    checks: Sequence[Check],
    gating: Gating,
    changed: Changed | None,
    today: date,
) -> bytes:
    """A fingerprint of everything that an audit depends on; `today` is what acceptances expire by."""
    stated = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in ELSEWHERE}
    # As one text each, because there may be millions.
    samples = json.dumps([(sample.file, sample.label, sample.split) for sample in outcomes.samples])
    results = " ".join(outcomes.contents()), json.dumps(outcomes.failures), outcomes.sizes
    model = None
    if classifier is not None:
        backend = classifier.backend
        told = backend.notes, backend.no_head, backend.no_embedding, classifier.scaling
        model = model_key(task, backend), backend.card, told, classifier.match
    return fingerprint(
        code_fingerprint(),
        stated,
        (dataset.name, dataset.classes, dataset.skipped, dataset.failed, dataset.notes),
        (samples, results),
        (reader_key(task), model),
        tuple(checks),
        (gating, today if gating.entries else None),
        changed,
    )
