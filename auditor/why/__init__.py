"""`auditor why`: why an image was flagged, or was not, from what a run stored.

Example:
    >>> print(as_text(explain("data/train/cat/1.jpg", Path("reports"))))
"""

from auditor.why.explanation import Explanation, explain
from auditor.why.text import as_json, as_text

__all__ = ["Explanation", "as_json", "as_text", "explain"]
