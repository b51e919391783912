"""The audit of an unchanged data set, so that it need not be judged again: the last one of each source.

An audit is found under a fingerprint of everything that it depends on, auditor's own code included.
"""

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from auditor.audit import Audit
from auditor.store.audits import NotAnAudit, decode, encode
from auditor.store.database import transaction
from auditor.store.numbers import location_key, root_of
from auditor.store.store import Store

_MOST = 256 * 1024**2                           # bytes of an audit that is kept


def recall_audit(store: Store, location: str, key: bytes, additions: Sequence[type] = ()) -> Audit | None:
    """The audit that was kept for a source under this key; None if there is none.

    Args:
        store: That is asked.
        location: What is scanned, as it was stated.
        key: The fingerprint of everything that the audit depends on.
        additions: The types that `Audit.additions` may have.
    """

    def read(connection: sqlite3.Connection) -> Audit | None:
        query = "SELECT audit, crc FROM verdicts JOIN roots ON roots.id = root WHERE location = ? AND key = ?"
        row = connection.execute(query, (location_key(location), key)).fetchone()
        if row is None or not isinstance(row[0], bytes) or zlib.crc32(row[0]) != row[1]:
            return None
        try:
            return decode(row[0], additions)
        except NotAnAudit:
            return None

    return store.run(read, None)


def keep_audit(store: Store, location: str, key: bytes, audit: Audit) -> None:
    """Keeps the audit of a source, in the place of an earlier one.

    Raises:
        Incomplete: the disk is full.
    """
    if store.folder is None:
        return
    blob = encode(audit)
    if len(blob) > _MOST:
        return

    def write(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            root = root_of(connection, location_key(location))
            row = root, key, blob, zlib.crc32(blob)
            connection.execute("INSERT OR REPLACE INTO verdicts (root, key, audit, crc) VALUES (?, ?, ?, ?)", row)

    store.run(write, None)


def fingerprint(*parts: object) -> bytes:
    """A hash of records, texts, numbers, arrays and collections of these: equal ones have the same in every process.

    Raises:
        TypeError: of something whose parts are not known.
    """
    digest = hashlib.sha256()
    _feed(digest, parts)
    return digest.digest()


@cache
def code_fingerprint() -> bytes:
    """A hash of auditor's own source: what another version found is no longer what this one would find."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(each for each in names if each.endswith(".py")):
            path = Path(folder, name)
            digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


def _feed(digest: Any, value: Any) -> None:
    """Adds a value with its kind and its length, so that no two different values look alike."""
    if value is None or isinstance(value, str | bytes | bool | int | float | date | Path):
        text = repr(value).encode("utf-8", "surrogatepass")
        digest.update(f"{type(value).__name__} {len(text)} ".encode() + text)
    elif isinstance(value, np.ndarray):
        _feed(digest, (str(value.dtype), value.shape, value.tobytes()))
    elif is_dataclass(value):
        digest.update(f"{type(value).__module__}.{type(value).__qualname__} ".encode())
        _feed(digest, tuple(getattr(value, each.name) for each in fields(value)))
    elif isinstance(value, Mapping):
        _feed(digest, sorted(value.items(), key=lambda item: repr(item[0])))
    elif isinstance(value, AbstractSet):
        _feed(digest, sorted(value, key=repr))
    elif isinstance(value, Sequence):
        digest.update(f"[{len(value)} ".encode())
        for each in value:
            _feed(digest, each)
    else:
        raise TypeError(f"the parts of {type(value)} are not known")
