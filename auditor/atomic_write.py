"""Files and folders that appear complete or not at all: written under another name, then renamed."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from auditor.errors import Incomplete, InputError
from auditor.text import shown

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)
#: Suffixes of what auditor writes into the folder of --out: whoever writes one there means a file.
_OF_FILES = (".html", ".htm", ".pdf", ".json", ".jsonl", ".csv", ".parquet", ".xml", ".md", ".onnx", ".keras", ".txt")
_SAFE_NAME = re.compile(r"\w[\w.-]{0,99}")


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yields an empty folder beside `target` that becomes `target` if the block succeeds, and is removed otherwise.

    Args:
        target: A path that does not exist, or an empty folder.

    Raises:
        InputError: `target` is not free, or cannot be written.
        Incomplete: the disk is full.
    """
    with _draft(target) as (place, draft):
        check_free(target, folder=True)
        draft.mkdir()
        yield draft
        draft.rename(place)                     # replaces an empty folder, never another one


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yields a path beside `target`, with its suffix, for a file that becomes `target` if the block succeeds.

    Args:
        target: A path that does not exist, or an empty file.

    Raises:
        InputError: `target` is not free, or cannot be written.
        Incomplete: the disk is full.
    """
    with _draft(target) as (place, draft):
        check_free(target, folder=False)
        yield draft
        check_free(target, folder=False)
        draft.replace(place)


@contextmanager
def changed_file(target: Path) -> Iterator[Path]:
    """Yields a path beside `target` for a file that takes its place at once if the block succeeds.

    The new file has the permissions of the one that was there. Whoever looks for files by their suffix does not find
    the draft.

    Raises:
        InputError: `target` is a folder, or cannot be written.
        Incomplete: the disk is full.
    """
    with _draft(target, "") as (place, draft):
        if place.is_dir():
            raise InputError(f"{shown(str(target))} is a folder; expected the name of a file")
        yield draft
        if place.exists():
            shutil.copymode(place, draft)
        draft.replace(place)


def is_safe_name(name: str) -> bool:
    """Whether a user's name is valid for a folder on every system: letters, digits, "-", "_" and "."."""
    return _SAFE_NAME.fullmatch(name) is not None


def check_free(target: Path, *, folder: bool) -> None:
    """Raises InputError if something other than an empty folder, or for a file an empty file, is at `target`."""
    where = shown(str(target))
    if target.is_dir():
        if not folder:
            raise InputError(f"{where} is a folder; expected the name of a new file")
        if any(target.iterdir()):
            raise InputError(_not_empty(target))
    elif target.exists():
        if folder:
            raise InputError(f"{where} is there already and is not a folder. Move it away, or name another.")
        if target.stat().st_size:
            raise InputError(_not_empty(target))


def check_out(folder: Path) -> None:
    """To be known before hours of work: whether files can be made in the folder of `--out`, which need not be there.

    Nothing is left behind.

    Raises:
        InputError: it is a file or named like one, or cannot be written to.
        Incomplete: the disk is full.
    """
    where = shown(str(folder))
    if not folder.is_dir() and folder.suffix.lower() in _OF_FILES:
        raise InputError(
            f"--out {where} is named like a file; expected a folder, in which the files get names of their own. "
            f"Write --out {shown(str(folder.with_suffix('')))}"
        )
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in DISK_FULL:
            raise Incomplete(f"the disk of {where} is full; make room, or name another folder with --out") from None
        what = "is a file and no folder" if error.errno in _NO_FOLDER else f"cannot be written to ({error.strerror})"
        blocked = next((each for each in (folder, *folder.parents) if each.exists()), folder)
        place = where if blocked == folder else f"{where} cannot be made: {shown(str(blocked))}"
        raise InputError(f"{place} {what}; name another folder with --out") from None
    finally:
        with suppress(OSError):                 # one that another process has put something into stays
            for each in made:
                each.rmdir()


@contextmanager
def _draft(target: Path, suffix: str | None = None) -> Iterator[tuple[Path, Path]]:
    """The target with links resolved, and the path that is written first; what is left there is removed afterwards.

    The draft has the target's suffix unless another one is named.
    """
    place = Path(os.path.realpath(target))
    made = [folder for folder in (place.parent, *place.parent.parents) if not folder.exists()]
    draft = place.with_name(f".{place.stem[:100]}.{os.getpid()}.partial{place.suffix if suffix is None else suffix}")
    done = False
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place, draft
        done = True
    except OSError as error:
        raise _explained(error, target) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if not done:
            with suppress(OSError):             # a folder stays if another process put a file into it
                for folder in made:
                    folder.rmdir()


def _explained(error: OSError, target: Path) -> Exception:
    """The error as one about the target."""
    where = shown(str(target))
    if error.errno in DISK_FULL:
        return Incomplete(f"the disk of {where} is full; nothing was written")
    above = next((folder for folder in target.parents if folder.exists() and not folder.is_dir()), None)
    if above is not None:
        return InputError(f"{where} was not written: {shown(str(above))} is not a folder. Name another place.")
    if error.errno in _TAKEN:
        return InputError(_not_empty(target))
    if error.errno == errno.EBUSY:
        return InputError(f"{where} cannot be replaced; a disk may be mounted there. Name a folder inside it")
    cause = f"{shown(str(error.filename))}: {error.strerror}" if error.filename else str(error.strerror or error)
    return InputError(f"{where} was not written ({cause}). Correct that, or name another place.")


def _not_empty(target: Path) -> str:
    return f"{shown(str(target))} exists and is not empty; nothing is overwritten. Move it away, or name another."
