"""A scan from a folder to findings, with a classifier of a few lines: redder is more of a dog."""

import json
from pathlib import Path

import pytest

import auditor
from auditor.audit import Audit
from auditor.backends.card import ModelCard
from auditor.errors import InputError
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, LABEL_RULES, RED, draw_tinted


@pytest.fixture
def folder(tmp_path, place):
    """Sixty pictures: blue cats, red dogs, one red cat and one that is neither."""
    for number in range(30):
        place(draw_tinted(GREY, number), tmp_path / "data" / "cat" / f"{number:02}.png")
        place(draw_tinted(RED, 100 + number), tmp_path / "data" / "dog" / f"{number:02}.png")
    place(draw_tinted(RED, 500), tmp_path / "data" / "cat" / "wrong.png")
    place(draw_tinted(BETWEEN, 501), tmp_path / "data" / "dog" / "undecided.png")
    return tmp_path / "data"


def scan(path, **options) -> Audit:
    return auditor.scan(path, backend=options.pop("backend", FakeBackend()), **options)


def rules_of(audit, file):
    return {finding.rule for finding in audit.findings if finding.file == file}


def test_a_dog_among_the_cats_is_found_by_probe_and_model_and_comes_first(folder):
    audit = scan(folder)

    assert rules_of(audit, "cat/wrong.png") >= {"label_issue", "model_disagrees"}
    assert audit.findings[0].file == "cat/wrong.png"
    assert audit.findings[0].suggested == "dog"
    row = audit.predictions.set_index("file").loc["cat/wrong.png"]
    assert row["review_rank"] == 1
    assert row["predicted"] == row["oof_predicted"] == "dog"


def test_clean_images_are_not_flagged(folder):
    flagged = {finding.file for finding in scan(folder, rules=LABEL_RULES).findings}

    assert flagged <= {"cat/wrong.png", "dog/undecided.png"}


def test_an_image_between_the_classes_is_undecided(folder):
    assert "low_confidence" in rules_of(scan(folder), "dog/undecided.png")


def test_every_file_has_exactly_one_outcome(folder):
    (folder / "cat" / "empty.jpg").write_bytes(b"")
    (folder / "cat" / "notes.txt").write_text("not an image")
    (folder / "cat" / ".hidden.png").write_bytes(b"x")
    png = (folder / "cat" / "00.png").read_bytes()
    (folder / "dog" / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "dog" / "really_a_png.jpg").write_bytes(png)

    audit = scan(folder)

    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert sorted(audit.predictions["file"]) == sorted(files)
    assert audit.outcomes == {"ok": 63, "failed": 2, "skipped": 2}
    assert audit.predictions["outcome"].value_counts().to_dict() == audit.outcomes
    assert rules_of(audit, "cat/empty.jpg") == rules_of(audit, "dog/cut.png") == {"unreadable"}
    assert "format_mismatch" in rules_of(audit, "dog/really_a_png.jpg")


def test_the_same_scan_twice_gives_the_same_findings(folder):
    first, second = scan(folder), scan(folder, batch_size=7, threads=1)

    assert first.findings == second.findings


def test_findings_of_equal_files_have_different_ids(folder):
    data = (folder / "cat" / "wrong.png").read_bytes()
    (folder / "cat" / "wrong too.png").write_bytes(data)

    audit = scan(folder)

    assert len({finding.id for finding in audit.findings}) == len(audit.findings)
    assert "label_issue" in rules_of(audit, "cat/wrong too.png")


def test_an_id_does_not_depend_on_the_name(folder):
    before = next(finding.id for finding in scan(folder).findings if finding.rule == "label_issue")
    (folder / "cat" / "wrong.png").rename(folder / "cat" / "renamed.png")

    assert before in {finding.id for finding in scan(folder).findings if finding.file == "cat/renamed.png"}


def test_a_model_of_other_classes_still_judges_labels_by_its_embeddings(folder):
    audit = scan(folder, backend=FakeBackend(("tree", "house")))

    assert not audit.model.matched
    assert "label_issue" in rules_of(audit, "cat/wrong.png")
    assert audit.counts()["model_disagrees"] == 0
    assert any("does not know cat, dog" in note for note in audit.notes)


def test_a_class_map_makes_them_match(folder):
    audit = scan(folder, backend=FakeBackend(("tree", "house")), class_map="tree=cat,house=dog")

    assert audit.model.matched
    assert "model_disagrees" in rules_of(audit, "cat/wrong.png")


def test_a_class_that_the_folder_lacks_can_win(folder):
    backend = FakeBackend(("cat", "dog", "bucket"))
    backend.head.layers[0].weights[:, 2] = 40                                     # everything is a bucket

    audit = scan(folder, backend=backend)

    finding = next(finding for finding in audit.findings if finding.rule == "model_disagrees")
    assert finding.suggested is None
    assert "bucket" in finding.message


def test_the_scan_says_what_the_probe_can_do(folder):
    power = scan(folder).power

    assert power.can_judge
    assert power.swapped > 20 and power.found > 0.8 * power.swapped
    assert power.chance == pytest.approx(0.5, abs=0.01)


@pytest.fixture
def noise(tmp_path, place):
    """Pictures whose classes were thrown by a coin."""
    for number in range(60):
        place(draw_tinted(GREY, number), tmp_path / "noise" / ("cat", "dog")[number % 2] / f"{number:02}.png")
    return tmp_path / "noise"


