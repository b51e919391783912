"""Every default of a scan, once. A command-line option beats `auditor.toml`, which beats the default here.

The thresholds of the rules are the arguments of the checks in `auditor/checks`; `[checks.<rule>]` sets them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_type_hints

from auditor.errors import InputError

CONFIG_NAME = "auditor.toml"
BUNDLED_MODEL = "catdog-resnet50"
MAX_PIXELS = 178_956_970                        # where Pillow itself sees a decompression bomb

LabelFrom = Literal["folder", "name"]

DEVICES = ("auto", "cpu", "cuda")
BACKENDS = ("onnx", "keras")
# Inferno rises evenly in lightness, so that order survives colour blindness and grey print. Jet does not; it is
# offered because many papers show it.
COLOUR_MAPS = ("inferno", "viridis", "jet")


@dataclass(frozen=True)
class Settings:
    """What a scan was asked to do.

    Attributes:
        data: Folder or CSV manifest to scan.
        model: Model folder, FILE.onnx or FILE.keras; None is the bundled model.
        backend: What runs a model folder: "onnx" or "keras".
        device: "auto", "cpu" or "cuda".
        preprocessing: For a bare model, how pixels are scaled; None reads or guesses it.
        classes: File with one class name per output, for a bare model.
        class_map: Model class = folder class, as `--class-map` takes it.
        out: Folder that reports are written to.
        name: Name of the data set there; None is parent and leaf of `data`.
        label_from: Where labels come from: "folder" or "name" (`cat.0.jpg`).
        file_column, label_column, split_column: Columns of a manifest; None recognises the usual names.
        batch_size: Images per forward pass.
        threads: Decoding threads, and threads of the CPU backend; None is one per core.
        max_pixels: Images with more pixels in their header are refused before decoding.
        max_cards: Flagged images shown with pictures in the report; every finding is in `findings.jsonl`.
        max_occlusion: Of those, at most so many get heatmaps by occlusion, where the model gives no others: each takes
            50 forward passes.
        colours: Colour map of the heatmaps: "inferno", "viridis" or "jet".
        doubtful: Show what a probe that cannot judge the labels would flag, with low severity.
        skip_rules: Rules that do not run, separated by commas.
        checks: Rule -> setting -> value.
    """

    data: Path
    model: Path | None = None
    backend: str = "onnx"
    device: str = "auto"
    preprocessing: str | None = None
    classes: Path | None = None
    class_map: str | None = None
    out: Path = Path("reports")
    name: str | None = None
    label_from: LabelFrom = "folder"
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    batch_size: int = 16
    threads: int | None = None
    max_pixels: int = MAX_PIXELS
    max_cards: int = 200
    max_occlusion: int = 24
    colours: str = "inferno"
    doubtful: bool = False
    skip_rules: str = ""
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, *, config: Path | None = None, **given: Any) -> Self:
        """Settings from the options that were given (None means not given) and the configuration file.

        Args:
            config: A TOML file; None takes `auditor.toml` of the working directory where there is one.

        Raises:
            InputError: the file cannot be read, or a setting is not known or of the wrong type.
        """
        stated = _read_config(config)
        stated.update({name: value for name, value in given.items() if value is not None})
        settings = cls(**stated)
        _check_choice("backend", settings.backend, BACKENDS)
        _check_choice("device", settings.device, DEVICES)
        _check_choice("label_from", settings.label_from, get_args(LabelFrom))
        _check_choice("colours", settings.colours, COLOUR_MAPS)
        for name, least in {"batch_size": 1, "max_pixels": 1, "max_cards": 0, "max_occlusion": 0}.items():
            if getattr(settings, name) < least:
                raise InputError(f"{name} is {getattr(settings, name)}; expected a number from {least} up")
        return settings


def _read_config(config: Path | None) -> dict[str, Any]:
    path = config or Path(CONFIG_NAME)
    if config is None and not path.is_file():
        return {}
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}") from None
    unknown = sorted(set(record) - {"scan", "checks"})
    if unknown:
        raise InputError(f"{path} has [{unknown[0]}]; expected [scan] and [checks.<rule>]")
    kinds = {name: (hint, *get_args(hint)) for name, hint in get_type_hints(Settings).items()}
    del kinds["data"], kinds["checks"]
    stated: dict[str, Any] = {}
    for name, value in record.get("scan", {}).items():
        if name not in kinds:
            raise InputError(f"{path}: [scan] has no setting {name!r}; expected one of {', '.join(sorted(kinds))}")
        wanted = bool if bool in kinds[name] else int if int in kinds[name] else str
        if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
            expected = {bool: "true or false", int: "a whole number", str: "text"}[wanted]
            raise InputError(f"{path}: [scan] {name} is {value!r}; expected {expected}")
        # Paths in the file are relative to the file, so that the job may start anywhere.
        stated[name] = path.parent / str(value) if Path in kinds[name] else value
    checks = record.get("checks", {})
    if not isinstance(checks, dict) or not all(isinstance(rule, dict) for rule in checks.values()):
        raise InputError(f"{path}: expected tables [checks.<rule>] with settings, got {checks!r}")
    return {**stated, "checks": checks}


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(choices)}")
