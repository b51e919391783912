"""Gates: limits on findings that fail a run, accepted findings, and the baseline that tells new from known ones."""

from auditor.gates.accepted import Entry, accept, read_accepted
from auditor.gates.evaluate import ImageCounts, evaluate, measured
from auditor.gates.gating import Gating
from auditor.gates.limits import Limit, check_classes, parse_limits

__all__ = [
    "Entry",
    "Gating",
    "ImageCounts",
    "Limit",
    "accept",
    "check_classes",
    "evaluate",
    "measured",
    "parse_limits",
    "read_accepted",
]
