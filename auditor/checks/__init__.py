"""The rules, one file each, and the registry."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from auditor.audit import Rule
from auditor.checks.base import Check, CheckResult, GroupFinding
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.samples import ModelView, Samples
from auditor.checks.stored import StoredImage
from auditor.checks.unreadable import UnreadableImage
from auditor.configuration import checked, hints_of, nearest
from auditor.errors import InputError

#: Every rule, in the order of the report. A further one is a file and an entry here; docs/checks.md says how.
CHECKS: tuple[type[Check], ...] = (LabelIssue, ModelDisagrees, LowConfidence, UnreadableImage, FormatMismatch)

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


def make_checks(overrides: Mapping[str, Mapping[str, Any]], skip: str = "") -> tuple[Check, ...]:
    """Every check of the registry with its defaults, or with what `[checks.<rule>]` of auditor.toml says.

    Args:
        overrides: Rule -> setting -> value.
        skip: Rules to leave out, separated by commas.

    Raises:
        InputError: a rule or a setting is not known, or a value is not a number.
    """
    known = known_checks()
    skipped = [rule.strip() for rule in skip.split(",") if rule.strip()]
    for rule in skipped:
        if rule not in known:
            expected = f"expected some of {', '.join(known)}"
            raise InputError(f"skip_rules names {rule!r}, which is not a rule{nearest(rule, known)}; {expected}")
    for rule, settings in overrides.items():
        if rule not in known:
            raise InputError(f"[checks.{rule}] is not a rule{nearest(rule, known)}; expected one of {', '.join(known)}")
        hints = hints_of(known[rule])
        for name, value in settings.items():
            if name not in hints:
                expected = ", ".join(hints) or "none"
                raise InputError(f"[checks.{rule}] has no setting {name!r}{nearest(name, hints)}; expected {expected}")
            checked(f"[checks.{rule}] {name}", hints[name], value)
    return tuple(check(**overrides.get(rule, {})) for rule, check in known.items() if rule not in skipped)


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
