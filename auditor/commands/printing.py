"""How commands print."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from auditor.errors import Incomplete
from auditor.text import absolute, shown

#: Terminals that show an address of their own below a text (OSC 8), as they name themselves in TERM_PROGRAM.
_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "mintty", "rio", "Tabby", "WarpTerminal")
#: Those that name themselves in TERM, and variables that only such terminals set.
_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")
_VARIABLES = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM")
_VTE_WITH_LINKS = 5000                          # 0.50; GNOME Terminal, Tilix and others are made of VTE


def echo(text: object = "", *, end: str = "\n") -> None:
    """Prints to stdout, at once.

    Raises:
        Incomplete: it cannot be written: the disk is full, or the file is not open for writing.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise                                                   # `head` has seen enough; `cli.py` ends quietly
    except OSError as error:
        raise Incomplete(
            f"stdout cannot be written ({error.strerror or error}); files that were written before stand"
        ) from None


def echo_page(page: Path) -> None:
    """Prints the path of a page, last: a link on a terminal that knows links, the plain path everywhere else."""
    path = shown(str(page))
    if not (sys.stdout.isatty() and knows_links(os.environ)):
        echo(path)
        return
    address = absolute(page).as_uri()                           # in ASCII: what a terminal would obey is escaped in it
    echo(f"\x1b]8;;{address}\x1b\\{path}\x1b]8;;\x1b\\")


def knows_links(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that stdout is says of itself that it shows a text as a link.

    Not on a machine behind ssh, whose files the terminal cannot open, and not where a user wants no escapes (NO_COLOR,
    or FORCE_HYPERLINK=0; any other value of that is for a terminal that nobody here knows).
    """
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    if (forced := environment.get("FORCE_HYPERLINK")) is not None:
        return forced not in ("", "0")
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or environment.get("TERM", "").startswith(_TERMS)
        or any(environment.get(name) for name in _VARIABLES)
        or (vte.isdecimal() and int(vte) >= _VTE_WITH_LINKS)
    )


def columns() -> int | None:
    """Of the terminal that stdout is; None where it is none, and lines may have any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
