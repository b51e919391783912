"""What earlier scans found out about images, by content: `DIR/store/`, cache, journal and history of scans."""

from auditor.store.changes import Changes, changes_of, repeats
from auditor.store.collecting import collect
from auditor.store.history import keep_run
from auditor.store.past import Past, read_past
from auditor.store.store import Store, open_store
from auditor.store.verdicts import keep_audit, recall_audit

__all__ = [
    "Changes", "Past", "Store", "changes_of", "collect", "keep_audit", "keep_run", "open_store", "read_past",
    "recall_audit", "repeats",
]  # fmt: skip
