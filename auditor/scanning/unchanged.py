"""Whether anything changed since the last scan of a source, so that it must be judged again."""

import json
from dataclasses import fields

from auditor.engines import Outcomes
from auditor.scanning.inputs import Inputs
from auditor.store.history import ELSEWHERE
from auditor.store.keys import model_key, reader_key
from auditor.store.verdicts import code_fingerprint, fingerprint


def fingerprint_of(inputs: Inputs, outcomes: Outcomes) -> bytes:
    """A fingerprint of everything that an audit depends on but the past."""
    settings, dataset, task, classifier = inputs.settings, inputs.dataset, inputs.task, inputs.classifier
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
        tuple(inputs.checks),
        (inputs.gating, inputs.today if inputs.gating.entries else None),
        (inputs.changed, inputs.kept),
    )
