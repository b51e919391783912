"""From options and a configuration file to values that a settings class may hold, as its annotations declare them.

The type of a field says what its value may be, and what is written beside the type which numbers and texts:

    threads: Annotated[int | None, Range(1)] = None
"""

import difflib
import inspect
import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

from auditor.errors import InputError
from auditor.text import decoded, encoding_of

CONFIG_NAME = "auditor.toml"
PROJECT_NAME = "pyproject.toml"                 # the sections lie in its table [tool.auditor]

_LARGEST = 10**300                              # whole numbers that Python writes, and that become a float
_IN_WORDS: dict[Any, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"
}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Which numbers a setting may be; `most` None is no upper end."""

    least: float
    most: float | None = None

    def __contains__(self, number: float) -> bool:
        top = math.inf if self.most is None else self.most
        return self.least <= number <= top and number < math.inf        # NaN and the infinities are never inside

    def __str__(self) -> str:
        return f"from {_number(self.least)} " + ("up" if self.most is None else f"to {_number(self.most)}")


@dataclass(frozen=True)
class Written:
    """How a setting of several numbers is written as one text.

    Attributes:
        read: From the text; raises ValueError where it is something else.
        write: To the text.
        expected: What may be written.
    """

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    expected: str


@dataclass(frozen=True)
class MayBeFile:
    """Beside a text that can also name a file: `names_file` says whether it does."""

    names_file: Callable[[str], bool]


class Configured:
    """A frozen dataclass whose fields are checked, however it was made.

    Attributes:
        section: Of the configuration file; holds what is declared in the class's own body, and `shared`.
        shared: Settings of a scan that hold for this command too, unless its own section says otherwise.
    """

    section: ClassVar[str]
    shared: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, hint in hints_of(type(self)).items():
            object.__setattr__(self, name, checked(option(name), hint, getattr(self, name)))


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file; one that is not there is empty.

    Attributes:
        path: The file.
        tables: Its sections by name.
        above: What stands before a section's name: "tool.auditor." in `pyproject.toml`.
    """

    path: Path
    tables: Mapping[str, Any]
    above: str = ""

    @classmethod
    def read(cls, path: Path | None, sections: Collection[str]) -> Self:
        """Reads a file; None is `auditor.toml` of the working directory, or its `pyproject.toml`, where there is one.

        Raises:
            InputError: it cannot be read, or has another section than these; or both are there and hold settings.
        """
        file = cls._in_working_directory() if path is None else cls._opened(path)
        if path is not None and file.above and not file.tables:
            raise InputError(f"{path} has no settings of auditor; expected tables like [{file.above}scan]")
        for name, table in file.tables.items():
            if name not in sections:
                known = ", ".join(f"[{file.above}{section}]" for section in sections)
                raise InputError(
                    f"{file.path} has no use for [{file.above}{name}]{nearest(name, sections)}; expected {known}"
                )
            if not isinstance(table, dict):
                raise InputError(
                    f"{file.path}: {file.above}{name} is {table!r}; expected a table [{file.above}{name}] with settings"
                )
        return file

    @classmethod
    def _in_working_directory(cls) -> Self:
        own, project = Path(CONFIG_NAME), Path(PROJECT_NAME)
        file = cls._opened(own) if own.is_file() else None
        if not project.is_file():
            return file or cls(own, {})
        try:
            other = cls._opened(project)
        except InputError:
            if file is None:                    # it may hold settings
                raise
            return file
        if file is not None and other.tables:
            raise InputError(
                f"{own} and [tool.auditor] in {project} both hold settings, and one would be overlooked; keep them in "
                "one of the two, or name the one that counts with --config"
            )
        return file or (other if other.tables else cls(own, {}))

    @classmethod
    def _opened(cls, path: Path) -> Self:
        try:
            data = path.read_bytes()
            if not encoding_of(data).startswith("utf-8"):
                raise ValueError(f"it is {encoding_of(data).upper()}, and TOML is UTF-8. Save it as UTF-8.")
            tables = tomllib.loads(decoded(data))
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); expected settings, in TOML") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as TOML: {error}") from None
        if path.name != PROJECT_NAME:
            return cls(path, tables)
        tools = tables.get("tool", {})
        own = tools.get("auditor", {}) if isinstance(tools, dict) else {}
        if not isinstance(own, dict):
            raise InputError(f"{path}: tool.auditor is {own!r}; expected tables like [tool.auditor.scan]")
        return cls(path, own, "tool.auditor.")

    def place(self, section: str) -> str:
        """A section of it as messages name it: "auditor.toml: [scan]"."""
        return f"{self.path}: [{self.above}{section}]"

    def section(self, section: str, hints: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a section by name. Files that they name are relative to this one, wherever the job starts.

        Raises:
            InputError: there is another setting than these, or one cannot have the value that it has.
        """
        stated = {}
        for name, value in self.tables.get(section, {}).items():
            if name not in hints:
                raise InputError(
                    f"{self.place(section)} has no setting {name!r}{nearest(name, hints)}; "
                    f"expected one of {', '.join(sorted(hints))}"
                )
            stated[name] = self._placed(hints[name], checked(f"{self.place(section)} {name}", hints[name], value))
        return stated

    def checks(self, hint: Any) -> Any:
        """The settings of the rules; raises InputError where `[checks]` is anything else than tables."""
        return checked(self.place("checks"), hint, self.tables.get("checks", {}))

    def _placed(self, hint: Any, value: Any) -> Any:
        if not names_file(hint, value):
            return value
        placed = self.path.parent / value
        return placed if isinstance(value, Path) else str(placed)


def names_file(hint: Any, value: Any) -> bool:
    """Whether the value of a setting is the path of a file or a folder."""
    choices = [note for note in _notes(hint) if isinstance(note, MayBeFile)]
    return isinstance(value, Path) or any(choice.names_file(value) for choice in choices)


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """The annotation of every field that a dataclass is made from."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: hints[each.name] for each in fields(kind) if each.init}


def own_hints(kind: type[Any]) -> dict[str, Any]:
    """The annotations of the fields that are declared in the class's own body and have a default."""
    hints, own = hints_of(kind), inspect.get_annotations(kind)
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    return {name: hint for name, hint in hints.items() if name in own and name not in needed}


def option(name: str) -> str:
    """A setting's name as it is written on the command line."""
    return "--" + name.replace("_", "-")


def checked(label: str, hint: Any, value: Any) -> Any:
    """The value as its annotation wants it: a path of a text, a tuple of an array or of its text.

    Args:
        label: What the message calls the setting.
        hint: Its annotation.
        value: What was stated.

    Raises:
        InputError: it cannot be had.
    """
    try:
        return _fitted(hint, value)
    except ValueError:
        raise InputError(f"{label} is {as_written(hint, value)}; expected {_expected(hint)}") from None


def as_written(hint: Any, value: Any) -> str:
    """A value as it is shown in a message."""
    form = next((note for note in _notes(hint) if isinstance(note, Written)), None)
    if form is not None and isinstance(value, tuple):
        return form.write(value)
    return repr(value) if type(value) is not int or abs(value) < _LARGEST else "a number of many digits"


def nearest(name: str, known: Collection[str]) -> str:
    """" (did you mean seed?)" for a name that is nearly one of these; "" for one that is like none."""
    near = difflib.get_close_matches(name.casefold().replace("-", "_"), known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _notes(hint: Any) -> tuple[Any, ...]:
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def _fitted(hint: Any, value: Any) -> Any:
    """Raises ValueError where the value does not fit."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _noted(hint, value)
    if origin in (Union, UnionType):
        return None if value is None else _fitted(_beside_none(arguments), value)
    if origin is tuple:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple):
            raise ValueError
        kinds = arguments[:1] * len(values) if arguments[1:] == (Ellipsis,) else arguments
        return tuple(_fitted(kind, each) for kind, each in zip(kinds, values, strict=True))
    if origin is Mapping and isinstance(value, Mapping):
        return {key: _fitted(arguments[1], each) for key, each in value.items()}
    if hint is Any:
        return value
    if hint is float and type(value) is int and abs(value) < _LARGEST:
        return float(value)
    if hint in (str, Path) and isinstance(value, str | Path):
        if "\0" in str(value):                  # no system has files with such names
            raise ValueError
        return hint(value)
    fits = value in arguments if origin is Literal else isinstance(value, origin or hint)
    if not fits or isinstance(value, bool) != (hint is bool):
        raise ValueError
    return value


def _noted(hint: Any, value: Any) -> Any:
    for note in _notes(hint):
        if isinstance(note, Written) and isinstance(value, str):
            value = note.read(value)
    value = _fitted(get_args(hint)[0], value)
    if value is not None and any(isinstance(note, Range) and value not in note for note in _notes(hint)):
        raise ValueError
    return value


def _expected(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        for note in _notes(hint):
            if isinstance(note, Written):
                return note.expected
        ranges = [str(note) for note in _notes(hint) if isinstance(note, Range)]
        return " ".join([_expected(arguments[0]), *ranges])
    if origin in (Union, UnionType):
        return _expected(_beside_none(arguments))
    if origin is Literal:
        return f"one of {', '.join(arguments)}"
    if origin is Mapping:
        return "tables of settings"
    if origin is tuple:
        return f"{_expected(arguments[0])}, or an array of such"
    return _IN_WORDS.get(hint, str(hint))


def _beside_none(arguments: tuple[Any, ...]) -> Any:
    return next(each for each in arguments if each is not NoneType)
