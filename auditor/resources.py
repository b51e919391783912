"""The folders that come with the code (at the top of a checkout, else in the package), and processor cores."""

import os
from pathlib import Path

from auditor.errors import InputError, ModelError
from auditor.settings import BUNDLED_MODEL

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `name` ("templates", "models") of this installation.

    Raises:
        InputError: the installation is not complete.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise InputError(f"this installation of auditor has no folder {name!r}; install the package again")


def bundled_model() -> Path:
    """The folder of the model that comes with auditor.

    Raises:
        ModelError: it is not there.
    """
    folder = resource("models") / BUNDLED_MODEL
    if not folder.is_dir():
        raise ModelError(f"the bundled model {BUNDLED_MODEL} is not installed; pass one with --model")
    return folder


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
