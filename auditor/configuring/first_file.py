"""The first `auditor.toml` of a project: what was seen, what was stated, and every other setting as a comment."""

import math
import os
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from auditor.atomic_write import check_free, new_file
from auditor.checks import known_checks, rule_of
from auditor.configuration import CONFIG_NAME, PROJECT_NAME, ConfigFile, hints_of, names_file
from auditor.configuring.checked import checked
from auditor.configuring.docstrings import texts_of
from auditor.configuring.survey import Survey, survey
from auditor.errors import InputError
from auditor.settings import SECTIONS, Settings
from auditor.text import shown, toml_string

_WIDTH = 100
_HEAD = (
    "Settings of auditor. An option on the command line beats this file, this file beats the defaults, which are the "
    "values behind #. Paths are relative to this file. `auditor config` prints what holds."
)
_FIRST = ("data", "model", "out")


def write_first_file(path: Path | None, given: Mapping[str, Any]) -> tuple[Path, Survey | None]:
    """Writes a configuration file where there is none.

    Args:
        path: Of the file; None is `auditor.toml` in the working directory.
        given: Settings that are stated in it, by name; where `data` is among them, the data are listed.

    Returns:
        The path, and what was seen of the data.

    Raises:
        InputError: there is a file already, the data cannot be listed, or a setting cannot have its value.
    """
    target = path or Path(CONFIG_NAME)
    if target.name == PROJECT_NAME:
        raise InputError(f"{target} is written by hand: put what `auditor init` writes elsewhere under [tool.auditor]")
    if path is None and (there := ConfigFile.read(None, SECTIONS)).tables:
        raise InputError(f"{there.path} holds settings already and stays as it is; `--config NAME.toml` writes another")
    check_free(target, folder=False)            # before all is listed
    settings = Settings(**given)
    checked(settings)
    seen = survey(settings) if settings.data else None
    with new_file(target) as draft:
        draft.write_text(first_file(settings, given, seen, target.parent), encoding="utf-8")
    return target, seen


def first_file(settings: Settings, given: Mapping[str, Any], seen: Survey | None, home: Path) -> str:
    """The text of the file.

    Args:
        settings: All of them, checked.
        given: Those that are stated, by name.
        seen: What the data are.
        home: The folder that the file will lie in.
    """
    return "\n".join([*_comment(_HEAD), *_about(seen), "", *_scan(settings, given, seen, home), *_rules()]) + "\n"


def _about(seen: Survey | None) -> Iterator[str]:
    if seen is not None:
        yield "#"
        for line in seen.lines:
            yield from _comment(line)


def _scan(settings: Settings, given: Mapping[str, Any], seen: Survey | None, home: Path) -> Iterator[str]:
    texts, hints = texts_of(Settings), hints_of(Settings)
    suggested = {each.name: each for each in ([] if seen is None else seen.suggestions)}
    defaults = {each.name: each.default for each in fields(Settings) if each.name != "checks"}
    unset: dict[str, list[str]] = {}            # text -> settings
    yield "[scan]"
    for name in sorted(defaults, key=lambda name: name not in _FIRST):          # stable: else in the order of the class
        if name in given:
            value = _from_home(hints[name], getattr(settings, name), home)
            yield from (*_comment(texts[name]), f"{name} = {_toml(name, value)}", "")
        elif name in suggested:
            yield from _comment(texts[name])
            yield from (*_comment(suggested[name].why), f"# {name} = {_toml(name, suggested[name].value)}", "")
        elif defaults[name] is None or (name == "data"):
            unset.setdefault(texts[name], []).append(name)
        else:
            yield from (*_comment(texts[name]), f"# {name} = {_toml(name, defaults[name])}", "")
    yield "# These can be set too, and have no value until they are:"
    for text, names in unset.items():
        yield from _comment(f"{', '.join(names)}: {text}")


def _rules() -> Iterator[str]:
    for rule, check in known_checks().items():
        made, texts = rule_of(check()), texts_of(check)
        if not made.settings:
            continue
        yield from ("", *_comment(made.description), f"[checks.{rule}]")
        for name, value in made.settings.items():
            yield from (*_comment(texts[name]), f"# {name} = {_toml(name, value)}")


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        shown(text), _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )


def _from_home(hint: Any, value: Any, home: Path) -> Any:
    """A path as it is found from where the file lies."""
    if value is None or not names_file(hint, value) or Path(value).is_absolute():
        return value
    return os.path.relpath(value, home)


def _toml(name: str, value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(name, each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int | float):
        return repr(value)
    try:
        str(value).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            f"{name} is {shown(str(value))}, which is no UTF-8, so that no TOML file can name it; give it another name"
        ) from None
    return toml_string(str(value))
