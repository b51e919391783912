"""Engines run reading and inference: each turns samples into outcomes, in order."""

from auditor.engines.base import Engine, Known, Memory, Task
from auditor.engines.local import LocalEngine
from auditor.engines.outcome import Decoded, Inferred, Outcome
from auditor.engines.outcomes import Outcomes

__all__ = ["Decoded", "Engine", "Inferred", "Known", "LocalEngine", "Memory", "Outcome", "Outcomes", "Task"]
