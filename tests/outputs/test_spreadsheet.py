"""A table for spreadsheets: whole, and nothing in it that is executed."""

import csv
import re
from dataclasses import fields, replace

import pytest

from auditor.audit import Finding
from auditor.outputs.spreadsheet import write_csv
from tests.gates.made import HOSTILE, UNPRINTABLE, audited, found

SIGNS = "'=+-@\uff1d\uff0b\uff0d\uff20"


def rows(path, delimiter=","):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter, strict=True))


def restored(cell):
    """What a cell was, by the words of the manual."""
    return re.sub(f"(^|[;\t\r\n])'(?=\\s*[{SIGNS}])", r"\1", cell)


def test_a_finding_is_a_line_with_all_its_fields(tmp_path):
    one = found(
        id="a", split="train", related=("cat/2.jpg", "dog/3.jpg"), related_values=(0.5, 1.0), suggested="dog",
        value=-3.5, threshold=0.5, message="It says \"dog\", twice.",
    )  # fmt: skip

    path = write_csv(audited(one, found("class_imbalance", None, id="b")), tmp_path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,rule,")
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n") == 3
    head, first, second = rows(path)
    assert head == [each.name for each in fields(Finding)]
    assert dict(zip(head, first, strict=True)) == {
        "id": "a", "rule": "label_issue", "severity": "high", "file": "cat/1.jpg", "split": "train",
        "related": "cat/2.jpg | dog/3.jpg", "label": "cat", "suggested": "dog", "score": "0.1", "value": "-3.5",
        "threshold": "0.5", "message": 'It says "dog", twice.', "status": "new", "related_values": "0.5 | 1.0",
    }  # fmt: skip
    assert dict(zip(head, second, strict=True))["file"] == ""


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", "'=1", "'quoted", "'", "a;=1",
        "a; =1", "a;'=1", "a\t\t@b", HOSTILE, UNPRINTABLE, '";=cmd|\'/c calc\'!A0;"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_divides_cells_and_each_is_told_back(text, delimiter, tmp_path):
    path = write_csv(audited(replace(found(), file=text, message=text)), tmp_path)

    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file, delimiter=delimiter) for cell in row]
    assert not [cell for cell in cells if cell.strip()[:1] in tuple("=+-@\uff1d\uff0b\uff0d\uff20")]
    row = dict(zip(*rows(path), strict=True))
    assert (restored(row["file"]), restored(row["message"])) == (text, text)
    assert row["label"] == "cat"


@pytest.mark.parametrize("text", ["cat/1.jpg", "a=b", "a-b; c+d", "1-2", ""])
def test_what_is_no_formula_stays_as_it_is(text, tmp_path):
    _, row = rows(write_csv(audited(found(message=text)), tmp_path))
    assert text in row
