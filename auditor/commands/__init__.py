"""The commands, one file each: parse, call, exit code; nothing else. Heavy imports happen where they are needed."""

from collections.abc import Callable

import typer

from auditor.commands.demo import demo
from auditor.commands.scan import scan
from auditor.commands.why import why

#: In the order in which `auditor --help` lists them. A `Typer` is a group of commands.
COMMANDS: tuple[Callable[..., None] | typer.Typer, ...] = (
    scan,
    why,
    demo,
)
