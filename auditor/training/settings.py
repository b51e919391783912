"""Every default of a training run, once. What is not given is decided here, from what is."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

from auditor.errors import InputError
from auditor.settings import DEVICES, MAX_PIXELS, LabelFrom

BatchNorm = Literal["auto", "frozen", "trained"]

#: Backbone -> its stages from the image up, and the side that images are squashed to unless --input-size is given.
STAGES: dict[str, tuple[str, ...]] = {
    "resnet50": ("conv1", "conv2", "conv3", "conv4", "conv5"),
    "small": ("block1", "block2", "block3", "block4"),
}
SIDES: dict[str, int] = {"resnet50": 224, "small": 128}
SMALLEST_SIDE, LARGEST_SIDE = 32, 1024

_HEAD_UNITS = 8192                              # of one layer; more is a typing error


@dataclass(frozen=True)
class TrainSettings:
    """What a training run was asked to do.

    Attributes:
        data: Folder or manifest with the images.
        out: The model's folder, `models/NAME`.
        weights: What the backbone starts from: "bundled", "imagenet", "none", or the path of a file.
        backbone: "resnet50", or "small": four convolutions, for comparison.
        head: Units of the hidden layers between the pooled features and the classes; () is a linear head.
        dropout: Share of the inputs of each Dense layer that is dropped while training.
        augment: Whether training images are cropped, turned, mirrored and relit. The head's own phase sees embeddings
            that were computed once, and so the images as they are.
        fine_tune: "none", "all", or the lowest stage of the backbone that is trained with the head.
        batch_norm: "trained" or "frozen" (the backbone's own statistics stay, its scale and shift too); "auto" trains
            it from scratch, and where everything is fine-tuned on enough images.
        epochs: Of fine-tuning, or of training from scratch, at most.
        head_epochs: Of the head on the frozen backbone, at most.
        batch_size: Images per step while fine-tuning, and per forward pass.
        learning_rate: The highest of fine-tuning, reached after the warm-up and left along a cosine.
        head_learning_rate: Likewise of the head's own phase.
        weight_decay: Of AdamW, on kernels alone.
        warmup: Share of a phase's steps in which the learning rate rises.
        label_smoothing: Share of the target that is spread over all classes.
        class_weights: Whether rare classes count more, so that all weigh the same.
        patience: Epochs without a smaller validation loss after which a phase ends.
        seed: Of the split, the weights, the order and the augmentation.
        mixed_precision: Whether fine-tuning computes in bfloat16 (weights stay float32).
        input_size: (height, width) in pixels that images are squashed to.
        device: "auto", "cpu" or "cuda".
        threads: Decoding threads; None is one per core.
        max_pixels: Images with more pixels in their header are refused before decoding.
        label_from: Where labels come from: "folder" or "name".
        file_column, label_column, split_column: Columns of a manifest; None recognises the usual names.
    """

    data: Path
    out: Path
    weights: str = "bundled"
    backbone: str = "resnet50"
    head: tuple[int, ...] = ()
    dropout: float = 0.2
    augment: bool = True
    fine_tune: str = "none"
    batch_norm: BatchNorm = "auto"
    epochs: int = 20
    head_epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_learning_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    label_smoothing: float = 0.0
    class_weights: bool = False
    patience: int = 5
    seed: int = 0
    mixed_precision: bool = False
    input_size: tuple[int, int] = (224, 224)
    device: str = "auto"
    threads: int | None = None
    max_pixels: int = MAX_PIXELS
    label_from: LabelFrom = "folder"
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Settings from the options that were given (None means not given), the rest decided from them.

        Raises:
            InputError: an option has a value that it cannot have, or two contradict each other.
        """
        stated = {name: value for name, value in given.items() if value is not None}
        backbone = stated.setdefault("backbone", cls.backbone)
        _check_choice("--backbone", backbone, tuple(STAGES))
        stated.setdefault("weights", "bundled" if backbone == "resnet50" else "none")
        scratch = stated["weights"] == "none"
        stated.setdefault("fine_tune", "all" if scratch else "none")
        stated.setdefault("learning_rate", 1e-3 if scratch else 1e-4)
        stated.setdefault("input_size", (SIDES[backbone], SIDES[backbone]))
        settings = cls(**stated)
        settings._check()
        return settings

    @property
    def from_scratch(self) -> bool:
        """Whether the backbone starts from random weights: then there is no phase for the head alone."""
        return self.weights == "none"

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of the backbone that are trained with the head."""
        if self.fine_tune in ("none", "all"):
            return STAGES[self.backbone] if self.fine_tune == "all" else ()
        return STAGES[self.backbone][STAGES[self.backbone].index(self.fine_tune) :]

    def record(self) -> dict[str, Any]:
        """As plain JSON, for the run's folder and the model's card."""
        record = asdict(self)
        return {name: str(value) if isinstance(value, Path) else _plain(value) for name, value in record.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Reads what `record` wrote.

        Raises:
            InputError: it is something else.
        """
        known = {each.name for each in fields(cls)}
        try:
            stated: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
            }
            settings = cls(**{**stated, "data": Path(record["data"]), "out": Path(record["out"])})
            settings._check()
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(
                f"the settings of the unfinished run cannot be read ({error}); expected {', '.join(sorted(known))}. "
                "Start it again with --overwrite."
            ) from None
        return settings

    def resumed(self, **given: Any) -> Self:
        """These settings of an unfinished run, with the options given to continue it.

        The device and the number of threads may be others, and data and model may have been moved; anything else must
        be what it was.

        Raises:
            InputError: an option contradicts the run.
        """
        stated = {name: value for name, value in given.items() if value is not None}
        free = {name: stated.pop(name) for name in ("device", "threads", "data", "out") if name in stated}
        differing = [
            f"{option(name)} {_shown(name, value)} (the run has {_shown(name, getattr(self, name))})"
            for name, value in stated.items()
            if value != getattr(self, name)
        ]
        if differing:
            raise InputError(
                f"--resume continues the run in {self.out} as it was started, but received {'; '.join(differing)}. "
                "Leave these options out, or start again with --overwrite."
            )
        settings = replace(self, **free)
        settings._check()
        return settings

    def _check(self) -> None:
        _check_choice("--backbone", self.backbone, tuple(STAGES))
        _check_choice("--fine-tune", self.fine_tune, ("none", "all", *STAGES[self.backbone]))
        _check_choice("--batch-norm", self.batch_norm, get_args(BatchNorm))
        _check_choice("--device", self.device, DEVICES)
        _check_choice("--label-from", self.label_from, get_args(LabelFrom))
        if self.backbone == "small" and not self.from_scratch:
            raise InputError(f"--weights {self.weights} with --backbone small; it has no weights but --weights none")
        if self.from_scratch and self.fine_tune != "all":
            raise InputError(
                f"--weights none with --fine-tune {self.fine_tune} would leave layers at random; "
                "expected --fine-tune all, or weights to start from"
            )
        if self.from_scratch and self.batch_norm == "frozen":
            raise InputError("--weights none with --batch-norm frozen; from scratch it has no statistics yet")
        _check_numbers(self)


