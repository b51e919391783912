"""`models/NAME.partial` while a run lasts, `models/NAME` once it is whole.

A run that ends early leaves its folder, with all that is needed to go on. Nothing that was at NAME is deleted.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from auditor.atomic_write import is_safe_name
from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.errors import InputError
from auditor.settings import stated
from auditor.text import read_json, shown, some
from auditor.training.checkpoints import Checkpoints
from auditor.training.parts import PARTS, DataParts, Image, PartName
from auditor.training.settings import TrainSettings

RUN_NAME = "run.json"
RUN_FORMAT = 1
CHECKPOINTS = "checkpoints"
_LOCK = ".lock"


@dataclass(frozen=True)
class TrainingRun:
    """An open run.

    Attributes:
        folder: `NAME.partial`.
        settings: Of the run.
        parts: What it trains on, where it is continued; None for a new run.
        replaces: Whether a model that is at NAME is to be moved aside.
    """

    folder: Path
    settings: TrainSettings
    parts: "StoredParts | None"
    replaces: bool

    @property
    def checkpoints(self) -> Path:
        """Where everything lies that only a continued run needs."""
        return self.folder / CHECKPOINTS

    def checkpoints_of(self, phase: str) -> Checkpoints:
        """The checkpoints of one phase."""
        return Checkpoints(self.checkpoints / phase)

    def begin(self, parts: DataParts) -> None:
        """Empties the folder and writes down what the run trains on, so that a continued one trains on the same."""
        _empty(self.folder)
        record = {
            "format_version": RUN_FORMAT,
            "settings": self.settings.record(),
            "overwrite": self.replaces,
            "parts": asdict(StoredParts.of(parts)),
        }
        draft = self.folder / f".{RUN_NAME}"
        draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        draft.replace(self.folder / RUN_NAME)

    def publish(self) -> Path:
        """Makes the folder `NAME`; what was there becomes `NAME.old`, or `NAME.old-2`, ...; returns its path.

        Raises:
            InputError: something came to be at NAME while the run lasted.
        """
        target = self.settings.out
        taken = target.exists() or target.is_symlink()
        if taken and not self.replaces:
            raise InputError(f"{target} came to be while the run lasted. Move it away, and continue with --resume.")
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        (self.folder / RUN_NAME).unlink(missing_ok=True)
        (self.folder / _LOCK).unlink(missing_ok=True)
        if taken:
            target.rename(_aside(target))
        self.folder.rename(target)
        return target


@dataclass(frozen=True)
class StoredParts:
    """The parts of a run as they lie in `run.json`: files, their labels' names and contents."""

    classes: tuple[str, ...]
    files: Mapping[PartName, tuple[tuple[str, str, str], ...]]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, parts: DataParts) -> "StoredParts":
        """Files, labels and contents of each part."""
        files = {
            name: tuple((image.sample.file, parts.classes[image.label], image.content) for image in parts.part(name))
            for name in PARTS
        }
        return cls(parts.classes, files, parts.left_out, parts.notes)

    def join(self, dataset: Dataset) -> DataParts:
        """The same parts of the data set as it is now.

        Raises:
            InputError: an image is gone, or has another label.
        """
        there = {sample.file: sample for sample in dataset.samples}
        changed = [
            file
            for entries in self.files.values()
            for file, label, _ in entries
            if file not in there or there[file].label != label
        ]
        if changed:
            raise InputError(
                f"{len(changed)} images of the unfinished run are gone or have another label now: {some(changed)}. "
                "--resume needs the data as it was; put it back, or start again with --overwrite."
            )
        parts = {name: tuple(self._images(name, there)) for name in PARTS}
        return DataParts(self.classes, parts["train"], parts["val"], parts["test"], self.left_out, self.notes)

    def _images(self, name: PartName, there: Mapping[str, Sample]) -> Iterator[Image]:
        place = {label: number for number, label in enumerate(self.classes)}
        for file, label, content in self.files[name]:
            yield Image(replace(there[file], split=name), place[label], content)


