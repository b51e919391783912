"""`auditor evaluate`: accuracy, errors per class, calibration, and the worst mistakes of a model.

Example:
    >>> evaluation = evaluate(load_backend(Path("models/mine")), load_dataset(Path("data")))
    >>> evaluation.accuracy.value
    0.9375
"""

from auditor.evaluation.document import to_json, write_document
from auditor.evaluation.evaluating import evaluate
from auditor.evaluation.record import Evaluation

__all__ = ["Evaluation", "evaluate", "to_json", "write_document"]
