"""Every default of a training run, once. What is not given is decided here, from what is."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from auditor.configuration import Configured, MayBeFile, Range, Written, as_written, checked, hints_of, option
from auditor.errors import InputError
from auditor.settings import (
    MAX_BYTES,
    MAX_PIXELS,
    SOURCE,
    Depth,
    Device,
    LabelFrom,
    Limits,
    Most,
    Seed,
    Threads,
    stated,
)

BatchNorm = Literal["auto", "frozen", "trained"]
Backbone = Literal["resnet50", "small"]

#: Backbone -> its stages from the image up, and the side that images are squashed to unless --input-size is given.
STAGES: dict[Backbone, tuple[str, ...]] = {
    "resnet50": ("conv1", "conv2", "conv3", "conv4", "conv5"),
    "small": ("block1", "block2", "block3", "block4"),
}
SIDES: dict[Backbone, int] = {"resnet50": 224, "small": 128}
WEIGHTS = ("bundled", "imagenet", "none")       # that need no file


def parse_head(text: str) -> tuple[int, ...]:
    """"linear" -> (); "1024,512" -> (1024, 512); ValueError where it is neither."""
    if text == "linear":
        return ()
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*\d{1,6}\s*", part) for part in parts):
        raise ValueError
    return tuple(int(part) for part in parts)


def parse_size(text: str) -> tuple[int, int]:
    """"224" -> (224, 224); "192x256" -> (192, 256), height first; ValueError where it is neither."""
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip())
    if match is None:
        raise ValueError
    return int(match[1]), int(match[2] or match[1])


Count = Annotated[int, Range(1, 10_000)]
Rate = Annotated[float, Range(1e-8, 10)]
Side = Annotated[int, Range(32, 1024)]
Units = Annotated[int, Range(1, 8192)]          # of one layer; more is a typing error
Head = Annotated[
    tuple[Units, ...],
    Written(
        parse_head,
        lambda head: ",".join(map(str, head)) or "linear",
        "linear, or the sizes of hidden layers, from 1 to 8192 units each: 1024,512,256,128",
    ),
]
InputSize = Annotated[
    tuple[Side, Side],
    Written(
        parse_size,
        lambda size: "x".join(map(str, size)),
        "a side in pixels, 224, or height x width, 192x256; sides from 32 to 1024",
    ),
]


@dataclass(frozen=True)
class TrainSettings(Configured):
    """What a training run was asked to do.

    Attributes:
        data: Folder, manifest or shards with the images, as it was written.
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
        max_bytes: Files with more bytes are not read.
        label_from: Where labels come from: "folder" or "name".
        file_column, label_column, split_column: Columns of a manifest; None recognises the usual names.
        classes_at, split_at: Depths of the class folders and of the splits; None recognises them.
        exclude: Globs of files and folders that are left out.
    """

    data: str
    out: Path
    weights: Annotated[str, MayBeFile(lambda text: text not in WEIGHTS)] = "bundled"
    backbone: Backbone = "resnet50"
    head: Head = ()
    dropout: Annotated[float, Range(0, 0.95)] = 0.2
    augment: bool = True
    fine_tune: str = "none"
    batch_norm: BatchNorm = "auto"
    epochs: Count = 20
    head_epochs: Count = 100
    batch_size: Annotated[int, Range(1, 65_536)] = 32
    learning_rate: Rate = 1e-4
    head_learning_rate: Rate = 3e-4
    weight_decay: Annotated[float, Range(0, 1)] = 0.01
    warmup: Annotated[float, Range(0, 0.9)] = 0.1
    label_smoothing: Annotated[float, Range(0, 0.9)] = 0.0
    class_weights: bool = False
    patience: Count = 5
    seed: Seed = 0
    mixed_precision: bool = False
    input_size: InputSize = (224, 224)
    device: Device = "auto"
    threads: Threads = None
    max_pixels: Most = MAX_PIXELS
    max_bytes: Most = MAX_BYTES
    label_from: LabelFrom = "folder"
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    classes_at: Depth = None
    split_at: Depth = None
    exclude: tuple[str, ...] = ()

    section: ClassVar[str] = "train"
    shared: ClassVar[tuple[str, ...]] = (*SOURCE, "threads", "device")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check()

    @property
    def limits(self) -> Limits:
        """What the reader refuses."""
        return Limits(self.max_pixels, self.max_bytes)

    @classmethod
    def load(cls, *, config: Path | None = None, **given: Any) -> Self:
        """Settings from the options that were given (None means not given) and the file, the rest decided from them.

        Args:
            config: A TOML file; None takes `auditor.toml` of the working directory where there is one.
            **given: Settings by name.

        Raises:
            InputError: a setting has a value that it cannot have, or two contradict each other.
        """
        values = stated(cls, config, given)
        backbone: Backbone = checked("--backbone", Backbone, values.setdefault("backbone", cls.backbone))
        values.setdefault("weights", "bundled" if backbone == "resnet50" else "none")
        scratch = values["weights"] == "none"
        values.setdefault("fine_tune", "all" if scratch else "none")
        values.setdefault("learning_rate", 1e-3 if scratch else 1e-4)
        values.setdefault("input_size", (SIDES[backbone], SIDES[backbone]))
        return cls(**values)

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
        try:
            return cls(**record)
        except (InputError, TypeError) as error:
            raise InputError(
                f"the settings of the unfinished run cannot be read ({error}); "
                f"expected {', '.join(sorted(hints_of(cls)))}. Start it again with --overwrite."
            ) from None

    def resumed(self, **given: Any) -> Self:
        """These settings of an unfinished run, with the options given to continue it.

        The device and the number of threads may be others, and data and model may have been moved; anything else must
        be what it was.

        Raises:
            InputError: an option contradicts the run.
        """
        hints = hints_of(type(self))
        asked = {name: checked(option(name), hints[name], value) for name, value in given.items() if value is not None}
        free = {name: asked.pop(name) for name in ("device", "threads", "data", "out") if name in asked}
        differing = [
            f"{option(name)} {_shown(name, value)} (the run has {_shown(name, getattr(self, name))})"
            for name, value in asked.items()
            if value != getattr(self, name)
        ]
        if differing:
            raise InputError(
                f"--resume continues the run in {self.out} as it was started, but received {'; '.join(differing)}. "
                "Leave these options out, or start again with --overwrite."
            )
        return replace(self, **free)

    def _check(self) -> None:
        """Raises InputError where two settings contradict each other."""
        possible = ("none", "all", *STAGES[self.backbone])
        if self.fine_tune not in possible:
            raise InputError(f"--fine-tune is {self.fine_tune!r}; expected one of {', '.join(possible)}")
        if self.backbone == "small" and not self.from_scratch:
            raise InputError(f"--weights {self.weights} with --backbone small; it has no weights but --weights none")
        if self.from_scratch and self.fine_tune != "all":
            raise InputError(
                f"--weights none with --fine-tune {self.fine_tune} would leave layers at random; "
                "expected --fine-tune all, or weights to start from"
            )
        if self.from_scratch and self.batch_norm == "frozen":
            raise InputError("--weights none with --batch-norm frozen; from scratch it has no statistics yet")


def _shown(name: str, value: Any) -> str:
    return as_written(hints_of(TrainSettings)[name], value) if isinstance(value, tuple) else str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
