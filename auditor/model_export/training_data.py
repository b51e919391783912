"""Where a model's training data are: written into its card, and found again from there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from auditor.backends.card import ModelCard
from auditor.data.dataset import Dataset
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.settings import LabelFrom
from auditor.text import absolute, shown

#: In a card's `about`, beside the run's `settings`: the data's path, relative to the model's folder.
DATA_PATH = "data_path"

_INSTEAD = "Name them, or other photographs like those that it will see, with --calibration DATA."


def data_path(data: Path, folder: Path) -> str:
    """The path of the data, relative to the model's folder.

    A relative path reveals nothing about the machine, is valid from any working directory, and stays valid when a
    project is moved or copied as a whole.

    Args:
        data: The training data.
        folder: Of the model; it need not exist yet.
    """
    try:
        return Path(os.path.relpath(absolute(data), folder.resolve())).as_posix()
    except ValueError:                                          # another drive of Windows
        return absolute(data).as_posix()


def moved(about: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """A card's `about`, for a copy of the card in another folder."""
    stated = about.get(DATA_PATH)
    if not isinstance(stated, str):
        return dict(about)
    return {**about, DATA_PATH: data_path(_seen_from(old, stated), new)}


def trained_data(card: ModelCard, folder: Path) -> Dataset:
    """The data set that a model was trained on, read as in training.

    Args:
        card: Of the model.
        folder: Of the model.

    Raises:
        InputError: the card does not say where it is, or it cannot be read there.
    """
    settings = card.about.get("settings")
    if not isinstance(settings, Mapping) or not isinstance(settings.get("data"), str):
        raise InputError(
            f"an int8 model is calibrated and checked on real photographs, and the card of {card.name} does not say "
            "where its training data are. Name a folder of photographs with --calibration DATA "
            "(the training data will do)."
        )
    typed, stated = settings["data"], card.about.get(DATA_PATH)
    places = [Path(typed)] if not isinstance(stated, str) else [_seen_from(folder, stated), Path(typed)]
    data = next((place for place in places if place.exists()), None)
    if data is None:
        looked = " nor at ".join(dict.fromkeys(shown(str(place)) for place in places))
        raise InputError(
            f"{card.name} was trained on {shown(typed)} according to its card, but there is nothing at {looked}: "
            f"the data or the model were moved. {_INSTEAD}"
        )
    try:
        return load_dataset(
            data,
            label_from=_label_from(settings.get("label_from")),
            file_column=_column(settings, "file_column"),
            label_column=_column(settings, "label_column"),
            split_column=_column(settings, "split_column"),
            classes_at=_depth(settings, "classes_at"),
            split_at=_depth(settings, "split_at"),
            exclude=_globs(settings.get("exclude")),
        )
    except InputError as error:
        raise InputError(f"{error} {card.name} was trained on it, according to its card. {_INSTEAD}") from None


def other_data(card: ModelCard, dataset: Dataset) -> InputError:
    """The error if the data exist, but the model was trained on none of them."""
    return InputError(
        f"{card.name} was trained on {shown(str(dataset.root))} according to its card, but on none of the photographs "
        f"that were drawn from it now. {_INSTEAD}"
    )


def _seen_from(folder: Path, path: str) -> Path:
    return Path(os.path.normpath(folder.resolve() / path))


def _label_from(stated: object) -> LabelFrom:
    known: tuple[LabelFrom, ...] = get_args(LabelFrom)
    return next((name for name in known if name == stated), "folder")


def _column(settings: Mapping[str, Any], name: str) -> str | None:
    stated = settings.get(name)
    return stated if isinstance(stated, str) else None


def _depth(settings: Mapping[str, Any], name: str) -> int | None:
    stated = settings.get(name)
    return stated if isinstance(stated, int) else None


def _globs(stated: object) -> tuple[str, ...]:
    return tuple(glob for glob in stated if isinstance(glob, str)) if isinstance(stated, list | tuple) else ()
