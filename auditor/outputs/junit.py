"""`junit.xml`: gates and classes as test cases, for the servers that draw those."""

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from auditor.audit import Audit, GateResult
from auditor.gates import measured
from auditor.outputs.text import printable
from auditor.text import count, some

NAME = "junit.xml"


def write_junit(audit: Audit, folder: Path) -> Path:
    """Writes one test case for each gate and one for each class; returns the file's path.

    A gate's test fails where the gate does, and is skipped where its rule could judge nothing. That of a class fails
    where a gate failed by findings with its label: so a test is red if and only if the exit code is 1.
    """
    root = Element("testsuites", name=printable(f"auditor {audit.name}"))
    _suite(root, audit, "gates", [_gate_case(audit, result) for result in audit.gate.results])
    _suite(root, audit, "classes", [_class_case(audit, name) for name in audit.classes])
    for total in ("tests", "failures"):
        root.set(total, str(sum(int(suite.get(total, 0)) for suite in root)))
    root.set("errors", "0")
    root.set("time", _seconds(audit))
    ElementTree.indent(root)
    path = folder / NAME
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    return path


def _suite(root: Element, audit: Audit, name: str, cases: list[Element]) -> None:
    suite = SubElement(
        root,
        "testsuite",
        name=printable(f"{audit.name}.{name}"),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=_seconds(audit) if name == "gates" else "0",
        timestamp=audit.run.started_at.partition("+")[0],
    )
    suite.extend(cases)


def _gate_case(audit: Audit, result: GateResult) -> Element:
    case = _case(audit, "gates", result.expression)
    said = measured(result)
    if not result.passed:
        files = f"\n{some(result.files)}" if result.files else ""
        _said(case, "failure", f"{result.expression}: {said}{files}", f"{result.expression}: {said}")
    elif not result.judged:
        _said(case, "skipped", "", said)
    else:
        SubElement(case, "system-out").text = printable(said)
    return case


def _class_case(audit: Audit, name: str) -> Element:
    case = _case(audit, "classes", name)
    failed = [result for result in audit.gate.results if not result.passed and result.classes.get(name)]
    if failed:
        lines = [f"{result.expression}: {result.classes[name]} of {result.counted} here" for result in failed]
        _said(case, "failure", "\n".join(lines), f"{count(len(failed), 'gate')} failed by findings of this class")
    SubElement(case, "system-out").text = printable(
        f"{count(audit.classes[name], 'image')}, "
        f"{count(sum(finding.label == name for finding in audit.findings), 'finding')}"
    )
    return case


def _case(audit: Audit, suite: str, name: str) -> Element:
    return Element("testcase", classname=printable(f"{audit.name}.{suite}"), name=printable(name), time="0")


def _said(case: Element, kind: str, text: str, message: str) -> None:
    said = SubElement(case, kind, message=printable(message))
    if kind == "failure":
        said.set("type", "gate")
    said.text = printable(text) or None


def _seconds(audit: Audit) -> str:
    return f"{audit.run.seconds:.3f}"
