"""What `auditor models` prints. Cards are untrusted: control characters in names are escaped."""

import json
from collections.abc import Sequence
from pathlib import Path

from auditor.backends.card import ModelCard
from auditor.backends.catalogue import ModelEntry, Weights
from auditor.text import shown

_FEW = 6


def as_text(models: Sequence[ModelEntry]) -> str:
    """One block for each model: its folder, its traits, then a line for each file."""
    if not models:
        return "no models here; `auditor train DATA --out models/NAME` makes one"
    return "\n".join(line for model in models for line in _block(model))


def as_json(models: Sequence[ModelEntry]) -> str:
    """The list for programs; `card` is null where the card cannot be read, and `problem` says why."""
    return json.dumps([_record(model) for model in models], indent=2, allow_nan=False)


def card_as_text(card: ModelCard) -> str:
    """What a card says, and which parts of it are guesses."""
    lines = [f"{'name':<15}{shown(card.name)}"]
    if card.has_classes:
        more = f", and {len(card.classes) - _FEW} more" if len(card.classes) > _FEW else ""
        lines.append(f"{'classes':<15}{len(card.classes)}: {shown(', '.join(card.classes[:_FEW]))}{more}")
    else:
        lines.append(f"{'classes':<15}no names")
    lines += [f"{'further head':<15}{_head(name, classes)}" for name, classes in card.heads.items()]
    lines.append(f"{'input size':<15}{card.input_size[0]} x {card.input_size[1]}")
    lines.append(f"{'preprocessing':<15}{card.preprocessing}")
    return "\n".join([*lines, *(f"guessed {field}: {shown(how)}" for field, how in card.guessed.items())])


def _block(model: ModelEntry) -> list[str]:
    where = f"{shown(_near(model.folder))}{' (bundled)' if model.bundled else ''}"
    if model.card is None:
        return [where, f"  unreadable: {shown(model.problem)}"]
    card = model.card
    facts = [
        shown(card.name),
        f"{len(card.classes)} classes" if card.has_classes else "classes without names",
        f"{card.input_size[0]} x {card.input_size[1]}",
        _accuracy(model),
    ]
    heads = [f"  further head: {_head(name, classes)}" for name, classes in card.heads.items()]
    lines = [where, "  " + ", ".join(facts), *heads, *(_file(each) for each in model.files)]
    guessed = ", ".join(field.replace("_", " ") for field in card.guessed)
    return [*lines, f"  guessed: {shown(guessed)}"] if guessed else lines


def _head(name: str, classes: Sequence[str]) -> str:
    return f"{shown(name)}, {len(classes)} classes"


def _near(folder: Path) -> str:
    """A path relative to the working directory, where it is inside."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _accuracy(model: ModelEntry) -> str:
    if model.accuracy is None:
        return "accuracy not known"
    return f"accuracy {model.accuracy:.1%}" + (f" ({shown(model.measured_on)})" if model.measured_on else "")


def _file(each: Weights) -> str:
    if each.size is None:
        return f"  {shown(each.name):<18}  missing, though the card lists it"
    changed = "" if each.state == "ok" else "  changed since its card was written"
    return f"  {shown(each.name):<18}{each.size / 1e6:>8.1f} MB  {each.sha256[:12]}{changed}"


def _record(model: ModelEntry) -> dict[str, object]:
    card = model.card
    return {
        "folder": str(model.folder),
        "bundled": model.bundled,
        "problem": model.problem,
        "card": card
        and {
            "name": card.name,
            "classes": list(card.classes),
            "input_size": list(card.input_size),
            "preprocessing": card.preprocessing,
            "heads": {name: len(classes) for name, classes in card.heads.items()},
            "guessed": dict(card.guessed),
            "trained_on": len(card.trained_on),
        },
        "accuracy": model.accuracy,
        "measured_on": model.measured_on,
        "files": [
            {"name": each.name, "bytes": each.size, "sha256": each.sha256, "state": each.state} for each in model.files
        ],
    }
