"""`DIR/<name>/<run>/`: the id is claimed before the work; the files are written aside and published at once.

While a run lasts, `DIR/<name>/.<run>.partial/<host>/` is its draft. The outer folder is the claim: of two runs that
want an id, only one can make it. The operating system keeps a lock on it until the run's process ends, however it ends.
So the next run of the same name knows what a killed run left behind, and removes that.
"""

import errno
import os
import platform
import re
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.atomic_write import DISK_FULL, is_safe_name
from auditor.errors import Incomplete, InputError
from auditor.runs.files import ASSETS, LATEST, SUMMARY, is_page, is_picture
from auditor.text import read_json, shown

_MOST_ALIKE = 999                               # runs that may want the same id
_ABANDONED = 7 * 24 * 3600                      # seconds after which a draft is a leftover where no lock can tell
_REFUSED = (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY)


@dataclass(frozen=True)
class Run:
    """A run that has its id.

    Attributes:
        out: Folder of the reports.
        name: Of the data set there.
        id: No other run of this name has it, or can get it.
    """

    out: Path
    name: str
    id: str

    @property
    def folder(self) -> Path:
        """Where the run lies once it is published."""
        return self.out / self.name / self.id

    @contextmanager
    def publish(self) -> Iterator[Path]:
        """Yields an empty folder to write into; when the block ends well it becomes `folder`, and `latest` leads to it.

        When the block fails, nothing is published and `latest` stays where it was.

        Raises:
            InputError: `out` cannot be written to.
            Incomplete: the disk is full.
        """
        draft = _claimed(self.folder.parent, self.id) / _host()
        with _told(self.out):
            yield draft
            draft.rename(self.folder)
            _point_latest(self.folder)


@contextmanager
def claim(out: Path, name: str, wanted: str | None = None) -> Iterator[Run]:
    """Yields a run with an id of its own, which is to be published before the block ends.

    What killed runs of this name left is removed first. When the block ends without a publication, nothing of this
    run is left either, not even the folders that were made for it.

    Args:
        out: Folder of the reports.
        name: Of the data set there.
        wanted: The id that the run should have; None makes one of the time. Where another run has it, "-2" or the
            next free number is put behind it.

    Raises:
        InputError: `name` or `wanted` cannot be a folder's name, or `out` cannot be written to.
        Incomplete: the disk is full.

    Example:
        >>> with claim(Path("reports"), "cats") as run:
        ...     audit = run_scan(settings, run_id=run.id)
        ...     with run.publish() as folder:
        ...         write_outputs(audit, folder)
    """
    check_name(name)
    wanted = run_id(datetime.now(UTC)) if wanted is None else wanted
    if not is_safe_name(wanted) or wanted == LATEST:
        raise InputError(f"{wanted!r} cannot be a run's id; expected letters, digits, '-', '_' and '.'")
    home = out / name
    with ExitStack() as stack:
        with _told(out):
            _check_link(home / LATEST)
            stack.callback(_remove_empty, [folder for folder in (home, *home.parents) if not folder.exists()])
            _remove_leftovers(home)
            run = _take(home, wanted, stack)
        yield Run(out, name, run)


def remove_old_runs(home: Path, keep: int, own: Collection[str], spare: Collection[Path] = ()) -> None:
    """Removes the folders of the oldest runs of one name.

    Only what is a run and nothing else goes: a folder with a summary that says its id, and nothing beside what auditor
    writes: its files, the pages of its report, and their pictures. What cannot be removed stays until the next time.

    Args:
        home: Folder of the runs.
        keep: How many of the newest ones stay.
        own: Names of all files that a run can have, beside pages.
        spare: Folders of runs that stay, however old. The one that `latest` leads to always does.
    """
    spared = {os.path.realpath(path) for path in (home / LATEST, *spare)}
    runs = sorted((*when, path.name) for path in home.iterdir() if (when := _when(path, own)) is not None)
    for *_, name in runs[:-keep]:
        folder, aside = home / name, _claimed(home, f"{name}.removed")
        if os.path.realpath(folder) in spared:
            continue
        with suppress(OSError):
            folder.rename(aside)                # at once: nobody finds half a run
            shutil.rmtree(aside)


