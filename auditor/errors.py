"""Every error that auditor raises on purpose, in one tree.

    AuditorError              exit code 2 unless a subclass says otherwise
    +-- InputError            the data, a file or an argument is not what it should be
    +-- ModelError            a model file cannot be used
    |   +-- ModelMismatch     the model and its card, or two files of one model, disagree
    +-- DeviceUnavailable     the device that was asked for is not there
    +-- MissingDependency     an optional package is needed and not installed
    +-- Incomplete            the run was cut short (interrupted, disk full): exit code 3

A message says what was received, what was expected, and what to do. `cli.py` turns the
exception into one line on stderr and its exit code; nothing else catches these. An exception
of any other kind is a fault of auditor: exit code 70.
"""

from typing import ClassVar


class AuditorError(Exception):
    """Base of all errors that a user can correct; its text is shown without a traceback."""

    exit_code: ClassVar[int] = 2


class InputError(AuditorError):
    """The data, a file or an argument is not what it should be."""


class ModelError(AuditorError):
    """A model file cannot be used."""


class ModelMismatch(ModelError):
    """The model and its card, or two files of one model, disagree."""


class DeviceUnavailable(AuditorError):
    """The device that was asked for is not there."""


class MissingDependency(AuditorError):
    """An optional package is needed and not installed."""


class Incomplete(AuditorError):
    """The run was cut short: interrupted, or the disk is full."""

    exit_code = 3
