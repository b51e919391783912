"""What people kept, or gave a label, is not listed by the next scan while its content and its label are the same."""

import json
from dataclasses import replace

import pytest

from auditor.audit import Finding
from auditor.review.apply import Request, apply_decisions
from auditor.review.decisions import FORMAT, FORMAT_VERSION
from auditor.review.home import Home
from auditor.review.kept import KeptImage, add_kept, label_rules, read_kept, take_back
from auditor.review.undo import undo
from tests.backends.fake import FakeBackend
from tests.history.nights import Nights, counts, reasons
from tests.pictures import GREY, RED

RULES = "label_issue,model_disagrees,exact_duplicate,dark"
WRONG = ("cat/wrong-1.png", "cat/wrong-2.png", "cat/wrong-3.png")


@pytest.fixture
def nights(tmp_path):
    """Cats and dogs, three of them under the wrong class, and a cat that is there twice."""
    nights = Nights(tmp_path / "data", tmp_path / "reports")
    for number, file in enumerate(WRONG):
        nights.place(file, RED, 500 + number)
    nights.place("cat/copy.png", GREY, 0)
    return nights


def night(nights, **options):
    return nights.night(FakeBackend(), rules=RULES, name="pets", **options)


def decided(nights, audit, **choices):
    """The decisions of a reviewer: file -> decision, or the class that it should have."""
    listed = []
    contents = dict(zip(audit.predictions["file"], audit.predictions["sha256"], strict=True))
    for file, choice in choices.items():
        about = [each for each in audit.findings if each.file == file]
        record = {
            "file": file, "content": contents[file], "label": about[0].label,
            "decision": choice if choice in ("keep", "remove", "unsure") else "relabel",
            "rules": sorted({each.rule for each in about}), "findings": [each.id for each in about],
        }  # fmt: skip
        listed.append(record | ({"to": choice} if record["decision"] == "relabel" else {}))
    path = nights.out.parent / "decisions.json"
    path.write_text(json.dumps({
        "format": FORMAT, "format_version": FORMAT_VERSION, "name": audit.name, "run": audit.run.id,
        "root": audit.root, "exported_at": "", "decisions": listed,
    }))  # fmt: skip
    return apply_decisions(path, Request(), given={"out": nights.out})


def found(audit):
    return {(each.rule, each.file, each.related) for each in audit.findings}


def test_decided_images_are_gone_from_the_findings_and_nothing_else_changed(nights):
    before = night(nights)
    wrong = {each.file for each in before.findings if each.rule == "label_issue"}
    decided(nights, before, **{WRONG[0]: "keep", WRONG[1]: "dog", WRONG[2]: "remove"})

    after = night(nights)

    assert wrong >= set(WRONG)
    assert found(after) == {each for each in found(before) if each[1] not in WRONG}
    assert reasons(after)["kept in review"] == sum(each.file == WRONG[0] for each in before.findings)
    assert any(note.startswith("2 findings on 1 image left out: people kept it in review") for note in after.notes)


def test_it_stays_so_the_next_night_without_judging_again(nights):
    decided(nights, night(nights), **{WRONG[0]: "keep"})
    after = night(nights)

    again = night(nights)

    assert found(again) == found(after)
    assert counts(again) == (0, len(after.findings), 0)


def test_undo_has_them_listed_again(nights):
    before = night(nights)
    decided(nights, before, **{WRONG[0]: "keep", WRONG[1]: "dog"})
    night(nights)

    undo(Home(nights.out, "pets"), None)

    assert found(night(nights)) == found(before)


def test_an_image_that_changes_is_listed_again(nights):
    decided(nights, night(nights), **{WRONG[0]: "keep"})
    nights.place(WRONG[0], RED, 900)

    assert ("label_issue", WRONG[0], ()) in found(night(nights))


def test_a_kept_image_is_kept_wherever_its_file_lies(nights):
    decided(nights, night(nights), **{WRONG[0]: "keep"})
    nights.move(WRONG[0], "cat/renamed.png")

    assert not any(each[1] == "cat/renamed.png" for each in found(night(nights)))


def test_copies_that_were_kept_are_left_out_until_there_is_another_one(nights):
    before = night(nights)
    (copies,) = (each for each in before.findings if each.rule == "exact_duplicate")
    decided(nights, before, **{copies.file: "keep"})
    assert not any(each[0] == "exact_duplicate" for each in found(night(nights)))

    nights.place("cat/copy-2.png", GREY, 0)

    assert any(each[0] == "exact_duplicate" for each in found(night(nights)))


