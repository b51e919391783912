"""The rules, one file each, and the registry."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from auditor.audit import Rule
from auditor.checks.base import Check, CheckResult, GroupFinding
from auditor.checks.blurry import Blurry
from auditor.checks.bright import Bright
from auditor.checks.class_imbalance import ClassImbalance
from auditor.checks.conflicting_labels import ConflictingLabels
from auditor.checks.dark import Dark
from auditor.checks.exact_duplicate import ExactDuplicate
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.grayscale import Grayscale
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.low_information import LowInformation
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.near_duplicate import NearDuplicate
from auditor.checks.odd_aspect_ratio import OddAspectRatio
from auditor.checks.odd_size import OddSize
from auditor.checks.outlier import Outlier
from auditor.checks.samples import ModelView, Samples
from auditor.checks.split_drift import SplitDrift
from auditor.checks.split_leakage import SplitLeakage
from auditor.checks.spurious_correlation import SpuriousCorrelation
from auditor.checks.stored import StoredImage
from auditor.checks.underperforming_group import UnderperformingGroup
from auditor.checks.unreadable import UnreadableImage
from auditor.configuration import checked, hints_of, nearest
from auditor.errors import InputError

#: Every rule, in the order of the report. A further one is a file and an entry here; docs/checks.md says how.
CHECKS: tuple[type[Check], ...] = (
    LabelIssue,
    ModelDisagrees,
    LowConfidence,
    ConflictingLabels,
    ExactDuplicate,
    NearDuplicate,
    SplitLeakage,
    Outlier,
    Blurry,
    Dark,
    Bright,
    LowInformation,
    OddSize,
    OddAspectRatio,
    Grayscale,
    UnreadableImage,
    FormatMismatch,
    ClassImbalance,
    UnderperformingGroup,
    SpuriousCorrelation,
    SplitDrift,
)

__all__ = [
    "CHECKS",
    "Check",
    "CheckResult",
    "GroupFinding",
    "ModelView",
    "Samples",
    "StoredImage",
    "known_checks",
    "make_checks",
    "rule_of",
]


def known_checks() -> dict[str, type[Check]]:
    """Rule -> its check, in the registry's order."""
    return {check.rule: check for check in CHECKS}


def make_checks(
    overrides: Mapping[str, Mapping[str, Any]], skip: str = "", only: str = ""
) -> tuple[Check, ...]:
    """Every check of the registry with its defaults, or with what `[checks.<rule>]` of auditor.toml says.

    Args:
        overrides: Rule -> setting -> value.
        skip: Rules to leave out, separated by commas.
        only: The only rules to make, separated by commas; "" makes all.

    Raises:
        InputError: a rule or a setting is not known, or a value is not a number.
    """
    known = known_checks()
    skipped, wanted = _named("skip_rules", skip, known), _named("rules", only, known) or list(known)
    if not (kept := [rule for rule in known if rule in wanted and rule not in skipped]):
        raise InputError(f"rules {only!r} and skip_rules {skip!r} leave no rule; name fewer in skip_rules")
    for rule, settings in overrides.items():
        if rule not in known:
            raise InputError(f"[checks.{rule}] is not a rule{nearest(rule, known)}; expected one of {', '.join(known)}")
        hints = hints_of(known[rule])
        for name, value in settings.items():
            if name not in hints:
                expected = ", ".join(hints) or "none"
                raise InputError(f"[checks.{rule}] has no setting {name!r}{nearest(name, hints)}; expected {expected}")
            checked(f"[checks.{rule}] {name}", hints[name], value)
    return tuple(known[rule](**overrides.get(rule, {})) for rule in kept)


def _named(setting: str, text: str, known: Collection[str]) -> list[str]:
    """Rules that a setting names."""
    named = [rule.strip() for rule in text.split(",") if rule.strip()]
    for rule in named:
        if rule not in known:
            expected = f"expected some of {', '.join(known)}"
            raise InputError(f"{setting} names {rule!r}, which is not a rule{nearest(rule, known)}; {expected}")
    return named


def rule_of(check: Check) -> Rule:
    """What reports and documents say about a check: its docstring's first paragraph, and its arguments."""
    paragraph = (type(check).__doc__ or "").split("\n\n")[0]
    return Rule(
        name=check.rule,
        title=check.title,
        description=" ".join(paragraph.split()),
        settings={field.name: getattr(check, field.name) for field in fields(check)},  # type: ignore[arg-type]
        kind=check.kind,
    )
