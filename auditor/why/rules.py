"""What each rule says about one image, and why those that did not flag it did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.checks import StoredImage, known_checks
from auditor.runs.stored import Row
from auditor.text import decimal


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
    """The rules of a run, from its summary; a summary of an older version has only their names.

    Attributes:
        about: Rule -> what the summary says of it.
        matched: Whether the model's classes are the folder's.
        can_judge: Whether the probe was good enough to judge the labels.
        modelless: Whether the scan had no model.
    """

    about: Mapping[str, Mapping[str, Any]]
    matched: bool
    can_judge: bool = True
    modelless: bool = False

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> "Rules":
        stated = summary.get("rules") or {}
        about = {name: stated.get(name, {}) for name in {**stated, **summary.get("findings", {})}}
        power = summary.get("power") or {}
        model = summary.get("model", {})                        # None: there was none; missing: nobody knows
        return cls(about, bool((model or {}).get("matched")), bool(power.get("can_judge", True)), model is None)

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

    def not_flagged(self, rule: str, row: Row, named_by: str | None = None) -> RuleVerdict:
        """A rule that ran and did not flag the image.

        Args:
            rule: Its name.
            row: What the run stored about the image.
            named_by: What a finding of this rule is about, if it names the image among others.
        """
        empty = dict.fromkeys(("severity", "status", "suggested", "score", "value", "threshold"))
        return RuleVerdict(
            rule=rule,
            title=self.title(rule),
            flagged=False,
            why=self._why_not(rule, row) if named_by is None else f"named by its finding about {named_by}.",
            **empty,
            settings=self.settings(rule),
        )

    def _why_not(self, rule: str, row: Row) -> str:
        """What the rule itself says; its description where this version does not know it."""
        check = known_checks().get(rule)
        if check is None:
            return _by_description(self.about.get(rule, {}))
        return check.why_not(StoredImage(row, self.settings(rule), self.matched, self.can_judge, self.modelless))


def _by_description(about: Mapping[str, Any]) -> str:
    description = str(about.get("description", "")).strip().rstrip(".")
    limits = ", ".join(f"{name} {decimal(value)}" for name, value in about.get("settings", {}).items())
    stated = f" ({limits})" if limits else ""
    return f"not flagged. The rule: {description}{stated}." if description else "not flagged."
