"""Which of the model's classes are classes of the folder: by name, by the user's map, or by the order of ImageNet.

A model may have the ImageNet classes in a further head, as the bundled one does: its own classes are then matched by
name, and the further head is a second classifier, which `imagenet_head` finds.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.audit import ModelInfo
from auditor.backends.base import Backend, NamedHead
from auditor.classes.class_map import IMAGENET_MAP, read_class_map
from auditor.classes.imagenet import output_names, positions
from auditor.classes.names import ClassMatch, find_animals, match_classes, match_imagenet, split_map
from auditor.data.dataset import Dataset
from auditor.errors import InputError


def match_dataset(
    backend: Backend, dataset: Dataset, class_map: str | None
) -> tuple[Backend, Dataset, ClassMatch]:
    """Matches a model's classes to those of a data set, after classes of the data that the user merged are one.

    Args:
        backend: The classifier. Not changed.
        dataset: The data. Not changed.
        class_map: As `--class-map` takes it.

    Returns:
        The classifier as `match_model` returns it; the data set with merged classes; and the match.

    Raises:
        InputError: the map cannot be read, or does not fit the model or the data.
    """
    if class_map is None or class_map == IMAGENET_MAP:
        named, match = match_model(backend, dataset.classes, class_map)
        return named, dataset, match
    merged, rest = split_map(dataset.classes, backend.card.classes, read_class_map(class_map))
    dataset = dataset.merged(merged)
    return backend, dataset, match_classes(dataset.classes, backend.card.classes, rest)


def match_model(backend: Backend, folders: Sequence[str], class_map: str | None) -> tuple[Backend, ClassMatch]:
    """Matches a model's classes to the folder's.

    Args:
        backend: The classifier. Not changed.
        folders: Names of the folder's classes.
        class_map: As `--class-map` takes it.

    Returns:
        The classifier, with names for its outputs where `--class-map imagenet` says what they are; and the match.

    Raises:
        InputError: the map cannot be read, or does not fit the model or the folder.
    """
    if class_map != IMAGENET_MAP:
        return backend, match_classes(folders, backend.card.classes, read_class_map(class_map))
    if imagenet_head(backend) is not None:
        find_animals(folders)                                   # raises where no folder is called cat or dog
        return backend, match_classes(folders, backend.card.classes, {})
    if not backend.card.has_classes:
        backend = _named(backend)
    return backend, match_imagenet(folders, backend.card.classes)


def imagenet_head(backend: Backend) -> NamedHead | None:
    """The further head with the ImageNet classes; None without such a head, or where the model's own are ImageNet's."""
    if positions(backend.card.classes) is not None:
        return None
    return next((each for each in backend.other_heads if positions(each.classes) is not None), None)


def model_info(backend: Backend, match: ClassMatch, in_sample: int) -> ModelInfo:
    """What pages say about a matched model; `in_sample` is how many of the images its card lists as training images."""
    card = backend.card
    return ModelInfo(
        name=card.name,
        backend=backend.kind,
        device=backend.device,
        sha256=backend.sha256,
        classes=card.classes,
        matched=match.complete,
        in_sample=in_sample,
        guessed=card.guessed,
        about=card.about,
    )


def _named(backend: Backend) -> Backend:
    """A copy whose outputs have ImageNet's names, which the report calls a guess."""
    blank = np.zeros((1, *backend.card.input_size, 3), np.uint8)
    outputs = backend.forward(blank).probabilities.shape[1]     # without names, only a run gives the number of classes
    known = output_names(outputs)
    if known is None:
        raise InputError(
            f"--class-map {IMAGENET_MAP} needs a classifier of the 1000 ImageNet classes, or of 1001 with a "
            f"background; {backend.card.name} has {outputs} outputs. Pass another with --model"
        )
    order = f"{known[0]} first" if outputs > 1000 else "without a background"
    guess = f"the {outputs} of ImageNet in their usual order, {order}, by --class-map; state others with --classes"
    named = copy.copy(backend)
    named.card = replace(backend.card, classes=known, guessed={**backend.card.guessed, "classes": guess})
    return named
