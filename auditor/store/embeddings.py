"""The embeddings of a run read back from the store, for those who judge its labels again."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.engines.rows import Rows
from auditor.store.database import select_in
from auditor.store.shards import Reader
from auditor.store.upkeep import opened

_BLOCK = 1024                                   # images that are looked up at once
_QUERY = (
    "SELECT c.digest, f.shard, f.line FROM contents c JOIN forward f ON f.content = c.id "
    "WHERE f.shard IS NOT NULL AND f.model = ? AND c.digest IN ({})"
)


def stored_embeddings(out: Path, model: str, contents: Sequence[str]) -> NDArray[np.float16] | None:
    """The embeddings of images by a model, as its last scan left them. The store is only read.

    Args:
        out: Folder of the reports that the store lies in.
        model: sha256 of the model, in hex.
        contents: (N,) sha256 of each image, in hex; "" for one that could not be read.

    Returns:
        (N, K), to be read only, memory-mapped where it is large; NaN rows for images that the store does not know.
        None where it knows nothing of the model.

    Raises:
        InputError: there is no store, or it cannot be used.
    """
    with opened(out) as (folder, connection):
        found = _model(connection, model)
        return None if found is None else _rows(connection, folder, *found, contents)


def _model(connection: sqlite3.Connection, sha256: str) -> tuple[int, int] | None:
    """The number of a model as it last ran, and the length of its embeddings."""
    rows = connection.execute("SELECT id, key, features FROM models WHERE features IS NOT NULL ORDER BY used DESC")
    for number, key, features in rows:
        if isinstance(features, int) and 0 < features < 2**24 and _sha256(key) == sha256:
            return int(number), features
    return None


def _sha256(key: object) -> Any:
    try:
        parts = json.loads(str(key))
    except ValueError:
        return None
    return parts.get("sha256") if isinstance(parts, dict) else None


def _rows(
    connection: sqlite3.Connection, store: Path, model: int, features: int, contents: Sequence[str]
) -> NDArray[np.float16]:
    rows, reader = Rows(len(contents), (features,), np.float16, missing=np.nan, folder=store), Reader(store)
    for start in range(0, len(contents), _BLOCK):
        block = contents[start : start + _BLOCK]
        digests = {bytes.fromhex(content) for content in block if content}
        here: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for digest, shard, line in select_in(connection, _QUERY, (model,), digests):
            if isinstance(shard, int) and isinstance(line, int):
                here[shard].append((line, digest))
        known: dict[bytes, NDArray[np.float16]] = {}
        for shard, places in sorted(here.items()):
            found = reader.rows(shard, features, [line for line, _ in sorted(places)])
            known.update(zip((digest for _, digest in sorted(places)), found, strict=True))
        for row, content in enumerate(block, start):
            if content and (digest := bytes.fromhex(content)) in known:
                rows.put(row, known[digest])
    return rows.array
