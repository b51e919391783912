"""The pass over a data set: what the store knows is taken from it, an engine does the rest, and the store learns it."""

from dataclasses import replace

import numpy as np

from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.engines import Engine, LocalEngine, Outcomes, Task
from auditor.progress import Progress
from auditor.store.session import Session
from auditor.store.store import Store


def collect(
    dataset: Dataset,
    task: Task,
    store: Store,
    location: str,
    *,
    engine: Engine | None = None,
    verify: bool = False,
    progress: Progress | None = None,
) -> tuple[Outcomes, int]:
    """One outcome for every sample, and for every file that the source itself already knows to be missing.

    Args:
        dataset: Its samples.
        task: What is done with each, but for its memory, which is the store's.
        store: May remember nothing.
        location: What is scanned, as it was stated.
        engine: Where reading and inference run; None is this machine.
        verify: Whether every file is read, however unchanged it seems.
        progress: Watches the images that are read.

    Returns:
        The outcomes, and how many of them were known, so that nothing was decoded for them.

    Raises:
        Incomplete: the disk is full.
    """
    failed = [(Sample(file, file, None, None), reason) for file, reason in dataset.failed]
    outcomes = Outcomes(dataset.samples, failed, scratch=store.folder)
    session = Session(store, task, location, verify=verify)
    known = np.zeros(len(dataset.samples), bool)
    try:
        for place, outcome in session.recall(dataset.samples):
            outcomes.put(place, outcome)
            known[place] = True
        rest = np.flatnonzero(~known).tolist()
        samples = [dataset.samples[place] for place in rest]
        stream = (engine or LocalEngine()).run(samples, replace(task, memory=session))
        watched = (progress or Progress()).track(stream, len(rest), "images")
        for place, outcome in zip(rest, watched, strict=True):
            outcomes.put(place, outcome)
            known[place] = outcome.remembered
            session.keep(outcome)
        session.finish(dataset.samples)
    finally:
        session.close()
    return outcomes, int(known.sum())