def test_labels_that_the_model_cannot_judge_are_not_called_wrong(noise):
    backend = FakeBackend(("tree", "house"))
    audit, doubtful = scan(noise, backend=backend), scan(noise, backend=backend, doubtful=True)

    assert not audit.power.can_judge
    assert audit.estimate is None
    assert audit.counts()["label_issue"] == 0
    assert any(note.startswith("This model cannot judge these labels") for note in audit.notes)
    assert {finding.severity for finding in doubtful.findings if finding.rule == "label_issue"} <= {"low"}
    assert doubtful.estimate is None


def test_rules_that_are_skipped_do_not_run(folder):
    audit = scan(folder, rules=LABEL_RULES, skip_rules="low_confidence,model_disagrees")

    assert {finding.rule for finding in audit.findings} == {"label_issue"}
    assert not {"low_confidence", "model_disagrees"} & {rule.name for rule in audit.rules}
    with pytest.raises(InputError, match="skip_rules names 'all'"):
        scan(folder, skip_rules="all")


def test_one_class_gets_a_clear_note(tmp_path, place):
    for number in range(4):
        place(draw_tinted(GREY, number), tmp_path / "cat" / f"{number}.png")

    audit = scan(tmp_path, backend=FakeBackend())

    assert audit.counts()["label_issue"] == 0
    assert any("fewer than two classes" in note for note in audit.notes)


def test_no_readable_image_is_no_crash(tmp_path):
    for name in ("cat/a.jpg", "dog/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"nothing")

    audit = scan(tmp_path)

    assert audit.outcomes == {"ok": 0, "failed": 2, "skipped": 0}
    assert audit.counts()["unreadable"] == 2


def test_flagged_images_have_evidence_of_the_same_size(folder):
    evidence = scan(folder).evidence["cat/wrong.png"]

    assert evidence.heatmaps[0].subject == "dog"
    assert evidence.probabilities[0][0] == "dog"
    assert (evidence.width, evidence.height) == (64, 64)


def test_no_more_cards_than_asked_for(folder):
    assert len(scan(folder, max_cards=0).evidence) == 0


def test_images_that_the_model_was_trained_on_are_counted(folder):
    backend = FakeBackend()
    contents = list(scan(folder).predictions["sha256"])
    backend.card = ModelCard("fake", ("cat", "dog"), (32, 32), "raw", trained_on=frozenset(c[:16] for c in contents))

    assert scan(folder, backend=backend).model.in_sample == len(contents)


def test_settings_come_from_the_file_beside_the_job(folder, tmp_path, monkeypatch):
    (tmp_path / "auditor.toml").write_text(
        "[checks.low_confidence]\nminimum = 1.0\nat_most = 0.5\n[scan]\nmax_cards = 3\ndoubtful = true\n"
    )
    monkeypatch.chdir(tmp_path)

    audit = scan(folder)

    assert audit.counts()["low_confidence"] > 10
    assert audit.run.settings["doubtful"] is True
    assert len(audit.evidence) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[checks.low_confidence]\nminimun = 1", "no setting 'minimun'"),
        ("[checks.blury]\nminimum = 1", "is not a rule"),
        ("[checks.low_confidence]\nminimum = 'high'", "expected a number"),
        ("[scan]\nmodle = 'x'", "no setting 'modle'"),
        ("[scan]\nbatch_size = 'many'", "expected a whole number"),
        ("[scan]\ndoubtful = 'yes'", "doubtful is 'yes'; expected true or false"),
        ("[scan]\ndoubtful = 1", "doubtful is 1; expected true or false"),
        ("[scan]\nbatch_size = true", "batch_size is True; expected a whole number"),
        ("[scan]\nskip_rules = 'blurred'", "skip_rules names 'blurred'"),
        ("[scan]\ncolours = 'rainbow'", "colours is 'rainbow'; expected one of inferno, viridis, jet"),
        ("[scan]\nmax_occlusion = -1", "max_occlusion is -1; expected a whole number from 0 up"),
        ("[scna]\n", "expected [scan]"),
        ("not toml", "cannot be read as TOML"),
    ],
)
def test_a_wrong_setting_is_named(folder, tmp_path, monkeypatch, text, complaint):
    (tmp_path / "auditor.toml").write_text(text)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError) as error:
        scan(folder)
    assert complaint in str(error.value)


def test_the_exports_hold_what_the_audit_holds(folder, tmp_path):
    import pandas as pd

    from auditor.outputs import write_outputs

    audit = scan(folder)
    write_outputs(audit, tmp_path)

    findings = [json.loads(line) for line in (tmp_path / "findings.jsonl").read_text().splitlines()]
    summary = json.loads((tmp_path / "summary.json").read_text())
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert [finding["id"] for finding in findings] == [finding.id for finding in audit.findings]
    assert set(findings[0]) == {
        "id", "rule", "severity", "file", "split", "related", "label", "suggested", "score", "value", "threshold",
        "message", "status", "related_values",
    }  # fmt: skip
    assert summary["format_version"] == 1
    assert summary["outcomes"] == audit.outcomes
    assert sum(summary["findings"].values()) == len(findings)
    assert list(table["file"]) == list(audit.predictions["file"])
    assert Path(summary["dataset"]["root"]) == folder
