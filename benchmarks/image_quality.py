"""Planted faults of pictures: how many the rules find, and how many clean pictures they flag, beside CleanVision.

    python -m benchmarks.image_quality                                      # drawn pictures
    python -m benchmarks.image_quality --photos DIR [DIR ...]               # and photographs of these folders

Every set is stored in a temporary folder: clean pictures as they are, and as whole sets that are compressed, enlarged,
shrunk, noisy or faded; and, for each kind of fault (`image_faults.py`), other pictures with it. Each kind is judged
among the clean pictures alone. Where CleanVision is installed it judges the same files. Nothing is fitted here.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.checks import Samples, known_checks
from auditor.demo.stickers import draw_sticker
from auditor.images.decoding import decode
from auditor.images.description import DESCRIBE_AT_LEAST, describe
from auditor.images.properties import PROPERTIES
from auditor.labels import LabelIssues
from auditor.labels.verdict import LabelVerdict
from benchmarks.image_faults import CLEAN, KINDS, Pixels

try:
    from cleanvision import Imagelab  # type: ignore[import-not-found]
except ImportError:
    Imagelab = None

#: Rule -> CleanVision's name of it.
THEIRS = {
    "blurry": "blurry",
    "dark": "dark",
    "bright": "light",
    "low_information": "low_information",
    "odd_size": "odd_size",
    "odd_aspect_ratio": "odd_aspect_ratio",
    "grayscale": "grayscale",
}


#: Those that it judges by the other pictures; the rest it judges one by one.
THEIR_RELATIVE = ("odd_size",)


@dataclass(frozen=True)
class Stored:
    """Pictures on disk with what auditor measures of them: (N, 2 + P), width and height first."""

    files: list[Path]
    measured: NDArray[np.float64]


def store(pictures: Sequence[Pixels], folder: Path, quality: int) -> Stored:
    """Writes JPEGs and describes them as a scan does."""
    folder.mkdir(parents=True)
    files, rows = [], []
    for number, pixels in enumerate(pictures):
        path = folder / f"{number:05d}.jpg"
        coded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        path.write_bytes(coded)
        picture = decode(coded, at_least=DESCRIBE_AT_LEAST)
        files.append(path)
        rows.append([picture.width, picture.height, *describe(picture.pixels).properties])
    return Stored(files, np.array(rows, np.float64))


def flags(measured: NDArray[np.float64], rule: str) -> NDArray[np.bool_]:
    """(N,) what a rule flags, with its default settings, in a data set of one class."""
    count = len(measured)
    unknown = np.full(count, np.nan)
    issues = LabelIssues(unknown, np.zeros(count, bool), np.zeros(count, np.intp), unknown, (0, 0, 0), 0.0)
    samples = Samples(
        files=tuple(map(str, range(count))),
        classes=("all",),
        labels=np.zeros(count, np.intp),
        splits=(None,) * count,
        contents=("",) * count,
        sizes=np.zeros(count, np.int64),
        failures=(None,) * count,
        formats=("JPEG",) * count,
        embeddings=np.zeros((count, 0), np.float16),
        model=None,
        out_of_fold=np.full((count, 1), np.nan, np.float32),
        verdict=LabelVerdict(issues, issues, unknown, None),
        votes=np.full((count, 1), np.nan, np.float32),
        properties=dict(zip(("width", "height", *PROPERTIES), measured.T, strict=True)),
    )
    return known_checks()[rule]().run(samples).flagged


def their_flags(files: list[Path]) -> dict[str, NDArray[np.bool_]]:
    """Rule -> (N,) what CleanVision flags, with its default settings."""
    lab = Imagelab(filepaths=list(map(str, files)), verbose=False)
    lab.find_issues({name: {} for name in THEIRS.values()}, n_jobs=1, verbose=False)
    table = lab.issues.loc[list(map(str, files))]
    return {rule: table[f"is_{name}_issue"].to_numpy(bool) for rule, name in THEIRS.items()}


def photographs(folder: Path, pattern: str, count: int) -> Iterator[Pixels]:
    """The same draw of files every time."""
    paths = sorted(path for path in folder.rglob(pattern) if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    if len(paths) < count:
        sys.exit(f"{folder} has {len(paths)} photographs named {pattern}; {count} are wanted")
    for place in np.random.default_rng(14).permutation(len(paths))[:count]:
        yield decode(paths[place].read_bytes()).pixels


def stickers(count: int) -> Iterator[Pixels]:
    """Drawn cats and dogs of 160 pixels."""
    for number in range(count):
        yield draw_sticker(("cat", "dog")[number % 2], np.random.default_rng([14, number]), 160)


def measure_set(name: str, clean: list[Pixels], spoilt: list[Pixels], folder: Path) -> None:
    """Prints two tables: clean sets, and kinds of faults."""
    print(f"\n## {name}\n\nClean pictures flagged, of {len(clean)}; in brackets CleanVision\n")
    print("| set | " + " | ".join(THEIRS) + " |\n| --- |" + " ---: |" * len(THEIRS))
    plain, judged = None, {}
    for number, (kind, (change, quality)) in enumerate(CLEAN.items()):
        rng = np.random.default_rng([14, number])
        stored = store([change(pixels, rng) for pixels in clean], folder / f"clean{number}", quality)
        theirs = their_flags(stored.files) if Imagelab else {}
        if plain is None:
            plain, judged = stored, theirs
        cells = [f"{flags(stored.measured, rule).sum()}" + _their(theirs.get(rule)) for rule in THEIRS]
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
    assert plain is not None
    print(f"\nFaults among those {len(clean)} as they are\n")
    print("| rule | fault | found | clean flagged | CleanVision found | clean flagged |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for number, (kind, fault) in enumerate(KINDS.items()):
        rng = np.random.default_rng([15, number])
        stored = store([fault.spoil(pixels, rng) for pixels in spoilt], folder / f"fault{number}", fault.quality)
        flagged = flags(np.concatenate([plain.measured, stored.measured]), fault.rule)
        cells = _found(flagged, len(clean))
        if Imagelab is None:
            cells += ["-", "-"]
        elif fault.rule in THEIR_RELATIVE:
            cells += _found(their_flags([*plain.files, *stored.files])[fault.rule], len(clean))
        else:
            cells += _found(np.concatenate([judged[fault.rule], their_flags(stored.files)[fault.rule]]), len(clean))
        print(f"| {fault.rule} | {kind} | " + " | ".join(cells) + " |", flush=True)


def _their(flagged: NDArray[np.bool_] | None) -> str:
    return "" if flagged is None else f" ({flagged.sum()})"


def _found(flagged: NDArray[np.bool_], clean: int) -> list[str]:
    """What is found of the pictures behind the clean ones, and how many clean ones are flagged."""
    return [f"{flagged[clean:].mean():.0%}", f"{flagged[:clean].sum()}"]


def main() -> int:
    """Measures drawn pictures and each folder of photographs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of photographs, searched whole")
    parser.add_argument("--pattern", default="*", help="names of the photographs to take")
    parser.add_argument("--clean", type=int, default=1000, help="clean pictures of each set")
    parser.add_argument("--each", type=int, default=100, help="pictures with each kind of fault")
    arguments = parser.parse_args()
    if Imagelab is None:
        print("CleanVision is not installed; its columns are left out.", file=sys.stderr)
    count = arguments.clean + arguments.each
    sets = [("drawn", stickers(count))]
    sets += [(folder.name, photographs(folder, arguments.pattern, count)) for folder in arguments.photos]
    for name, drawn in sets:
        pictures = list(drawn)
        with tempfile.TemporaryDirectory() as scratch:
            measure_set(name, pictures[: arguments.clean], pictures[arguments.clean :], Path(scratch))
    return 0


if __name__ == "__main__":
    sys.exit(main())
