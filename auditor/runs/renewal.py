"""The pages of a run that is published, written anew: whoever reads them meanwhile finds whole files."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from auditor.atomic_write import changed_file
from auditor.runs.files import ASSETS, PAGE, is_page, is_picture


def renew(folder: Path, draft: Path) -> None:
    """Puts what a draft holds into the folder of a run, and removes pages and pictures that the draft does not have.

    Pictures come first and the first page last, so that no page asks for what is not there yet.

    Args:
        folder: Of the run.
        draft: Files as they should be there; other files of the run stay.

    Raises:
        InputError: the folder cannot be written to.
        Incomplete: the disk is full.
    """
    new = sorted(_files(draft), key=lambda file: (file.parent.name != ASSETS, is_page(file.name), file.name == PAGE))
    for file in new:
        if is_picture(file.name) and (folder / file).exists():
            continue                            # named by its hash, so it is the same
        with changed_file(folder / file) as place:
            shutil.copyfile(draft / file, place)
    for file in _files(folder):
        ours = is_picture(file.name) if file.parent.name == ASSETS else is_page(file.name)
        if ours and file not in new:
            (folder / file).unlink(missing_ok=True)
    with suppress(OSError):                     # not there, or not empty
        (folder / ASSETS).rmdir()


def _files(folder: Path) -> Iterator[Path]:
    """Files of a run's folder and of its pictures, relative to the folder."""
    for place in (folder, folder / ASSETS):
        if place.is_dir():
            yield from (path.relative_to(folder) for path in sorted(place.iterdir()) if path.is_file())