def option(name: str) -> str:
    """A setting's name as it is written on the command line."""
    return "--" + name.replace("_", "-")


def parse_head(text: str) -> tuple[int, ...]:
    """"linear" -> (); "1024,512" -> (1024, 512).

    Raises:
        InputError: it is neither.
    """
    if text == "linear":
        return ()
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*\d{1,6}\s*", part) for part in parts):
        raise InputError(f"--head {text!r}; expected linear, or the sizes of the hidden layers: 1024,512,256,128")
    return tuple(int(part) for part in parts)


def parse_size(text: str) -> tuple[int, int]:
    """"224" -> (224, 224); "192x256" -> (192, 256), height first.

    Raises:
        InputError: it is neither.
    """
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip())
    if match is None:
        raise InputError(f"--input-size {text!r}; expected a side in pixels, 224, or height x width, 192x256")
    return int(match[1]), int(match[2] or match[1])


def _check_numbers(settings: TrainSettings) -> None:
    for name, low, high in (
        ("dropout", 0.0, 0.95), ("warmup", 0.0, 0.9), ("label_smoothing", 0.0, 0.9), ("weight_decay", 0.0, 1.0),
        ("learning_rate", 1e-8, 10.0), ("head_learning_rate", 1e-8, 10.0), ("epochs", 1, 10_000),
        ("head_epochs", 1, 10_000), ("batch_size", 1, 65_536), ("patience", 1, 10_000), ("seed", 0, 2**32 - 1),
        ("max_pixels", 1, 2**40),
    ):  # fmt: skip
        value = getattr(settings, name)
        if not low <= value <= high:
            raise InputError(f"{option(name)} is {value}; expected a number from {low:g} to {high:g}")
    if settings.threads is not None and settings.threads < 1:
        raise InputError(f"--threads is {settings.threads}; expected a number from 1 up")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in settings.input_size):
        raise InputError(
            f"--input-size is {_shown('input_size', settings.input_size)}; "
            f"expected sides from {SMALLEST_SIDE} to {LARGEST_SIDE}"
        )
    if not all(1 <= units <= _HEAD_UNITS for units in settings.head):
        raise InputError(f"--head is {_shown('head', settings.head)}; expected layers of 1 to {_HEAD_UNITS} units")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(choices)}")


def _shown(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ("x" if name == "input_size" else ",").join(map(str, value)) or "linear"
    return str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
