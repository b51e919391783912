"""What earlier scans found out about images, by content: `DIR/store/`, cache, journal and history of scans."""

from auditor.store.changes import Changes, changes_of, repeats, stranger_note
from auditor.store.collecting import collect
from auditor.store.history import keep_run
from auditor.store.past import Past, read_past
from auditor.store.run_audits import keep_run_audit, run_audit
from auditor.store.store import Store, goes_on, open_store
from auditor.store.verdicts import keep_audit, recall_audit

__all__ = [
    "Changes", "Past", "Store", "changes_of", "collect", "goes_on", "keep_audit", "keep_run", "keep_run_audit",
    "open_store", "read_past", "recall_audit", "repeats", "run_audit", "stranger_note",
]  # fmt: skip
