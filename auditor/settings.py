"""Every default, once. A command-line option beats `auditor.toml`, which beats the default here.

The thresholds of the rules are the arguments of the checks in `auditor/checks`; `[checks.<rule>]` sets them. What
`auditor train` can be told is in `auditor/training/settings.py`, what `auditor explain` can in
`auditor/explain/request.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from auditor.configuration import ConfigFile, Configured, MayBeFile, Range, own_hints
from auditor.errors import InputError

#: Of the configuration file: one for every command that has settings, and one for the rules.
SECTIONS = ("scan", "evaluate", "explain", "split", "tfrecord", "train", "export", "checks")
BUNDLED_MODEL = "catdog-resnet50"
ACCEPTED_NAME = "auditor-accepted.toml"          # accepted findings, beside the configuration file
MAX_PIXELS = 178_956_970                        # where Pillow itself sees a decompression bomb
MAX_BYTES = 512 * 1024**2

LabelFrom = Literal["folder", "name"]
Device = Literal["auto", "cpu", "cuda"]
Backend = Literal["onnx", "keras"]
# Inferno rises evenly in lightness, so that order survives colour blindness and grey print. Jet does not; it is
# offered because many papers show it.
Colours = Literal["inferno", "viridis", "jet"]
AssetsPlace = Literal["inline", "folder"]
DEVICES: tuple[str, ...] = get_args(Device)
COLOUR_MAPS: tuple[str, ...] = get_args(Colours)

Threads = Annotated[int | None, Range(1, 4096)]
Seed = Annotated[int, Range(0, 2**32 - 1)]
Share = Annotated[float, Range(0, 1)]
Depth = Annotated[int | None, Range(1, 100)]   # of a folder; 1 is directly below the root
Most = Annotated[int, Range(1, 2**40)]          # pixels or bytes
ClassMap = Annotated[str | None, MayBeFile(lambda text: text.casefold().endswith((".json", ".csv")))]

#: Settings of a scan that say what a source holds and what of it is refused, and those that say how a model runs.
SOURCE = (
    "label_from", "file_column", "label_column", "split_column", "classes_at", "split_at", "exclude", "max_pixels",
    "max_bytes",
)  # fmt: skip
MODEL = ("backend", "device", "preprocessing", "classes", "output")


@dataclass(frozen=True)
class Limits:
    """What is refused before it costs anything; one set for every command.

    Attributes:
        max_pixels: Most pixels that the header of an image may claim.
        max_bytes: Most bytes of one file.
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True)
class Settings(Configured):
    """What a scan was asked to do.

    Attributes:
        data: What to scan, as it was written: a folder, a manifest, shards; "" where nothing is scanned.
        model: Model folder, FILE.onnx or FILE.keras; None is the bundled model.
        backend: What runs a model folder: "onnx" or "keras".
        device: "auto", "cpu" or "cuda".
        preprocessing: For a bare model, how pixels are scaled; None reads or guesses it.
        classes: File with one class name per output, for a bare model.
        output: Of an ONNX model with several outputs, the one that holds the class scores; None tells it.
        class_map: Model class = folder class, as `--class-map` takes it.
        out: Folder that reports are written to.
        name: Name of the data set there; None is parent and leaf of `data`.
        label_from: Where labels come from: "folder" or "name" (`cat.0.jpg`).
        file_column, label_column, split_column: Columns of a manifest; None recognises the usual names.
        classes_at: Depth of the class folders, 1 directly below the root; None recognises them.
        split_at: Likewise of the folders that are splits.
        exclude: Globs of files and folders that are left out, by their path relative to the root.
        batch_size: Images per forward pass.
        threads: Decoding threads, and threads of the CPU backend; None is one per core.
        max_pixels: Images with more pixels in their header are refused before decoding.
        max_bytes: Files with more bytes are not read.
        max_cards: Flagged images shown with pictures in the report; every finding is in `findings.jsonl`.
        max_occlusion: Of those, at most so many get heatmaps by occlusion, where the model gives no others: each takes
            50 forward passes.
        colours: Colour map of the heatmaps: "inferno", "viridis" or "jet".
        max_size: Size of one page of the report in megabytes of 10^6 bytes; what does not fit goes to further pages.
        assets: Where pages have their pictures: "inline" in themselves, or "folder" in files beside them.
        template_dir: Folder of templates, stylesheets and scripts that replace those of the same name.
        doubtful: Show what a probe that cannot judge the labels would flag, with low severity.
        no_model: Run only what needs no model.
        rules: The only rules that run, separated by commas; "" runs all.
        skip_rules: Rules that do not run, separated by commas.
        store: Keep what is found out about images in `out`, and do not read those again that are unchanged.
        verify: Read every file, however unchanged it seems.
        keep_runs: Of a data set, so many runs' folders are kept, the newest; None keeps all. History keeps every run.
        changed_since: A revision of git: only findings that name an image that changed since then are listed; None
            lists all.
        fail_on: Limits that fail the run where they hold: `label_issue:high > 0`.
        accepted: File of accepted findings; None is `auditor-accepted.toml` beside the configuration file, if there.
        baseline: Folder of an earlier run: what it found is not new.
        outputs: Further files of the run, as `auditor.outputs.FORMATS` names them; and "github", which tells the job
            that it runs in.
        prometheus: File for the textfile collector of Prometheus' node exporter.
        webhook: http or https URL that gets the summary.
        checks: Rule -> setting -> value.
    """

    data: Annotated[str, MayBeFile(lambda text: "://" not in text)] = ""
    model: Path | None = None
    backend: Backend = "onnx"
    device: Device = "auto"
    preprocessing: str | None = None
    classes: Path | None = None
    output: str | None = None
    class_map: ClassMap = None
    out: Path = Path("reports")
    name: str | None = None
    label_from: LabelFrom = "folder"
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    classes_at: Depth = None
    split_at: Depth = None
    exclude: tuple[str, ...] = ()
    batch_size: Annotated[int, Range(1, 65_536)] = 16
    threads: Threads = None
    max_pixels: Most = MAX_PIXELS
    max_bytes: Most = MAX_BYTES
    max_cards: Annotated[int, Range(0)] = 200
    max_occlusion: Annotated[int, Range(0)] = 24
    colours: Colours = "inferno"
    max_size: Annotated[float, Range(0.1, 1000)] = 3.0
    assets: AssetsPlace = "inline"
    template_dir: Path | None = None
    doubtful: bool = False
    no_model: bool = False
    rules: str = ""
    skip_rules: str = ""
    store: bool = True
    verify: bool = False
    keep_runs: Annotated[int | None, Range(1)] = None
    changed_since: str | None = None
    fail_on: tuple[str, ...] = ()
    accepted: Path | None = None
    baseline: Path | None = None
    outputs: tuple[str, ...] = ()
    prometheus: Path | None = None
    webhook: str | None = None
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    section: ClassVar[str] = "scan"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.no_model and self.model is not None:
            raise InputError(f"--no-model scans without a model, and --model names {self.model}; leave one of them out")
        if self.no_model and self.class_map is not None:
            raise InputError("--class-map maps the classes of a model, and --no-model has none; leave one of them out")

    @property
    def limits(self) -> Limits:
        """What the reader refuses."""
        return Limits(self.max_pixels, self.max_bytes)

    @property
    def page_bytes(self) -> int:
        """`max_size` in bytes."""
        return round(self.max_size * 1_000_000)

    @classmethod
    def load(cls, *, config: Path | None = None, **given: Any) -> Self:
        """Settings from the options that were given (None means not given) and the configuration file.

        Args:
            config: A TOML file; None takes `auditor.toml` of the working directory where there is one, or
                `[tool.auditor]` of its `pyproject.toml`.
            **given: Settings by name.

        Raises:
            InputError: the file cannot be read, or a setting is not known or cannot have its value.
        """
        values = stated(cls, config, given)
        if cls is Settings and (there := accepted_file(config)).is_file():
            values.setdefault("accepted", there)
        return cls(**values)


