"""The audit of every run whose folder is there, so that its report can be written again without a model or an image.

An audit is kept in parts: a text of its own, and the pictures and tables that the text refers to. Parts are found by
their hash, so that the many runs of an unchanged data set share theirs.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

from auditor.audit import Audit
from auditor.errors import Incomplete, InputError
from auditor.store.audits import NotAnAudit, decode, joined, parts_of
from auditor.store.database import select_in, transaction
from auditor.store.store import open_store
from auditor.store.upkeep import opened
from auditor.text import shown

_MOST = 256 * 1024**2                           # bytes of an audit that is kept
_AGAIN = "scan again: a new run can be written again as often as you like"


def keep_run_audit(out: Path, audit: Audit) -> tuple[str, ...]:
    """Keeps the audit of a published run, and forgets those whose folder is gone.

    Args:
        out: Folder of the reports.
        audit: Of the run, with its id.

    Returns:
        What went wrong, in sentences; the run stands.
    """
    text, parts = parts_of(audit)
    head = zlib.compress(text)
    try:
        with open_store(out) as store:
            fits = len(text) + sum(map(len, parts)) <= _MOST
            store.run(lambda connection: _write(connection, out, audit, head, parts if fits else None), None)
            return tuple(store.notes)
    except Incomplete as full:
        return (f"The run was published, but its report cannot be written again by `auditor report`: {full}",)


def run_audit(folder: Path, additions: Sequence[type] = ()) -> Audit:
    """The audit of a run as it was published.

    Args:
        folder: Of the run, below a folder of reports with a store; `latest` is followed.
        additions: The types that `Audit.additions` may have.

    Raises:
        InputError: there is no store, it does not have this run, or another version of auditor made it.
        Incomplete: the disk is full.
    """
    run = folder.resolve()
    where = shown(str(folder))
    with opened(run.parent.parent) as (_, connection):
        row = connection.execute(
            "SELECT id, head, crc FROM audits WHERE name = ? AND run = ?", (run.parent.name, run.name)
        ).fetchone()
        if row is None:
            raise InputError(
                f"the store has no audit of {where}, which was scanned without a store or by an older auditor; {_AGAIN}"
            )
        number, head, crc = row
        query = "SELECT data FROM parts_of JOIN parts ON parts.id = part WHERE audit = ? ORDER BY place"
        parts = [bytes(data) for (data,) in connection.execute(query, (number,))]
    try:
        if _checksum(head, parts) != crc:
            raise NotAnAudit("it is damaged")
        return decode(joined(zlib.decompress(head), parts), additions)
    except (NotAnAudit, zlib.error) as error:
        raise InputError(
            f"the stored audit of {where} is damaged, or of another version of auditor ({shown(str(error))[:200]}); "
            f"{_AGAIN}"
        ) from None


def forget_run_audits(connection: sqlite3.Connection, out: Path) -> int:
    """Removes the audits of runs whose folder is gone, inside a transaction of the caller's; returns how many."""
    rows = connection.execute("SELECT id, name, run FROM audits").fetchall()
    gone = [number for number, name, run in rows if not (out / name / run).is_dir()]
    _remove(connection, gone)
    return len(gone)


def _remove(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    for table, column in (("audits", "id"), ("parts_of", "audit")):
        connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(number,) for number in numbers])
    if numbers:
        connection.execute("DELETE FROM parts WHERE id NOT IN (SELECT part FROM parts_of)")


def _write(
    connection: sqlite3.Connection, out: Path, audit: Audit, head: bytes, parts: Sequence[bytes] | None
) -> None:
    with transaction(connection):
        forget_run_audits(connection, out)
        same = connection.execute("SELECT id FROM audits WHERE name = ? AND run = ?", (audit.name, audit.run.id))
        _remove(connection, [number for (number,) in same.fetchall()])      # of a folder that was removed and made anew
        if parts is None:
            return
        kept = connection.execute(
            "INSERT INTO audits (name, run, head, crc) VALUES (?, ?, ?, ?)",
            (audit.name, audit.run.id, head, _checksum(head, parts)),
        ).lastrowid
        digests = [hashlib.sha256(part).digest() for part in parts]
        connection.executemany(
            "INSERT OR IGNORE INTO parts (digest, data) VALUES (?, ?)", zip(digests, parts, strict=True)
        )
        query = "SELECT digest, id FROM parts WHERE digest IN ({})"
        numbers = dict(select_in(connection, query, (), set(digests)))
        connection.executemany(
            "INSERT INTO parts_of (audit, place, part) VALUES (?, ?, ?)",
            [(kept, place, numbers[digest]) for place, digest in enumerate(digests)],
        )


def _checksum(head: bytes, parts: Sequence[bytes]) -> int:
    crc = zlib.crc32(head)
    for part in parts:
        crc = zlib.crc32(part, crc)
    return crc
