"""Folders named by synset ids read as what they are, on the page and nowhere else."""

from dataclasses import replace

import pytest

from auditor.report.audit import render_html
from auditor.report.audit.names import readable_audit
from auditor.report.audit.rows import class_matrix, confusion_matrix
from tests.report.page import Document
from tests.report.scanned import HANDLER

SHIH_TZU, RIDGEBACK, BEAGLE = "n02086240", "n02087394", "n02088364"
NAMES = {SHIH_TZU: "Shih-Tzu", RIDGEBACK: "Rhodesian ridgeback", BEAGLE: "beagle"}
IDS = {"cats": SHIH_TZU, "dogs": RIDGEBACK, HANDLER: BEAGLE}


@pytest.fixture(scope="module")
def by_ids(audit):
    """The audit with its three classes called by ids; its files are not."""

    def named(name):
        return IDS.get(name, name)

    def sentence(text):
        for name, synset in IDS.items():
            text = text.replace(name, synset)
        return text

    def near(neighbours):
        return tuple(replace(neighbour, label=named(neighbour.label)) for neighbour in neighbours)

    return replace(
        audit,
        classes={named(name): images for name, images in audit.classes.items()},
        findings=tuple(
            replace(
                finding,
                label=named(finding.label),
                suggested=named(finding.suggested),
                message=sentence(finding.message),
            )
            for finding in audit.findings
        ),
        evidence={
            file: replace(
                shown,
                probabilities=tuple((named(name), share) for name, share in shown.probabilities),
                similar=near(shown.similar),
                of_given=near(shown.of_given),
                of_suggested=near(shown.of_suggested),
                heatmaps=tuple(
                    replace(layer, subject=named(layer.subject), against=named(layer.against))
                    for layer in shown.heatmaps
                ),
            )
            for file, shown in audit.evidence.items()
        },
        predictions=audit.predictions.assign(
            **{name: audit.predictions[name].map(named) for name in ("label", "predicted", "oof_predicted")}
        ),
        model=replace(audit.model, classes=tuple(IDS.values())),
        additions=tuple(addition.renamed(named) for addition in audit.additions),
        notes=(),
    )


def test_no_id_is_left_where_people_read_but_behind_a_class_of_the_tables(by_ids):
    page = Document(render_html(by_ids))

    text = page.all("main")[0].text
    for synset, name in NAMES.items():
        assert text.count(name) > 50
        assert text.count(synset) == 2                          # in the table of classes and, unseen, of confusions
        assert [cell.text for cell in page.all("code") if cell.text == synset]
        assert synset in page.values("title")


def nowhere(**choice):
    return ""


def test_the_counts_are_those_of_the_ids(audit, by_ids):
    named, ids = readable_audit(by_ids)

    assert ids == {name: synset for synset, name in NAMES.items()}
    for tables in (class_matrix, confusion_matrix):
        found = {row.name: [cell.text for cell in row.cells] for row in tables(named, ids, nowhere).rows}
        known = {row.name: [cell.text for cell in row.cells] for row in tables(audit, {}, nowhere).rows}
        assert found == {NAMES[IDS[name]]: cells for name, cells in known.items()}


def test_the_audit_itself_keeps_the_folders_names(by_ids):
    readable_audit(by_ids)

    assert set(by_ids.classes) == set(NAMES)
    assert {finding.label for finding in by_ids.findings} == {*NAMES, None}


def test_files_keep_their_names(by_ids):
    moved = replace(by_ids.findings[0], file=f"{SHIH_TZU}/{SHIH_TZU}_1.jpg")

    page = Document(render_html(replace(by_ids, findings=(moved,), evidence={}, root=SHIH_TZU, name=SHIH_TZU)))

    assert f"{SHIH_TZU}/{SHIH_TZU}_1.jpg" in page.text
    assert page.all("h1")[0].text == SHIH_TZU


def test_a_folder_of_the_same_name_stays_another_class(audit):
    audit = replace(audit, classes={SHIH_TZU: 3, "Shih-Tzu": 4})

    named, ids = readable_audit(audit)

    assert dict(named.classes) == {f"Shih-Tzu ({SHIH_TZU})": 3, "Shih-Tzu": 4}
    assert ids == {f"Shih-Tzu ({SHIH_TZU})": SHIH_TZU}


def test_an_audit_without_ids_is_the_same(audit):
    named, ids = readable_audit(audit)

    assert ids == {}
    assert (named.findings, named.evidence, named.classes) == (audit.findings, audit.evidence, audit.classes)
    assert (named.notes, named.additions) == (audit.notes, audit.additions)
    assert named.predictions.equals(audit.predictions)
