"""Which settings hold for a scan, and where each came from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from auditor.checks import rule_of
from auditor.configuration import ConfigFile
from auditor.configuring.checked import checked
from auditor.settings import SECTIONS, Settings
from auditor.text import masked_url, shown

DEFAULT = "default"
OPTION = "command line"
FOUND = "found"                                 # a file that counts because it is there


@dataclass(frozen=True)
class Holding:
    """One setting.

    Attributes:
        section: "scan", or "checks.<rule>".
        name: Of the setting.
        value: As JSON has it.
        source: Where it came from: "default", "command line", "found", or the section of a file.
    """

    section: str
    name: str
    value: Any
    source: str


def what_holds(config: Path | None, given: Mapping[str, Any]) -> tuple[Holding, ...]:
    """Every setting of a scan, then those of the rules that would run.

    Args:
        config: The configuration file; None takes that of the working directory where there is one.
        given: Settings by name, None where not given.

    Raises:
        InputError: what `auditor scan` would refuse about them.
    """
    settings = Settings.load(config=config, **given)
    file = ConfigFile.read(config, SECTIONS)
    stated = file.tables.get("scan", {})
    held = []
    for each in fields(settings):
        if each.name == "checks":
            continue
        value = getattr(settings, each.name)
        if given.get(each.name) is not None:
            source = OPTION
        elif each.name in stated:
            source = file.place("scan")
        else:
            source = DEFAULT if value == each.default else FOUND
        held.append(Holding("scan", each.name, _plain(each.name, value), source))
    for check in checked(settings):
        section = f"checks.{check.rule}"
        stated = settings.checks.get(check.rule, {})
        for name, value in rule_of(check).settings.items():
            source = file.place(section) if name in stated else DEFAULT
            held.append(Holding(section, name, _plain(name, value), source))
    return tuple(held)


def as_text(held: tuple[Holding, ...]) -> str:
    """A table for people, a section after the other, in the spelling of the file where it has one."""
    return "\n".join(_lines(held))


def _lines(held: tuple[Holding, ...]) -> Iterator[str]:
    values = ["-" if each.value is None else json.dumps(each.value, ensure_ascii=False) for each in held]
    name_width = max(len(each.name) for each in held)
    value_width = min(max(map(len, values)), 32)
    section = ""
    for each, value in zip(held, values, strict=True):
        if each.section != section:
            if section:
                yield ""
            section = each.section
            yield f"[{section}]"
        yield f"{each.name:<{name_width}}  {value:<{value_width}}  {shown(each.source)}"


def as_json(held: tuple[Holding, ...]) -> str:
    """One object: section -> setting -> value and source."""
    sections: dict[str, dict[str, Any]] = {}
    for each in held:
        sections.setdefault(each.section, {})[each.name] = {"value": each.value, "source": shown(each.source)}
    return json.dumps(sections, indent=2, ensure_ascii=False)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(name, each) for each in value]
    if isinstance(value, str | Path):
        return shown(masked_url(str(value)) if name == "webhook" else str(value))
    return value
