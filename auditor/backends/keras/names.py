"""Names of Keras layers: one graph needs each name once, and TensorFlow's graphs accept few characters."""

import re
from collections.abc import Collection
from typing import Any

#: Starts the name of every layer that auditor adds to a model; no layer of the model's own keeps such a name.
OURS = "auditor_"
_FIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


def operations(model: Any) -> list[Any]:
    """The model, its layers and operations, and those inside nested models and other layers, each once."""
    found = {id(each): each for layer in model._flatten_layers() for each in (layer, *getattr(layer, "operations", ()))}
    return list(found.values())


def name_apart(model: Any) -> dict[str, str]:
    """Renames what cannot stand in one graph: a name that is there twice, or that TensorFlow does not accept.

    Keras allows a nested model to repeat the names around it, and any text as a name.

    Args:
        model: Of auditor's own, just loaded; its names change.

    Returns:
        New name -> name in the file, of what was renamed.
    """
    taken: set[str] = set()
    others = []
    for each in operations(model):                              # first what may keep its name
        if each.name not in taken and _FIT.fullmatch(each.name) and not each.name.startswith(OURS):
            taken.add(each.name)
        else:
            others.append(each)
    renamed = {}
    for each in others:
        plain = _UNFIT.sub("_", each.name)
        name = fresh(plain if _FIT.fullmatch(plain) and not plain.startswith(OURS) else f"layer_{plain}", taken)
        taken.add(name)
        renamed[name] = each.name
        each.name = name
    return renamed


def fresh(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, result = 0, name
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result
