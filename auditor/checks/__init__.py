"""The rules, one registry that can be read: adding one is a file, a line here, a test."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from auditor.checks.base import Check, CheckResult, ModelView, Samples
from auditor.checks.format_mismatch import FormatMismatch
from auditor.checks.label_issue import LabelIssue
from auditor.checks.low_confidence import LowConfidence
from auditor.checks.model_disagrees import ModelDisagrees
from auditor.checks.unreadable import UnreadableImage
from auditor.errors import InputError

CHECKS: tuple[type[Check], ...] = (LabelIssue, ModelDisagrees, LowConfidence, UnreadableImage, FormatMismatch)

__all__ = ["CHECKS", "Check", "CheckResult", "ModelView", "Samples", "make_checks", "settings_of"]


def make_checks(overrides: Mapping[str, Mapping[str, Any]], skip: str = "") -> tuple[Check, ...]:
    """Every check of the registry with its defaults, or with what `[checks.<rule>]` of auditor.toml says.

    Args:
        overrides: Rule -> setting -> value.
        skip: Rules to leave out, separated by commas.

    Raises:
        InputError: a rule or a setting is not known, or a value is not a number.
    """
    known = {check.rule: check for check in CHECKS}
    skipped = [rule.strip() for rule in skip.split(",") if rule.strip()]
    for rule in skipped:
        if rule not in known:
            raise InputError(f"skip_rules names {rule!r}, which is not a rule; expected some of {', '.join(known)}")
    for rule, settings in overrides.items():
        if rule not in known:
            raise InputError(f"[checks.{rule}] is no rule; expected one of {', '.join(known)}")
        names = [field.name for field in fields(known[rule])]  # type: ignore[arg-type]  # every check is a dataclass
        for name, value in settings.items():
            if name not in names:
                raise InputError(f"[checks.{rule}] has no setting {name!r}; expected {', '.join(names) or 'none'}")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"[checks.{rule}] {name} is {value!r}; expected a number")
    return tuple(check(**overrides.get(check.rule, {})) for check in CHECKS if check.rule not in skipped)


def settings_of(check: Check) -> dict[str, float]:
    """The check's arguments, by name."""
    return {field.name: getattr(check, field.name) for field in fields(check)}  # type: ignore[arg-type]
