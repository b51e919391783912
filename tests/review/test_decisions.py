"""decisions.json: read as strictly as a file from anybody has to be, and written so that it can be read."""

import json
import os

import pytest

from auditor.errors import InputError
from auditor.review.decisions import (
    FORMAT,
    FORMAT_VERSION,
    Decision,
    Decisions,
    as_json,
    decisions_of,
    read_decisions,
    write_decisions,
)

CONTENT = "0123456789abcdef" * 4
GOOD = {"file": "cat/1.jpg", "content": CONTENT, "label": "cat", "decision": "keep", "rules": ["label_issue"],
        "findings": ["0a1b2c3d4e5f6071"], "at": "2025-01-31T09:00:00Z", "author": ""}  # fmt: skip


def document(*decisions, **header):
    return {"format": FORMAT, "format_version": FORMAT_VERSION, "name": "pets", "run": "1", "root": "pets",
            "exported_at": "2025-01-31T09:00:00Z", "decisions": list(decisions), **header}  # fmt: skip


def written(tmp_path, text):
    path = tmp_path / "decisions.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_what_was_written_is_read_back(tmp_path):
    made = Decisions("pets", "1", "data/\udcff", "2025-01-31T09:00:00Z", (
        Decision("cat/\u732b\\xff.jpg", CONTENT, None, "relabel", "l\u00f6we", ("outlier",), ("0a",), "now", "Ada"),
        Decision("cat/2.jpg", CONTENT, "cat", "unsure"),
    ))  # fmt: skip
    path = tmp_path / "decisions.json"

    write_decisions(path, made)

    assert read_decisions(path) == made
    assert "l\u00f6we" in path.read_text(encoding="utf-8")


def test_keys_that_are_not_known_are_left_alone():
    made = decisions_of(document({**GOOD, "mood": "sure"}, colour="red"), "it")

    assert made.decisions[0].decision == "keep"


def test_of_several_decisions_about_a_file_the_last_one_counts():
    made = decisions_of(document(GOOD, {**GOOD, "decision": "remove"}), "it")

    assert [each.decision for each in made.decisions] == ["remove"]
    assert made.repeated == 1


@pytest.mark.parametrize(("change", "said"), [
    ({"file": "/etc/passwd"}, "it is absolute"),
    ({"file": "../secret.jpg"}, "it leads upwards"),
    ({"file": "cat/../../secret.jpg"}, "it leads upwards"),
    ({"file": "cat\\x00.jpg"}, "zero byte"),                    # as `shown` writes one
    ({"file": "cat//1.jpg"}, "one of its names is empty"),
    ({"file": ""}, "one of its names is empty"),
    ({"file": None}, "file is missing; expected text"),
    ({"file": "x" * 40_000}, "expected a shorter text"),
    ({"content": "abc"}, "expected the sha256"),
    ({"content": CONTENT.upper()}, "expected the sha256"),
    ({"label": 3}, "label is 3; expected text"),
    ({"decision": "delete"}, "expected one of keep, relabel, remove, unsure"),
    ({"decision": ["keep"]}, "expected one of keep, relabel, remove, unsure"),
    ({"decision": "relabel"}, "to is missing; expected text"),
    ({"decision": "relabel", "to": " "}, "to is empty"),
    ({"rules": "label_issue"}, "rules is text; expected a list"),
    ({"findings": [1]}, "findings is 1; expected text"),
    ({"rules": ["x"] * 2000}, "expected a list of at most 1000"),
])  # fmt: skip
def test_a_decision_that_cannot_be_meant_is_refused_with_its_place(change, said):
    with pytest.raises(InputError, match=r"it, decision 2: ") as refused:
        decisions_of(document(GOOD, {**GOOD, **change}), "it")

    assert said in str(refused.value)


@pytest.mark.parametrize(("record", "said"), [
    ([], "holds no decisions"),
    ({"format": "something"}, "holds no decisions"),
    (document(format_version=2), "format_version 2; this auditor reads 1"),
    (document(name="../../etc"), "which no data set in the reports can have"),
    (document(name=""), "which no data set in the reports can have"),
    (document(root=None), "root is missing"),
    (document(decisions={}), "decisions is an object; expected a list"),
    (document("keep"), "decision 1 is text; expected an object"),
])  # fmt: skip
def test_a_document_that_is_none_is_refused(record, said):
    with pytest.raises(InputError, match="it") as refused:
        decisions_of(record, "it")

    assert said in str(refused.value)


@pytest.mark.parametrize("text", [
    b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, json.dumps(GOOD)[:-5], b'{"a": 1' + b"0" * 9999,
])  # fmt: skip
def test_a_file_that_is_no_json_is_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"decisions\.json"):
        read_decisions(written(tmp_path, text))


def test_a_file_that_is_too_large_is_not_read_as_a_whole(tmp_path):
    path = tmp_path / "decisions.json"
    with path.open("wb") as file:
        file.truncate(65 * 1024**2)             # a hole: it takes no place on the disk

    with pytest.raises(InputError, match="larger than 64 MB"):
        read_decisions(path)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "decisions.json")

    with pytest.raises(InputError, match="is no file"):
        read_decisions(tmp_path / "decisions.json")


def test_the_text_has_no_key_that_says_nothing():
    made = decisions_of(document(GOOD), "it")

    assert "to" not in json.loads(as_json(made))["decisions"][0]
