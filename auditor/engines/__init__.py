"""Where the pixel pass runs: each engine turns samples into outcomes, in order."""

from auditor.engines.base import Outcome
from auditor.engines.local import run_pass

__all__ = ["Outcome", "run_pass"]
