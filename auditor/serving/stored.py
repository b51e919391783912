"""What a run stored about its images, as the review of it needs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.checks import known_checks
from auditor.checks.copies import Copies
from auditor.errors import InputError
from auditor.review.kept import label_rules
from auditor.runs.files import PREDICTIONS
from auditor.runs.stored import StoredRun
from auditor.serving.relearning import Relearner
from auditor.store.embeddings import stored_embeddings
from auditor.text import count, number, shown

_COLUMNS = ["file", "label", "outcome", "sha256", "oof_p_given", "review_rank"]
_SAME_PICTURE = ("copies", "conflict")          # kinds of rules whose findings are about one picture


@dataclass(frozen=True)
class Card:
    """An image with findings.

    Attributes:
        row: Of the image among those of the run.
        content: sha256 of its content.
        label: Its class; None without one.
        rules, findings: Names of the rules, and ids, of its findings.
        is_about_label: Whether one of them says something about its label.
    """

    row: int
    content: str
    label: str | None
    rules: tuple[str, ...]
    findings: tuple[str, ...]
    is_about_label: bool


@dataclass(frozen=True)
class StoredImages:
    """The N images of a run, in the order of their files.

    Attributes:
        run: Where they are stored.
        files, contents, labels: (N,) file, sha256 ("" where it could not be read) and class of each.
        p_given: (N,) out-of-fold probability of the given class; NaN where there is none.
        rank: (N,) place in the order of review, 1 first; 0 without a verdict.
    """

    run: StoredRun
    files: tuple[str, ...]
    contents: tuple[str, ...]
    labels: tuple[str | None, ...]
    p_given: NDArray[np.float32]
    rank: NDArray[np.intp]

    @classmethod
    def of(cls, run: StoredRun) -> "StoredImages":
        """Reads them; raises InputError where the run's table is damaged."""
        from pyarrow import parquet

        path = run.folder / PREDICTIONS
        try:
            table = parquet.read_table(path, columns=_COLUMNS).to_pydict()
            rows = [row for row, outcome in enumerate(table["outcome"]) if outcome != "skipped"]
            listed = {name: [values[row] for row in rows] for name, values in table.items()}
            return cls(
                run,
                tuple(map(str, listed["file"])),
                tuple(content or "" for content in listed["sha256"]),
                tuple(listed["label"]),
                np.array([np.nan if each is None else each for each in listed["oof_p_given"]], np.float32),
                np.array([each or 0 for each in listed["review_rank"]], np.intp),
            )
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{shown(str(path))} cannot be read ({error}); scan again") from None

    @cached_property
    def row_of(self) -> dict[str, int]:
        """File -> row."""
        return {file: row for row, file in enumerate(self.files)}

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in their order."""
        return tuple(map(str, self.run.summary["dataset"]["classes"]))

    @cached_property
    def given(self) -> NDArray[np.intp]:
        """(N,) index of each image's class; -1 without one."""
        index = {name: place for place, name in enumerate(self.classes)}
        return np.array([-1 if label is None else index.get(label, -1) for label in self.labels], np.intp)

    @cached_property
    def cards(self) -> dict[str, Card]:
        """File -> card, in the order of the run's findings."""
        about = label_rules()
        found: dict[str, list[tuple[str, str]]] = {}
        for finding in self.run.findings():
            if finding["file"] in self.row_of:
                found.setdefault(finding["file"], []).append((str(finding["rule"]), str(finding["id"])))
        return {
            file: Card(
                row=(row := self.row_of[file]),
                content=self.contents[row],
                label=self.labels[row],
                rules=tuple(dict.fromkeys(rule for rule, _ in each)),
                findings=tuple(finding for _, finding in each),
                is_about_label=any(rule in about for rule, _ in each),
            )
            for file, each in found.items()
        }

    def relearner(self, out: Path) -> Relearner:
        """What learns from decisions about these images.

        Args:
            out: Folder of the reports, which the store lies in.

        Raises:
            InputError: there is none; the text says why.
        """
        model, power = self.run.summary.get("model"), self.run.summary.get("power")
        if not model:
            raise InputError("the scan ran without a model")
        if not power or not power["can_judge"]:
            raise InputError("the scan could not judge the labels of this data set")
        embeddings = stored_embeddings(out, str(model["sha256"]), self.contents)
        judged = self.rank > 0
        there = np.zeros(len(judged), bool) if embeddings is None else np.isfinite(embeddings[:, 0])
        if embeddings is None or not there[judged].all():
            known = f"{number(int(there[judged].sum()))} of {count(int(judged.sum()), 'judged image')}"
            raise InputError(f"the store has the embeddings of {known}; scan again to have all of them")
        return Relearner.fit(embeddings, self.given, self._keys(), len(self.classes), self.p_given)

    def _keys(self) -> list[str]:
        """(N,) contents; one for all images that are the same picture, as the run's findings say."""
        pairs = np.array(list(self._copies()), np.intp).reshape(-1, 2)
        nothing = Copies.none()
        return Copies(pairs[:, 0], pairs[:, 1], nothing.similarity, nothing.kind).keys(self.contents)

    def _copies(self) -> Iterator[tuple[int, int]]:
        same = {name for name, check in known_checks().items() if check.kind in _SAME_PICTURE}
        for finding in self.run.findings():
            if finding["rule"] in same and finding["file"] in self.row_of:
                for other in finding["related"]:
                    if other in self.row_of:
                        yield self.row_of[finding["file"]], self.row_of[other]
