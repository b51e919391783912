"""`auditor serve`: the pages of all runs for the browsers of this machine; decisions are saved, the order is live."""

from auditor.serving.server import serve

__all__ = ["serve"]
