"""The model of a scan, its classes matched to the folder's, and what the reader must know about it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditor.audit import ModelInfo
from auditor.backends import stated_backend
from auditor.backends.answers import refuse_silent, silent_note
from auditor.backends.base import Backend
from auditor.backends.class_match import match_dataset, model_info
from auditor.classes.names import ClassMatch
from auditor.data.dataset import Dataset
from auditor.engines import Outcomes, Task
from auditor.engines.scaling_probe import settle_scaling
from auditor.settings import Settings


@dataclass(frozen=True)
class Classifier:
    """A model over a data set.

    Attributes:
        backend: It.
        match: How its classes map to the folder's.
        scaling: What the reader must know about how it wants its pixels.
    """

    backend: Backend
    match: ClassMatch
    scaling: tuple[str, ...]

    def info(self, outcomes: Outcomes) -> ModelInfo:
        """What pages say about it."""
        seen = sum(self.backend.card.saw(content) for content in outcomes.contents() if content)
        return model_info(self.backend, self.match, seen)

    def check_answers(self, outcomes: Outcomes) -> tuple[str, ...]:
        """A note where it had no numbers for some of the images; raises InputError where it had none at all."""
        readable, answered = int(outcomes.is_decoded().sum()), int(outcomes.has_inferred().sum())
        refuse_silent(readable, answered, self.backend.card.name)
        return silent_note(readable, answered)

    def stand_in(self) -> Iterator[str]:
        """That scores had to serve as the embedding, which weakens everything that is said about labels."""
        if self.backend.no_embedding:
            yield (
                f"No embedding was found in the model {self.backend.card.name}, and its scores stand in for it "
                f"({self.backend.no_embedding}): images that it scores alike are taken for alike. What is said about "
                "labels and similar images is worth much less, above all for classes that the model does not know. "
                "Export it with plain linear layers at its end."
            )

    def unknown_classes(self, dataset: Dataset) -> Iterator[str]:
        """That it could not give a verdict in the folder's classes."""
        card, missing = self.backend.card, self.match.missing
        if dataset.classes and missing:
            known = f"{len(card.classes)} classes" if card.has_classes else "classes without names"
            yield (
                f"The model {card.name} ({known}) does not know {', '.join(missing[:5])}"
                f"{' and others' if len(missing) > 5 else ''}: labels were judged by its embeddings alone. "
                "Map its classes with --class-map if it does."
            )


def classifier_for(
    settings: Settings, dataset: Dataset, backend: Backend | None
) -> tuple[Classifier | None, Dataset, Task]:
    """The model that the settings name, or none; the data set, its classes merged as the user says; and the task.

    Args:
        settings: Of the scan.
        dataset: What is scanned.
        backend: A classifier to use in place of the one that `settings` names.

    Raises:
        AuditorError: the model cannot be used.
    """
    task = Task(None, settings.limits, settings.batch_size, settings.threads, describe=True)
    if settings.no_model:
        return None, dataset, task
    backend, dataset, match = match_dataset(backend or stated_backend(settings), dataset, settings.class_map)
    task, scaling = settle_scaling(replace(task, backend=backend), match, dataset.samples, dataset.classes)
    return Classifier(task.backend or backend, match, scaling), dataset, task