@dataclass(frozen=True)
class EvaluateSettings(Settings):
    """What an evaluation was asked to do.

    Attributes:
        split: "train", "val", "test" or "all"; None is test where there is one, else val, else all.
        name: Name of the folder of its runs; None is MODEL-on-DATA.
    """

    split: str | None = None
    name: str | None = None

    section: ClassVar[str] = "evaluate"
    shared: ClassVar[tuple[str, ...]] = (*SOURCE, *MODEL, "class_map", "out", "batch_size", "threads")


@dataclass(frozen=True)
class SplitSettings(Settings):
    """What a split was asked to be.

    Attributes:
        train, val, test: Share of each part; 1 together.
        seed: Another seed, another split.
        by: What is made: "manifest", or a folder by "copy" or "link".
    """

    train: Share = 0.8
    val: Share = 0.1
    test: Share = 0.1
    seed: Seed = 0
    by: Literal["manifest", "copy", "link"] = "manifest"

    section: ClassVar[str] = "split"
    shared: ClassVar[tuple[str, ...]] = SOURCE


@dataclass(frozen=True)
class PackSettings(Settings):
    """How images are packed.

    Attributes:
        shards: Of each split; None makes shards of about 128 MB.
        skip_unreadable: Leave out images that cannot be decoded.
    """

    shards: Annotated[int | None, Range(1)] = None
    skip_unreadable: bool = False

    section: ClassVar[str] = "tfrecord"
    shared: ClassVar[tuple[str, ...]] = SOURCE


