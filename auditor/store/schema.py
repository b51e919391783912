"""The tables of the store, and how an older store becomes a newer one.

A file's name leads to its content, and everything else hangs on the content, none of it on a label. Whole numbers stand
for contents, readers and models, so that rows come in the order in which they were written.
"""

import sqlite3

#: The statements that bring a store from one version to the next. What is here was released and stays as it is; a
#: change is another entry at the end.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Where samples come from, as it was stated, and when a scan of it last ended, or the first began.
        "CREATE TABLE roots (id INTEGER PRIMARY KEY, location BLOB NOT NULL UNIQUE, scanned REAL NOT NULL)",
        "CREATE TABLE contents (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, size INTEGER NOT NULL)",
        # Stamps are NULL where the file was too young when it was read for a later change to be told by them.
        "CREATE TABLE files (root INTEGER NOT NULL, place BLOB NOT NULL, size INTEGER, modified INTEGER, "
        "changed INTEGER, inode INTEGER, content INTEGER NOT NULL, PRIMARY KEY (root, place)) WITHOUT ROWID",
        "CREATE TABLE readers (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, used REAL NOT NULL)",
        "CREATE TABLE models (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
        "used REAL NOT NULL, classes INTEGER, features INTEGER, maps INTEGER, map_height INTEGER, map_width INTEGER)",
        "CREATE TABLE pixels (reader INTEGER NOT NULL, content INTEGER NOT NULL, failure TEXT, format TEXT, mode TEXT, "
        "width INTEGER, height INTEGER, properties BLOB, hash BLOB, miniature BLOB, crc INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX pixels_of ON pixels (reader, content)",
        "CREATE TABLE forward (model INTEGER NOT NULL, content INTEGER NOT NULL, failure TEXT, probabilities BLOB, "
        "shard INTEGER, line INTEGER, map_classes BLOB, maps BLOB, crc INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX forward_of ON forward (model, content)",
        # One audit of each source.
        "CREATE TABLE verdicts (root INTEGER PRIMARY KEY, key BLOB NOT NULL, audit BLOB NOT NULL, "
        "crc INTEGER NOT NULL)",
        # A number is never given twice: a file with that of a shard that is gone would be read as the new one.
        "CREATE TABLE shards (id INTEGER PRIMARY KEY AUTOINCREMENT, features INTEGER NOT NULL)",
        # History. `known`: the images of the last run, as numbers. A finding has a row for every time it was open.
        "CREATE TABLE datasets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, known BLOB NOT NULL)",
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, run TEXT NOT NULL, root TEXT NOT NULL, "
        "started TEXT NOT NULL, seconds REAL NOT NULL, images INTEGER NOT NULL, readable INTEGER NOT NULL, "
        "classes TEXT NOT NULL, model TEXT NOT NULL, settings TEXT NOT NULL, circumstances TEXT NOT NULL, "
        "counts TEXT NOT NULL, new INTEGER NOT NULL, persisting INTEGER NOT NULL, accepted INTEGER NOT NULL, "
        "resolved INTEGER NOT NULL, gate INTEGER, version TEXT NOT NULL)",
        "CREATE INDEX runs_of ON runs (dataset)",
        "CREATE TABLE findings (id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, finding TEXT NOT NULL, "
        "rule TEXT NOT NULL, severity TEXT NOT NULL, label TEXT, suggested TEXT, file TEXT, images TEXT NOT NULL, "
        "first INTEGER NOT NULL, last INTEGER NOT NULL, ended INTEGER, reason TEXT)",
        "CREATE UNIQUE INDEX findings_open ON findings (dataset, finding) WHERE ended IS NULL",
    ),
    (
        # Audits of runs whose folder is there. Runs of an unchanged data set share most of their parts.
        "CREATE TABLE audits (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, run TEXT NOT NULL, "
        "head BLOB NOT NULL, crc INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX audits_of ON audits (name, run)",
        "CREATE TABLE parts (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data BLOB NOT NULL)",
        "CREATE TABLE parts_of (audit INTEGER NOT NULL, place INTEGER NOT NULL, part INTEGER NOT NULL, "
        "PRIMARY KEY (audit, place)) WITHOUT ROWID",
    ),
)
VERSION = len(MIGRATIONS)


class NewerStore(Exception):
    """The store has a version that this auditor does not know yet."""


def migrate(connection: sqlite3.Connection) -> None:
    """Brings a store to the current version; an empty database becomes a store.

    Raises:
        NewerStore: its version is not known.
        sqlite3.DatabaseError: it is damaged, or a database of something else.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")       # another scan may be at it
    try:
        version = _version(connection)
        if version > VERSION:
            raise NewerStore(f"its version is {version}, and this auditor knows versions up to {VERSION}")
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError("it is a database of something else")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
