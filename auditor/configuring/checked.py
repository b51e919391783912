"""What `auditor scan` would refuse about its settings, whatever the data."""

from auditor.checks import Check, known_checks, make_checks
from auditor.gates import parse_limits
from auditor.outputs import chosen
from auditor.settings import Settings


def checked(settings: Settings) -> tuple[Check, ...]:
    """The rules that run with these settings.

    Raises:
        InputError: a rule or one of its settings, a limit of `--fail-on` or a format is not there.
    """
    checks = make_checks(settings.checks, settings.skip_rules, settings.rules)
    parse_limits(settings.fail_on, {check.rule: check.kind for check in checks}, known_checks())
    chosen(settings.outputs)
    return checks
