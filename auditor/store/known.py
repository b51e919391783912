"""The images of a run as history knows them: by content and label, whatever their files are called."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_DIGITS = 16                                    # of a sha256 in hex that tell contents apart here: 64 bits


class Image(NamedTuple):
    """One image: its file, the first digits of its content's sha256 ("" where it could not be opened), its label."""

    file: str
    content: str
    label: str | None


@dataclass(frozen=True)
class Images:
    """The N images of a run, in the order of their files; `readable`: (N,) bool."""

    files: Sequence[str]
    contents: Sequence[str]
    labels: Sequence[str | None]
    readable: NDArray[np.bool_]

    @classmethod
    def of(cls, predictions: "pd.DataFrame") -> "Images":
        """From the table of a run; files that were left out are no images."""
        table = predictions[predictions["outcome"] != "skipped"]
        return cls(
            files=table["file"].tolist(),
            contents=[content if isinstance(content, str) else "" for content in table["sha256"]],
            labels=[label if isinstance(label, str) else None for label in table["label"]],
            readable=(table["outcome"] == "ok").to_numpy(dtype=bool),
        )

    def known(self) -> NDArray[np.uint64]:
        """The keys of the readable ones, sorted, each once."""
        return np.unique(image_keys(self.contents, self.labels)[self.readable])

    def find(self, files: Collection[str], contents: Collection[str]) -> Iterator[tuple[Image, bool]]:
        """The images that have one of these files or contents, and whether each could be read."""
        for file, content, label, readable in zip(
            self.files, self.contents, self.labels, self.readable.tolist(), strict=True
        ):
            if file in files or content[:_DIGITS] in contents:
                yield Image(file, content[:_DIGITS], label), readable


def image_keys(contents: Sequence[str], labels: Sequence[str | None]) -> NDArray[np.uint64]:
    """(N,) a number for each content with its label; 0 where there is no content."""
    salts = {label: _salt(label) for label in set(labels)}
    keys = [int(content[:_DIGITS], 16) ^ salts[label] if content else 0
            for content, label in zip(contents, labels, strict=True)]  # fmt: skip
    return np.array(keys, dtype=np.uint64)


def _salt(label: str | None) -> int:
    text = repr(label).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