def _when(folder: Path, own: Collection[str]) -> tuple[str, int] | None:
    """When the run in a folder started, in UTC, and when it was written; None where it is no run, or holds more."""
    if folder.is_symlink() or not folder.is_dir() or folder.name.startswith("."):
        return None
    try:
        entries = list(os.scandir(folder))
        run = read_json(folder / SUMMARY)["run"]
        started = datetime.fromisoformat(run["started_at"]).astimezone(UTC).isoformat()
        written = (folder / SUMMARY).stat().st_mtime_ns         # runs may start within the same second
        ours = run["id"] == folder.name and all(_is_own(each, own) for each in entries)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (started, written) if ours else None


def _is_own(entry: os.DirEntry[str], own: Collection[str]) -> bool:
    if entry.name == ASSETS and entry.is_dir(follow_symlinks=False):
        with os.scandir(entry) as pictures:
            return all(is_picture(each.name) and each.is_file() for each in pictures)
    return entry.is_file() and (entry.name in own or is_page(entry.name))


def run_id(started: datetime) -> str:
    """The id of a run that started then: "20250131T020000Z"."""
    return started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def check_name(name: str) -> None:
    """Raises InputError where `name` cannot be a folder's: to be known before the work is done."""
    if not is_safe_name(name) or name == LATEST:
        raise InputError(f"--name {name!r} cannot be a folder's name; expected letters, digits, '-', '_' and '.'")


def _check_link(latest: Path) -> None:
    if latest.exists() and not latest.is_symlink():
        raise InputError(f"{shown(str(latest))} is no link to a run, so no run can take its place; move it away")


def _make(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:          # a drive that is not there, or a file system of the kernel
        raise InputError(
            f"{shown(str(home))} cannot be made ({error.strerror}); name another folder with --out"
        ) from None


def _take(home: Path, wanted: str, stack: ExitStack) -> str:
    """The first free id; nobody else gets it before `stack` is closed, which removes the draft."""
    for number in range(1, _MOST_ALIKE + 1):
        run = wanted if number == 1 else f"{wanted}-{number}"
        draft = _claimed(home, run)
        _make(home)
        # An error: another run has this id, or took the draft, still without a lock, for a leftover.
        with suppress(FileExistsError, FileNotFoundError, BlockingIOError), ExitStack() as mine:
            draft.mkdir()
            mine.enter_context(locked(draft))
            mine.callback(shutil.rmtree, draft, ignore_errors=True)
            (draft / _host()).mkdir()
            if os.path.lexists(home / run):     # only now: a run that is being published leaves its claim last
                continue
            stack.push(mine.pop_all())
            return run
    raise InputError(f"{shown(str(home))} already holds a thousand runs of {wanted}")


def _claimed(home: Path, run: str) -> Path:
    return home / f".{run}.partial"


def _host() -> str:
    """What a draft calls this machine, the only one that can tell by the lock whether its run still lives."""
    return "on-" + re.sub(r"[^\w.-]", "_", platform.node())[:100]


def _remove_leftovers(home: Path) -> None:
    """Removes the drafts of killed runs, never one of a run that may still be at work."""
    for draft in home.glob(".*.partial"):
        with suppress(OSError), locked(draft) as sure:                          # BlockingIOError: its run lives
            elsewhere = {entry.name for entry in draft.iterdir()} - {_host()}   # locks need not reach other machines
            if (sure and not elsewhere) or time.time() - draft.stat().st_mtime > _ABANDONED:
                shutil.rmtree(draft)
    for link in home.glob(f".{LATEST}.*"):
        with suppress(OSError):
            link.unlink()                       # whoever still needs it makes it again


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Locks a folder; yields False where the system has no such locks.

    Raises:
        BlockingIOError: another run holds the lock.
        FileNotFoundError: the folder was removed meanwhile.
    """
    try:
        import fcntl  # not on Windows
    except ImportError:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        held = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            held = False                        # a file system without locks
        if not os.path.samestat(os.fstat(handle), folder.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        yield held
    finally:
        os.close(handle)


def _point_latest(folder: Path) -> None:
    """Points `latest` at a run in one step, so that it always leads to a whole run."""
    link = folder.with_name(f".{LATEST}.{folder.name}")
    for _ in range(_MOST_ALIKE):
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        with suppress(FileNotFoundError):       # a run that just began took the link for a leftover
            link.replace(folder.with_name(LATEST))
            return


def _remove_empty(folders: Sequence[Path]) -> None:
    with suppress(OSError):                     # one that holds something stays, and so do those above it
        for folder in folders:
            folder.rmdir()


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """Says what a failure to write means for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise Incomplete(f"the disk of {out} is full; nothing was published") from None
        if error.errno in _REFUSED:
            raise InputError(f"{out} cannot be written to ({error.strerror}); name another folder with --out") from None
        raise
