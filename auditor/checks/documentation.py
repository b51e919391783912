"""docs/checks.md, made from the checks themselves.

Example:
    python -m auditor.checks.documentation > docs/checks.md
"""

from collections.abc import Iterator

from auditor.audit import Rule
from auditor.checks import make_checks, rule_of

_HEAD = """\
# Rules

What a scan looks for, in the order of its report. `auditor scan --skip-rules RULE,RULE` leaves rules out, and
`auditor.toml` changes their settings:

```toml
[checks.low_confidence]
minimum = 0.8
```

"""

_TAIL = """\

## Another rule

One file in `auditor/checks/`, one entry in `CHECKS` in `auditor/checks/__init__.py`, one test. This page is made from
the checks: `python -m auditor.checks.documentation > docs/checks.md`.

The file holds a frozen dataclass, `auditor.checks.base.Check`. Its docstring is what the report and the table above
say about the rule, and its arguments are its settings. Beside them it states

- `rule`, `title`: its name in files and on pages;
- `kind`: what its findings claim, one of `auditor.audit.RuleKind`. The report treats rules by that;
- `demo_faults`: which faults in the stickers of `auditor demo` it is meant to find, so that the demo counts them;
- `run(samples)`: looks at the arrays of `auditor.checks.samples.Samples` and gives a score and a flag for every image,
  and findings about several images or about the data set (`groups`);
- `why_not(image)`: the sentence of `auditor why` for an image that it did not flag, from what a run stored.
"""


def page() -> str:
    """The whole document."""
    return _HEAD + "\n".join(_table()) + "\n" + _TAIL


def _table() -> Iterator[str]:
    yield "| rule | title | what it flags | settings |"
    yield "| --- | --- | --- | --- |"
    for check in make_checks({}):
        yield _row(rule_of(check))


def _row(rule: Rule) -> str:
    settings = ", ".join(f"`{name} = {value}`" for name, value in rule.settings.items())
    return f"| `{rule.name}` | {rule.title} | {rule.description} | {settings or 'none'} |"


if __name__ == "__main__":
    print(page(), end="")
