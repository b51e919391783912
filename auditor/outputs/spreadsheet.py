"""`findings.csv`: one finding a line, for spreadsheets, and safe to open in them."""

import csv
import re
from dataclasses import fields
from pathlib import Path

from auditor.audit import Audit, Finding

NAME = "findings.csv"
BETWEEN = " | "                                 # the values of one cell

# Spreadsheets take a text for a formula by its first sign (OWASP, "CSV Injection"), in East Asia by the wide form of it
# too. Those that expect semicolons or tabs between cells find first signs in the middle of ours. The apostrophe is
# among the signs, so that every one that was put before a text can be told from one that was there.
_MAY_BE_FORMULA = re.compile("(^|[;\t\r\n])(?=\\s*['=+\\-@\uff1d\uff0b\uff0d\uff20])")


def write_csv(audit: Audit, folder: Path) -> Path:
    """Writes every finding as RFC 4180 has it, in UTF-8 with a byte order mark; returns the file's path."""
    path = folder / NAME
    columns = [each.name for each in fields(Finding)]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(getattr(finding, name)) for name in columns] for finding in audit.findings)
    return path


def _cell(value: object) -> object:
    """A value as its cell has it: numbers stay numbers, several values are joined, what is missing is empty."""
    if isinstance(value, tuple):
        value = BETWEEN.join(map(str, value))
    return _MAY_BE_FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
