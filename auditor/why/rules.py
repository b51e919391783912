"""What each rule says about one image, and why those that did not flag it did not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.report.text import decimal, percent
from auditor.why.runs import Row

#: A label rule could not judge the image.
UNLABELLED = "the data set gives it no label"
UNJUDGED = "its class has too few other images to learn from, or there is no second class"


@dataclass(frozen=True)
class RuleVerdict:
    """One rule about one image. `why` is the finding's sentence where it flagged it, else why it did not."""

    rule: str
    title: str
    flagged: bool
    why: str
    severity: str | None
    status: str | None
    suggested: str | None
    score: float | None
    value: float | None
    threshold: float | None
    settings: Mapping[str, float]


@dataclass(frozen=True)
class Rules:
    """The rules of a run, from its summary; one written by an older version has only their names.

    Attributes:
        about: Rule -> what the summary says of it.
        matched: Whether the model's classes are the folder's.
        can_judge: Whether the probe was good enough to judge the labels.
    """

    about: Mapping[str, Mapping[str, Any]]
    matched: bool
    can_judge: bool = True

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> "Rules":
        stated = summary.get("rules") or {}
        about = {name: stated.get(name, {}) for name in {**stated, **summary.get("findings", {})}}
        power = summary.get("power") or {}
        return cls(about, bool(summary.get("model", {}).get("matched")), bool(power.get("can_judge", True)))

    def title(self, rule: str) -> str:
        return str(self.about.get(rule, {}).get("title", rule))

    def settings(self, rule: str) -> dict[str, float]:
        return dict(self.about.get(rule, {}).get("settings", {}))

    def flag(self, finding: Mapping[str, Any]) -> RuleVerdict:
        """A rule that flagged the image."""
        rule = finding["rule"]
        return RuleVerdict(
            rule=rule,
            title=self.title(rule),
            flagged=True,
            why=finding["message"],
            **{name: finding.get(name) for name in ("severity", "status", "suggested", "score", "value", "threshold")},
            settings=self.settings(rule),
        )

    def silence(self, rule: str, row: Row) -> RuleVerdict:
        """A rule that ran and did not flag the image."""
        reason = REASONS.get(rule)
        why = reason(row, self) if reason else _by_description(self.about.get(rule, {}))
        empty = dict.fromkeys(("severity", "status", "suggested", "score", "value", "threshold"))
        return RuleVerdict(
            rule=rule,
            title=self.title(rule),
            flagged=False,
            why=why,
            **empty,
            settings=self.settings(rule),
        )


def _label_issue(row: Row, rules: Rules) -> str:
    if row.get("label") is None:
        return f"not judged: {UNLABELLED}."
    if not rules.can_judge:
        return "not judged: the model knows these classes too little to call a label wrong."
    score, right = row.get("label_score"), row.get("p_correct")
    if score is None:
        return f"not judged: {UNJUDGED}."
    limit = "it flags where the label is more likely wrong than right."
    if right is None:
        return f"not flagged: score {score:.2f}; {limit}"
    chance = f"not flagged: score {score:.2f}, the label is right with {percent(right)}"
    if right < 0.5 and row.get("oof_predicted") == row["label"]:
        return f"{chance}; but no other class is likelier by the other images, and it flags only where one is."
    return f"{chance}; {limit}"


def _model_disagrees(row: Row, rules: Rules) -> str:
    predicted = row.get("predicted")
    if row.get("label") is None:
        return f"not judged: {UNLABELLED}."
    if not rules.matched:
        return "not judged: the model does not know the folder's classes."
    if predicted is None:
        return "not judged: the model has no prediction for it."
    if predicted == row["label"]:
        return f"not flagged: the model sees {predicted} too; it flags where that is not the given label."
    return f"not flagged: the model sees {predicted}."


def _low_confidence(row: Row, rules: Rules) -> str:
    witness, predicted = _witness(row, rules)
    if predicted is None:
        return f"not judged: {witness} has no prediction for it."
    settings = rules.settings("low_confidence")
    minimum, at_most = settings.get("minimum"), settings.get("at_most")
    limit = "under a set probability" if minimum is None else f"under {percent(minimum)}"
    if at_most is not None:
        limit += f", at most {percent(at_most)} of the images"
    best = row.get("confidence") if rules.matched else row.get("oof_p_given") if predicted == row.get("label") else None
    if best is None:
        return f"not flagged: {witness} is sure enough of its best class; it flags {limit}."
    return f"not flagged: {witness} gives its best class {percent(best)}; it flags {limit}."


def _unreadable(row: Row, _: Rules) -> str:
    return "not flagged: it was decoded." if row.get("outcome") == "ok" else "not flagged."


def _format_mismatch(row: Row, _: Rules) -> str:
    if row.get("format") is None:
        return "not judged: it cannot be read."
    return f"not flagged: the file is {row['format']}, and its name claims nothing else."


def _witness(row: Row, rules: Rules) -> tuple[str, str | None]:
    """The classifier that the rule asked: the model where it knows the folder's classes, else the probe."""
    return ("the model", row.get("predicted")) if rules.matched else ("the probe", row.get("oof_predicted"))


def _by_description(about: Mapping[str, Any]) -> str:
    description = str(about.get("description", "")).strip().rstrip(".")
    limits = ", ".join(f"{name} {decimal(value)}" for name, value in about.get("settings", {}).items())
    stated = f" ({limits})" if limits else ""
    return f"not flagged. The rule: {description}{stated}." if description else "not flagged."


REASONS: dict[str, Callable[[Row, Rules], str]] = {
    "label_issue": _label_issue,
    "model_disagrees": _model_disagrees,
    "low_confidence": _low_confidence,
    "unreadable": _unreadable,
    "format_mismatch": _format_mismatch,
}
