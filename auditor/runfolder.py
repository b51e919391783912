"""`DIR/<name>/<run>/`: written aside, then published at once, so that a reader never sees half a run."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.errors import Incomplete, InputError
from auditor.publication import is_safe_name

LATEST = "latest"


@contextmanager
def publish(out: Path, name: str, run: str) -> Iterator[Path]:
    """Yields an empty folder; when the block ends well it becomes `out/name/run` and `out/name/latest` points at it.

    When the block fails, nothing is left behind and `latest` stays where it was. A run of the same second gets
    a number.

    Raises:
        InputError: `name` cannot be a folder's name, or `out` cannot be written to.
        Incomplete: the disk is full.
    """
    check_name(name)
    home = out / name
    draft = home / f".{run}.{os.getpid()}.partial"
    try:
        draft.mkdir(parents=True)
        yield draft
        _point_latest(home, _move(draft, home, run))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Incomplete(f"the disk of {out} is full; nothing was published") from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise InputError(f"{out} cannot be written to ({error.strerror}); name another folder with --out") from None
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_name(name: str) -> None:
    """Raises InputError where `name` cannot be a folder's: to be known before the work is done."""
    if not is_safe_name(name) or name == LATEST:
        raise InputError(f"--name {name!r} cannot be a folder's name; expected letters, digits, '-', '_' and '.'")


def _move(draft: Path, home: Path, run: str) -> Path:
    for number in range(1, 1000):
        target = home / (run if number == 1 else f"{run}-{number}")
        try:
            target.mkdir()                      # claims the name: only one of two runs of the same second gets it
        except FileExistsError:
            continue
        draft.replace(target)                  # an empty folder may be replaced by another
        return target
    raise InputError(f"{home} already holds a thousand runs of {run}")


def _point_latest(home: Path, target: Path) -> None:
    link = home / f".{LATEST}.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(home / LATEST)