@contextmanager
def open_run(
    given: Mapping[str, Any], *, resume: bool, overwrite: bool, config: Path | None = None
) -> Iterator[TrainingRun]:
    """Opens a new run's folder, or that of an unfinished one, and keeps others out of it.

    Args:
        given: Settings by name; None where an option was not given. `data` and `out` always are.
        resume: Whether to continue an unfinished run.
        overwrite: Whether an unfinished run may be thrown away, and a finished model moved aside.
        config: Configuration file; None takes `auditor.toml` of the working directory for a new run. A run that is
            continued has its settings, and is only compared with a file that is named.

    Raises:
        InputError: the folder is taken, there is nothing to resume, or the options contradict those of the run.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other: one continues a run, the other starts it anew")
    out = Path(given["out"])
    if not is_safe_name(out.name) or out.name.endswith(".partial"):
        raise InputError(f"--out {shown(str(out))}: {out.name!r} cannot be a model's name; expected models/NAME")
    folder = out.with_name(out.name + ".partial")
    if resume:
        record = _read(folder, out)
        asked = given if config is None else stated(TrainSettings, config, given)
        settings = TrainSettings.from_record(record["settings"]).resumed(**asked)
        run = TrainingRun(folder, settings, _stored(record), bool(record.get("overwrite")))
    else:
        settings = TrainSettings.load(config=config, **given)
        _check_free(folder, out, overwrite)
        run = TrainingRun(folder, settings, None, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    except OSError as error:
        raise InputError(f"{out.parent} cannot be written to ({error.strerror}); name another with --out") from None
    with lock:
        try:
            yield run
        finally:
            if {entry.name for entry in folder.glob("*")} <= {_LOCK}:
                shutil.rmtree(folder, ignore_errors=True)       # it never came so far that it could be continued


def _check_free(folder: Path, out: Path, overwrite: bool) -> None:
    if overwrite:
        if folder.exists() and not (folder / RUN_NAME).is_file() and any(folder.iterdir()):
            raise InputError(f"{folder} holds something, but no unfinished run; move it away, or take another --out")
        return
    if folder.exists():
        raise InputError(
            f"an unfinished run lies in {folder}. Continue it with --resume, or start anew with --overwrite."
        )
    if out.exists() or out.is_symlink():
        raise InputError(
            f"{out} is there already. Take another name with --out, or pass --overwrite: it is then kept as {out}.old"
        )


def _read(folder: Path, out: Path) -> dict[str, Any]:
    path = folder / RUN_NAME
    if not path.is_file():
        finished = f"{out} is finished" if out.exists() else f"there is no {folder}"
        raise InputError(f"--resume found no unfinished run of {out}: {finished}. Leave --resume out to start one.")
    try:
        record = read_json(path)
        if record["format_version"] != RUN_FORMAT or not isinstance(record["settings"], dict):
            raise ValueError(f"format_version {record['format_version']!r}, expected {RUN_FORMAT}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be continued ({error}); start again with --overwrite") from None
    return dict(record)


def _stored(record: Mapping[str, Any]) -> StoredParts:
    try:
        parts = record["parts"]
        return StoredParts(
            classes=tuple(map(str, parts["classes"])),
            files={name: tuple(map(_entry, parts["files"][name])) for name in PARTS},
            left_out=tuple((str(file), str(reason)) for file, reason in parts["left_out"]),
            notes=tuple(map(str, parts["notes"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{RUN_NAME} of the run cannot be read ({error}); start again with --overwrite") from None


def _entry(record: Sequence[Any]) -> tuple[str, str, str]:
    file, label, content = record
    return str(file), str(label), str(content)


def _locked(folder: Path) -> IO[bytes]:
    """A file that only one process holds; the system lets go of it however that process ends."""
    file = (folder / _LOCK).open("wb")
    with suppress(ImportError):                                 # no such locks on Windows
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise InputError(f"another run is at work in {folder}; wait for it, or take another --out") from None
    return file


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _aside(target: Path) -> Path:
    names: Sequence[str] = [f"{target.name}.old", *(f"{target.name}.old-{number}" for number in range(2, 1000))]
    for name in names:
        if not (target.with_name(name)).exists():
            return target.with_name(name)
    raise InputError(f"{target.parent} keeps a thousand old models of {target.name}; remove some")
