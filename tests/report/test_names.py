"""Folders named by synset ids read as what they are, on the page and nowhere else."""

from dataclasses import replace

from auditor.audit import Audit
from auditor.report.audit import render_html
from auditor.report.audit.names import readable_audit
from auditor.report.audit.rows import class_matrix, confusion_matrix
from tests.report import sample_audit as sample
from tests.report.page import Document

SHIH_TZU, RIDGEBACK = "n02086240", "n02087394"
IDS = {"cats": SHIH_TZU, "dogs": RIDGEBACK}


def by_ids() -> Audit:
    """The sample with its cats and dogs called by ids."""
    audit = sample.make_audit()

    def named(name):
        return IDS.get(name, name)

    findings = tuple(
        replace(
            finding,
            label=named(finding.label),
            suggested=named(finding.suggested),
            message=finding.message.replace("cats", SHIH_TZU).replace("dogs", RIDGEBACK),
        )
        for finding in audit.findings
    )
    evidence = {
        file: replace(
            shown,
            heatmap_class=named(shown.heatmap_class),
            probabilities=tuple((named(name), share) for name, share in shown.probabilities),
            **{
                strip: tuple(replace(near, label=named(near.label)) for near in getattr(shown, strip))
                for strip in ("similar", "of_given", "of_suggested")
            },
        )
        for file, shown in audit.evidence.items()
    }
    table = audit.predictions.replace(IDS)
    classes = {named(name): images for name, images in audit.classes.items()}
    model = replace(audit.model, classes=(SHIH_TZU, RIDGEBACK))
    return replace(
        audit, classes=classes, findings=findings, evidence=evidence, predictions=table, model=model, notes=()
    )


def test_no_id_is_left_where_people_read_but_behind_a_class_of_the_tables():
    page = Document(render_html(by_ids()))

    assert page.text.count("Shih-Tzu") > 50
    assert page.text.count(SHIH_TZU) == 2                       # in the table of classes and, unseen, of confusions
    assert [cell.text for cell in page.all("code") if cell.text == SHIH_TZU]
    assert SHIH_TZU in page.values("title")


def test_the_counts_are_those_of_the_ids():
    audit, ids = readable_audit(by_ids())
    plain = sample.make_audit()

    assert ids == {"Shih-Tzu": SHIH_TZU, "Rhodesian ridgeback": RIDGEBACK}
    for tables in (class_matrix, confusion_matrix):
        found = {row.name: [cell.text for cell in row.cells] for row in tables(audit, ids).rows}
        known = {row.name: [cell.text for cell in row.cells] for row in tables(plain).rows}
        assert found == {"Shih-Tzu": known["cats"], "Rhodesian ridgeback": known["dogs"]}


def test_the_audit_itself_keeps_the_folders_names():
    audit = by_ids()

    readable_audit(audit)

    assert set(audit.classes) == {SHIH_TZU, RIDGEBACK}
    assert {finding.label for finding in audit.findings} <= {SHIH_TZU, RIDGEBACK, None}


def test_files_keep_their_names():
    audit = by_ids()
    moved = replace(audit.findings[0], file=f"{SHIH_TZU}/{SHIH_TZU}_1.jpg")

    page = Document(render_html(replace(audit, findings=(moved,), evidence={}, root=SHIH_TZU, name=SHIH_TZU)))

    assert f"{SHIH_TZU}/{SHIH_TZU}_1.jpg" in page.text
    assert page.all("h1")[0].text == SHIH_TZU


def test_a_folder_of_the_same_name_stays_another_class():
    audit = replace(sample.make_audit(), classes={SHIH_TZU: 3, "Shih-Tzu": 4})

    named, ids = readable_audit(audit)

    assert dict(named.classes) == {f"Shih-Tzu ({SHIH_TZU})": 3, "Shih-Tzu": 4}
    assert ids == {f"Shih-Tzu ({SHIH_TZU})": SHIH_TZU}


def test_an_audit_without_ids_is_the_same():
    audit = sample.make_audit()

    named, ids = readable_audit(audit)

    assert ids == {}
    assert (named.findings, named.evidence, named.classes) == (audit.findings, audit.evidence, audit.classes)
    assert named.predictions.equals(audit.predictions)
