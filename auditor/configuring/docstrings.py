"""What docstrings say about settings, so that a configuration file and the code have one text."""

import inspect
import re

_SECTIONS = ("Attributes:", "Args:")
_ENTRY = re.compile(r"    (\w+(?:, \w+)*): (.+)")


def texts_of(kind: type) -> dict[str, str]:
    """Setting -> what the docstring of its class says about it, as one line.

    A default of None, which a TOML file cannot say, is told as what leaving the setting out does. Settings that share
    an entry (`train, val, test: ...`) have the same text.
    """
    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    starts = [place for place, line in enumerate(lines) if line in _SECTIONS]
    texts: dict[tuple[str, ...], str] = {}
    names: tuple[str, ...] = ()
    for line in lines[starts[0] + 1 :] if starts else ():
        if not line.strip():
            break
        entry = _ENTRY.fullmatch(line)
        if entry is not None:
            names = tuple(entry[1].split(", "))
            texts[names] = entry[2]
        else:
            texts[names] += f" {line.strip()}"
    return {name: re.sub(r"\bNone\b", "leaving it out", text) for names, text in texts.items() for name in names}