def test_gates_do_not_see_them(nights):
    audit = night(nights, fail_on=("label_issue > 0",))
    assert audit.exit_code == 1
    flagged = [each.file for each in audit.findings if each.rule == "label_issue"]
    decided(nights, audit, **dict.fromkeys(flagged, "keep"))

    assert night(nights, fail_on=("label_issue > 0",)).exit_code == 0


def test_an_acceptance_of_a_kept_image_is_not_called_stale(nights, tmp_path):
    audit = night(nights)
    (first, *_) = (each for each in audit.findings if each.file == WRONG[0])
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(f'[[accepted]]\nfinding = "{first.id}"\nreason = "It is one."\n')
    decided(nights, audit, **{WRONG[0]: "keep"})

    assert not any("stale" in note for note in night(nights, accepted=accepted).notes)


def test_a_file_of_kept_images_that_cannot_be_read_is_said_and_stops_nothing(nights):
    before = night(nights)
    Home(nights.out, "pets").kept.mkdir(parents=True)

    after = night(nights)

    assert found(after) == found(before)
    assert any("kept.jsonl cannot be read" in note for note in after.notes)


IMAGE = KeptImage("ab" * 32, "cat", ("label_issue",), ("0a",), "cat/1.jpg")


@pytest.mark.parametrize("damage", [
    b"\xff\xfe", b"{", b"[" * 5000, b"null", b"3", b'{"content": 3}', b'{"taken_back": ["x"]}',
    b'{"content": "ab", "journal": "x", "label": {}, "rules": [], "findings": []}',
])  # fmt: skip
def test_damaged_lines_are_counted_and_the_others_hold(tmp_path, damage):
    home = Home(tmp_path, "pets")
    home.folder.mkdir(parents=True)
    home.kept.write_bytes(damage + b"\n")
    add_kept(home, [IMAGE], "1")

    kept = read_kept(tmp_path, "pets")

    assert kept.rules == {(IMAGE.content, "cat"): frozenset({"label_issue"})}
    assert kept.notes == (f"1 line of {home.kept} cannot be read and does not count: 1.",)


def test_half_a_line_does_not_spoil_the_next_one(tmp_path):
    home = Home(tmp_path, "pets")
    home.folder.mkdir(parents=True)
    home.kept.write_bytes(b'{"content": "ab')
    add_kept(home, [IMAGE], "1")

    assert read_kept(tmp_path, "pets").rules


def test_only_what_one_journal_kept_is_taken_back(tmp_path):
    home = Home(tmp_path, "pets")
    home.folder.mkdir(parents=True)
    add_kept(home, [IMAGE], "1")
    add_kept(home, [replace(IMAGE, label="dog")], "2")

    take_back(home, "1")
    take_back(home, "1")

    assert list(read_kept(tmp_path, "pets").rules) == [(IMAGE.content, "dog")]
    assert home.kept.read_text().count("taken_back") == 1


def test_a_group_is_left_out_where_each_of_its_images_was_kept(tmp_path):
    home = Home(tmp_path, "pets")
    home.folder.mkdir(parents=True)
    other = replace(IMAGE, content="cd" * 32, rules=("near_duplicate",))
    add_kept(home, [replace(IMAGE, rules=("near_duplicate",)), other], "1")
    group = Finding("ff", "near_duplicate", "low", "cat/1.jpg", None, ("cat/2.jpg",), "cat", None, 0.1, None, None, "")
    images = {"cat/1.jpg": (IMAGE.content, "cat"), "cat/2.jpg": (other.content, "cat"), "cat/3.jpg": ("ef" * 32, "cat")}
    kept = read_kept(tmp_path, "pets")

    assert kept.leave_out([group], images).kept == ("ff",)
    assert kept.leave_out([replace(group, related=("cat/2.jpg", "cat/3.jpg"))], images).kept == ()
    assert kept.leave_out([replace(group, file=None)], images).kept == ()


def test_whoever_judged_a_label_has_judged_it_for_every_rule_about_labels():
    assert label_rules() >= {"label_issue", "model_disagrees", "low_confidence", "conflicting_labels"}
    assert "outlier" not in label_rules()
