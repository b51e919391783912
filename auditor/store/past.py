"""What is known of a data set from its last run: its images, and the findings that are open."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from auditor.audit import Audit, Rule
from auditor.store.known import Image
from auditor.store.store import Store


@dataclass(frozen=True)
class OpenFinding:
    """A finding of an earlier run that was not resolved since.

    Attributes:
        id, rule, label, suggested: As in `Finding`.
        images: That it is about, its own first, at most `MOST_IMAGES`; none for one about the data set.
    """

    id: str
    rule: str
    label: str | None
    suggested: str | None
    images: tuple[Image, ...]

    @property
    def file(self) -> str | None:
        """The file that it was listed under."""
        return self.images[0].file if self.images else None


@dataclass(frozen=True)
class Past:
    """The last run of a data set.

    Attributes:
        run: Its id; None where there was none.
        started: When it started, as an ISO timestamp.
        root: Of its data set, as it was stated.
        open: Id -> finding, of all rules, also of those that did not run in it.
        known: Sorted keys of the images that it could read, each with its label.
        circumstances: Rule that judged something in it -> what its scores depended on.
    """

    run: str | None = None
    started: str = ""
    root: str = ""
    open: Mapping[str, OpenFinding] = field(default_factory=dict)
    known: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    circumstances: Mapping[str, str] = field(default_factory=dict)

    def knows(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """(N,) whether it could read an image with this content and this label."""
        return np.isin(keys, self.known)


#: Images of a finding that are remembered: to tell why it is resolved, the first ones do.
MOST_IMAGES = 20
NO_PAST = Past()


def read_past(store: Store, name: str) -> Past:
    """What the store knows of a data set, by its name in the folder of reports."""
    return store.run(lambda connection: past_of(connection, name), NO_PAST)


def past_of(connection: sqlite3.Connection, name: str) -> Past:
    """The same from the database."""
    row = connection.execute(
        "SELECT datasets.id, known, runs.run, started, root, circumstances "
        "FROM datasets JOIN runs ON dataset = datasets.id WHERE name = ? ORDER BY runs.id DESC LIMIT 1",
        (name,),
    ).fetchone()
    if row is None:
        return NO_PAST
    dataset, known, run, started, root, circumstances = row
    query = "SELECT finding, rule, label, suggested, images FROM findings WHERE dataset = ? AND ended IS NULL"
    try:
        return Past(
            run=str(run),
            started=datetime.fromisoformat(started).isoformat(),
            root=str(root),
            open={
                str(finding): OpenFinding(finding, rule, label, suggested, images_of(images))
                for finding, rule, label, suggested, images in connection.execute(query, (dataset,))
            },
            known=np.frombuffer(known, "<u8").astype(np.uint64),
            circumstances={str(rule): str(key) for rule, key in json.loads(circumstances).items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"its history of {name} is damaged ({error})") from None


def images_of(text: str) -> tuple[Image, ...]:
    """The column `images` of a finding; raises ValueError or TypeError where it is something else."""
    images = tuple(Image(str(file), str(content), label) for file, content, label in json.loads(text))
    for image in images:
        int(image.content or "0", 16)           # a ValueError if it is no hash
    return images


def circumstances_of(audit: Audit) -> dict[str, str]:
    """Rule that judged something -> what its scores depended on."""
    model = "" if audit.model is None else audit.model.sha256
    return {rule.name: circumstance(rule, model, audit.run.auditor_version) for rule in audit.rules if rule.judged}


def circumstance(rule: Rule, model: str, version: str) -> str:
    """A hash of what the scores of a rule depend on beside the images.

    Args:
        rule: With its settings.
        model: sha256 of the model; "" without one.
        version: Of auditor.
    """
    parts = (rule.name, sorted(rule.settings.items()), model, version)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
