"""Wrong labels: auditor beside cleanlab's filters and scores and beside plain disagreement.

    python benchmarks/label_issues.py

Reads `data/label-noise/*.npz` of the folder that AUDITOR_SHARED names, or of `../shared` beside the repository:
out-of-fold probabilities, given labels and true labels. Needs cleanlab and scikit-learn (the `dev` extra).
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues as cleanlab_filter
from cleanlab.rank import get_label_quality_scores as cleanlab_score
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from auditor.labels import find_label_issues

CLEANLAB_DEFAULT = "prune_by_noise_rate"
CLEANLAB_FILTERS = (
    CLEANLAB_DEFAULT,
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)
CLEANLAB_SCORES = (  # method, adjusted by the class thresholds
    ("self_confidence", False),
    ("self_confidence", True),
    ("normalized_margin", False),
    ("normalized_margin", True),
    ("confidence_weighted_entropy", False),
)
WORST_ALLOWED, MEAN_WANTED = -0.003, 0.010      # F1 against the better of cleanlab's default and disagreement


@dataclass(frozen=True)
class Row:
    """One way to find wrong labels, measured. NaN: it does not flag, or does not rank."""

    method: str
    f1: float = np.nan
    average_precision: float = np.nan
    auroc: float = np.nan
    flagged: int = 0


@dataclass(frozen=True)
class Comparison:
    """All ways on one data set."""

    name: str
    images: int
    wrong: int
    auditor: Row
    estimate: tuple[float, float, float]
    seconds: float
    disagreement: Row
    filters: tuple[Row, ...]
    scores: tuple[Row, ...]

    @property
    def f1_margin(self) -> float:
        """Auditor's F1 over the better of cleanlab's default filter and disagreement."""
        return self.auditor.f1 - max(self.filters[0].f1, self.disagreement.f1)

    @property
    def precision_margin(self) -> float:
        """Auditor's average precision over the best of cleanlab's scores."""
        return self.auditor.average_precision - max(row.average_precision for row in self.scores)


def flags(method: str, flagged: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> Row:
    """Measures a set of flagged images."""
    f1 = 2 * (flagged & wrong).sum() / max(flagged.sum() + wrong.sum(), 1)
    return Row(method, f1=float(f1), flagged=int(flagged.sum()))


def ranking(method: str, score: NDArray[np.floating], wrong: NDArray[np.bool_]) -> Row:
    """Measures a score, 0 worst."""
    return Row(
        method,
        average_precision=float(average_precision_score(wrong, -score)),
        auroc=float(roc_auc_score(wrong, -score)),
    )


def compare(
    name: str, pred_probs: NDArray[np.floating], given: NDArray[np.integer], wrong: NDArray[np.bool_]
) -> Comparison:
    """Runs everything on one data set whose wrong labels are known."""
    start = time.perf_counter()
    found = find_label_issues(pred_probs, given)
    seconds = time.perf_counter() - start
    flagged, ranked = flags("auditor", found.flagged, wrong), ranking("auditor", found.score, wrong)
    probs = pred_probs.astype(np.float64)                        # cleanlab wants rows that sum to one
    probs /= probs.sum(axis=1, keepdims=True)
    labels = given.astype(np.int64)
    return Comparison(
        name=name,
        images=len(labels),
        wrong=int(wrong.sum()),
        auditor=Row("auditor", flagged.f1, ranked.average_precision, ranked.auroc, flagged.flagged),
        estimate=found.expected_errors,
        seconds=seconds,
        disagreement=flags("predicted != given", probs.argmax(axis=1) != labels, wrong),
        filters=tuple(
            flags(f"cleanlab {by}", cleanlab_filter(labels, probs, filter_by=by, n_jobs=1), wrong)
            for by in CLEANLAB_FILTERS
        ),
        scores=tuple(
            ranking(
                f"cleanlab {method}{' adjusted' if adjusted else ''}",
                cleanlab_score(labels, probs, method=method, adjust_pred_probs=adjusted),
                wrong,
            )
            for method, adjusted in CLEANLAB_SCORES
        ),
    )


def print_comparison(result: Comparison) -> None:
    """Prints one data set: every way a line, then the estimated number of wrong labels."""
    print(f"\n{result.name}: {result.images} images, {result.wrong} wrong labels ({result.wrong / result.images:.1%})")
    print(f"  {'':44}{'F1':>8}{'AP':>8}{'AUROC':>8}{'flagged':>9}")
    for row in (result.auditor, result.disagreement, *result.filters, *result.scores):
        numbers = "".join(
            f"{'' if np.isnan(value) else format(value, '.4f'):>8}"
            for value in (row.f1, row.average_precision, row.auroc)
        )
        print(f"  {row.method:44}{numbers}{'' if np.isnan(row.f1) else row.flagged:>9}")
    low, middle, high = result.estimate
    print(f"  auditor estimates {middle:.0f} wrong labels, {low:.0f} to {high:.0f}; {result.seconds:.2f} s")


def label_noise(shared: Path) -> bool:
    """The rule alone, on the probabilities that others have published. Returns whether it shows what it must."""
    files = sorted((shared / "data" / "label-noise").glob("*.npz"))
    if not files:
        sys.exit(f"no *.npz in {shared / 'data' / 'label-noise'}. Set AUDITOR_SHARED to the folder that holds `data`.")
    results = []
    for file in files:
        with np.load(file) as data:
            given, wrong = data["given_labels"], data["given_labels"] != data["true_labels"]
            results.append(compare(file.stem, data["pred_probs"], given, wrong))
        print_comparison(results[-1])
    print("\nF1 over the better of cleanlab's default and disagreement; AP over the best of cleanlab's scores")
    for result in results:
        print(f"  {result.name:34}{result.f1_margin:+9.4f}{result.precision_margin:+9.4f}")
    margin = float(np.mean([result.f1_margin for result in results]))
    shown = (
        min(result.f1_margin for result in results) >= WORST_ALLOWED
        and margin >= MEAN_WANTED
        and min(result.precision_margin for result in results) >= 0
    )
    wanted = f"wanted: mean F1 {MEAN_WANTED:+.3f}, each F1 {WORST_ALLOWED:+.3f}, each AP +0"
    print(f"  {'mean':34}{margin:+9.4f}   {'PASS' if shown else 'FAIL'} ({wanted})")
    return shown


SECTIONS: tuple[Callable[[Path], bool], ...] = (label_noise,)


def main() -> int:
    """Runs every section; 1 if one does not show what it must."""
    shared = Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not shared.is_dir():
        sys.exit(f"no shared data: {shared} does not exist. Set AUDITOR_SHARED to the folder that holds `data`.")
    shown = [section(shared) for section in SECTIONS]            # all of them, also after one that fails
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main())
