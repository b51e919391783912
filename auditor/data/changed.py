"""`--changed-since`: which images of a data set changed since a revision of git, by asking git about names only."""

import os
import subprocess
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.audit import Finding
from auditor.data.dataset import LABELS_READ, Dataset
from auditor.data.sample import LocalFiles, Sample
from auditor.errors import InputError
from auditor.images.unreadable import HEAD, pointer
from auditor.text import absolute, count, number, shown, some

_OPTION = "--changed-since"

#: A hook of git gets these; they say where the hook's repository is, by paths that hold only in its folder.
_WHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


@dataclass(frozen=True)
class Changed:
    """The images that changed.

    Attributes:
        files: Their names, as `Sample.file` has them.
        notes: Sentences for the report.
    """

    files: frozenset[str]
    notes: tuple[str, ...]

    def only(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that name one of the images; what is said of the data set as a whole is about none of them."""
        return tuple(
            finding
            for finding in findings
            if finding.file is not None and not self.files.isdisjoint((finding.file, *finding.related))
        )


def changed_images(dataset: Dataset, location: str | Path, since: str) -> Changed:
    """The images of a data set that differ from a revision: committed since, staged, edited, moved, or new to git.

    Git is asked about the folder of the data set, which may lie anywhere in a repository. A file `cat.dvc` stands for
    what DVC keeps as `cat`. Where a table holds the labels and changed, every image below it counts as changed.

    Args:
        dataset: What is scanned.
        location: Where it was loaded from.
        since: A revision as git knows them: a branch, a tag, a commit, `HEAD~3`.

    Raises:
        InputError: git is missing, does not know the revision or none of the images, or the images are no files.
    """
    if not since or since.startswith("-") or "\0" in since:
        raise InputError(f"{_OPTION} is {since!r}; expected a revision of git, such as origin/main or HEAD~1")
    if not all(isinstance(sample.origin, LocalFiles) for sample in dataset.samples):
        raise InputError(
            f"{_OPTION} compares files, and the images of {shown(str(location))} are records of TFRecord shards; "
            f"leave {_OPTION} out"
        )
    root = absolute(dataset.root)
    commit = _commit(root, since)
    # Without renames a file that was moved is one that is gone and one that is new.
    compared = ("diff", "--name-only", "-z", "--relative", "--no-renames", "--diff-filter=d", "--no-ext-diff")
    new = _names(root, "ls-files", "-z", "--others", "--exclude-standard", "--")
    differing = _names(root, *compared, commit, "--") | new
    known = _names(root, "ls-files", "-z", "--cached", "--") | new
    samples = [*dataset.samples, *(Sample(file, file, None, None) for file, _ in dataset.failed)]
    unknown = [sample for sample in samples if not _is_in(sample.where, known)]
    if len(unknown) == len(samples):
        raise InputError(
            f"{_OPTION} {shown(since)}: git knows none of the {count(len(unknown), 'image')} in "
            f"{shown(str(location))}: all are ignored (.gitignore), as those that DVC tracks by one file for the whole "
            f"folder. Leave {_OPTION} out, and all findings are listed."
        )
    tables = sorted(_label_tables(dataset, location) & set(map(shown, differing)))
    folders = {name.rpartition("/")[0] for name in tables}
    images = [
        sample
        for sample in samples
        if _is_in(sample.where, differing) or any(not above or _is_in(sample.file, {above}) for above in folders)
    ]
    notes = _notes(len(samples), since, images, unknown, tables)
    return Changed(frozenset(sample.file for sample in images), tuple(notes))


def _notes(
    total: int, since: str, images: list[Sample], unknown: list[Sample], tables: list[str]
) -> Iterator[str]:
    rev = shown(since)
    yield (
        f"{number(len(images))} of {count(total, 'image')} changed since {rev}. All were judged together; only "
        "findings that name a changed one are listed."
    )
    if tables:
        yield f"{some(tables)} changed since {rev}, so every image whose label it holds counts as changed."
    if unknown:
        yield f"Ignored by git, so not known to have changed: {count(len(unknown), 'image')}, {_first(unknown)}."
    reason = _pointers(images)
    if reason is not None:
        yield f"Every image that changed is {reason}."


def _first(samples: list[Sample]) -> str:
    return some([sample.file for sample in samples], 3)


def _pointers(images: list[Sample]) -> str | None:
    """What to do where all files only stand for images that were not downloaded; None where one is more than that."""
    reasons = []
    for sample in images:
        try:
            with sample.path.open("rb") as file:
                reasons.append(pointer(file.read(HEAD)))
        except OSError:
            reasons.append(None)
        if reasons[-1] is None:
            return None
    return reasons[0] if reasons else None


def _label_tables(dataset: Dataset, location: str | Path) -> set[str]:
    """The files relative to the root that the labels were read from."""
    path = Path(location)
    return {shown(path.name)} if path.is_file() else {file for file, why in dataset.skipped if why == LABELS_READ}


def _is_in(file: str, names: Collection[str]) -> bool:
    """Whether a path or a folder above it is among the names: git lists a repository inside another one as a folder."""
    while file not in names:
        file, separator, _ = file.rpartition("/")
        if not separator:
            return False
    return True


def _commit(root: Path, since: str) -> str:
    """The id of a revision, which can be nothing else to git afterwards."""
    inside = _git(root, "rev-parse", "--is-inside-work-tree")
    if inside.stdout.strip() != b"true":
        raise InputError(
            f"{_OPTION} asks git about {shown(str(root))}, which is in no working tree of git "
            f"({_complaint(inside) or 'a bare repository'}); scan a checkout, or leave {_OPTION} out"
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}")
    if found.returncode:
        raise InputError(
            f"{_OPTION} is {shown(since)}, and the repository of {shown(str(root))} has no such revision; expected a "
            "branch, a tag or a commit. A shallow clone lacks older ones: `git fetch --unshallow`, or fetch-depth: 0"
        )
    return found.stdout.decode("ascii").strip()


def _names(root: Path, *arguments: str) -> frozenset[str]:
    """The names that a command of git lists, relative to the root, and for files of DVC also what they stand for."""
    done = _git(root, *arguments)
    if done.returncode:
        raise InputError(f"{_OPTION}: `git {arguments[0]}` failed in {shown(str(root))}: {_complaint(done)}")
    names = {os.fsdecode(name).rstrip("/") for name in done.stdout.split(b"\0") if name}
    return frozenset(names | {name.removesuffix(".dvc") for name in names})


def _git(root: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    # A repository can name a program as its file monitor, and data are not to start programs. No lock: the folder may
    # be one that cannot be written to.
    command = ["git", "-c", "core.fsmonitor=false", "--no-optional-locks", "-C", str(root), *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _WHERE} | {"LC_ALL": "C"}
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)
    except OSError as error:
        raise InputError(
            f"{_OPTION} asks git, which cannot be started ({error.strerror}); install git, or leave {_OPTION} out"
        ) from None


def _complaint(done: "subprocess.CompletedProcess[bytes]") -> str:
    """What git says is wrong, in a line."""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return shown(lines[0].removeprefix("fatal: ")) if lines else ""
