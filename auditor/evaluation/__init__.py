"""How a model does on labelled images: accuracy, errors per class, calibration, and the worst mistakes.

Example:
    >>> evaluation = evaluate(load_backend(Path("models/mine")), load_dataset(Path("data")))
    >>> evaluation.accuracy.value
    0.9375
"""

from auditor.evaluation.document import to_json, write_document
from auditor.evaluation.evaluating import evaluate
from auditor.evaluation.record import EVALUATION_NAME, Evaluation

__all__ = ["EVALUATION_NAME", "Evaluation", "evaluate", "to_json", "write_document"]
