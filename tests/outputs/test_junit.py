"""JUnit's XML: a test for each gate and each class."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree

from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.junit import write_junit
from tests.gates.made import HOSTILE, RULES, UNPRINTABLE, audited, found

#: The one of Jenkins, and what other readers want beyond it.
SCHEMAS = [etree.XMLSchema(file=str(Path(__file__).parent / name)) for name in ("schemas/junit-10.xsd", "junit.xsd")]
IMAGES = ImageCounts.of([("cat", True)] * 6 + [("dog", True)] * 4)


def gated(*texts, findings=(), judged=tuple(RULES), **values):
    gate = evaluate(parse_limits(texts, RULES, RULES), findings, IMAGES, judged)
    return audited(*findings, gate=gate, **values)


def written(audit, folder):
    """The root of the file, which is valid by both."""
    path = write_junit(audit, folder)
    for schema in SCHEMAS:
        schema.assertValid(etree.parse(str(path)))
    return ElementTree.parse(path).getroot()


def verdicts(root):
    told = {}
    for case in root.iter("testcase"):
        tags = [part.tag for part in case if part.tag != "system-out"]
        told[case.get("classname"), case.get("name")] = tags[0] if tags else "passed"
    return told


def test_gates_and_classes_are_test_cases(tmp_path):
    audit = gated("label_issue > 0", "blurry > 0", "any > 90%", findings=[found(), found(file="cat/2.jpg")])

    root = written(audit, tmp_path)

    assert verdicts(root) == {
        ("data-pets.gates", "label_issue > 0"): "failure",
        ("data-pets.gates", "blurry > 0"): "passed",
        ("data-pets.gates", "any > 90%"): "passed",
        ("data-pets.classes", "cat"): "failure",
        ("data-pets.classes", "dog"): "passed",
    }
    assert (root.get("tests"), root.get("failures")) == ("5", "2")
    assert [(suite.get("tests"), suite.get("failures")) for suite in root] == [("3", "1"), ("2", "1")]
    failure = root.find(".//failure")
    assert failure.get("message") == "label_issue > 0: 2 findings"
    assert failure.text.endswith("cat/1.jpg, cat/2.jpg")


def test_a_rule_that_judged_nothing_is_skipped(tmp_path):
    root = written(gated("label_issue > 0", judged=()), tmp_path)

    assert verdicts(root)["data-pets.gates", "label_issue > 0"] == "skipped"
    assert root[0].get("skipped") == "1"


@pytest.mark.parametrize("texts", [(), ("any > 5",), ("any > 0",), ("any > 0", "class_imbalance > 0")])
def test_a_test_is_red_if_and_only_if_the_run_fails(texts, tmp_path):
    audit = gated(*texts, findings=[found(), found("class_imbalance", None)])

    assert (int(written(audit, tmp_path).get("failures")) > 0) == (audit.exit_code == 1)


@pytest.mark.parametrize("name", [HOSTILE, UNPRINTABLE, "\x00\x1b\ud800\ufffe]]>", "<!--", ""])
def test_no_name_gets_out_of_its_place(name, tmp_path):
    audit = gated("any > 0", findings=[found(file=f"{name}/1.jpg", label=name)], classes={name: 3, "dog": 1})
    odd = replace(audit.gate.results[0], expression=f"any[{name}] > 0")
    audit = replace(audit, name=name, gate=replace(audit.gate, results=(odd,)))

    root = written(audit, tmp_path)

    assert len(verdicts(root)) == 3
    if name.isprintable():
        assert root.find(".//testcase").get("name") == f"any[{name}] > 0"