@dataclass(frozen=True)
class ExportSettings(Configured):
    """How a model is exported.

    Attributes:
        calibration: Photographs to calibrate and to check on; None is what the model was trained on, as far as its
            card knows.
        images: Photographs to use of them.
        out: Folder to write to; None is the model's.
        preprocessing, classes: Of a bare model.
        max_pixels, max_bytes: As for a scan.
    """

    calibration: Path | None = None
    images: Annotated[int, Range(1)] = 600
    out: Path | None = None
    preprocessing: str | None = None
    classes: Path | None = None
    max_pixels: Most = MAX_PIXELS
    max_bytes: Most = MAX_BYTES

    section: ClassVar[str] = "export"
    shared: ClassVar[tuple[str, ...]] = ("max_pixels", "max_bytes")

    @property
    def limits(self) -> Limits:
        """What the reader refuses."""
        return Limits(self.max_pixels, self.max_bytes)

    @classmethod
    def load(cls, *, config: Path | None = None, **given: Any) -> Self:
        """As `Settings.load`."""
        return cls(**stated(cls, config, given))


def accepted_file(config: Path | None) -> Path:
    """Where the file of accepted findings is looked for: beside the configuration file, or in the working directory."""
    return (Path() if config is None else config.parent) / ACCEPTED_NAME


def stated(kind: type[Configured], config: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was stated for a command: its options, over its section of the file, over what it shares with a scan.

    Args:
        kind: Its settings.
        config: The file; None takes that of the working directory where there is one.
        given: Its options by name; None where one was not given.

    Raises:
        InputError: the file cannot be read, or a setting there is not known or cannot have its value.
    """
    file = ConfigFile.read(config, SECTIONS)
    scan = own_hints(Settings)
    checks = scan.pop("checks")                                 # they have tables of their own
    values = {name: value for name, value in file.section("scan", scan).items() if name in kind.shared}
    known = {name: scan[name] for name in kind.shared} | own_hints(kind)
    if known.pop("checks", None):
        values["checks"] = file.checks(checks)
    values |= file.section(kind.section, known)
    return values | {name: value for name, value in given.items() if value is not None}
