"""Seven nights with known changes: what is new, what persists, what is resolved, and why."""

import pytest

from auditor.store.nights import intervals_of, nights_of
from tests.backends.fake import FakeBackend
from tests.history.nights import BROKEN, counts, reasons
from tests.pictures import GREY, RED

BLACK, DARK = (-255, -255, -255), (-58, -60, -60)


@pytest.fixture
def faulty(nights):
    """An image that cannot be read, and a black one."""
    (nights.data / "cat" / "broken.png").write_bytes(BROKEN)
    nights.place("cat/black.png", BLACK)
    return nights


def test_seven_nights_tell_what_happened(faulty):
    data, night = faulty.data, faulty.night
    faulty.place("cat/planted.png", DARK, 500)
    told = [night()]

    told.append(night())                                 # 2: nothing happened

    faulty.move("cat/broken.png", "cat/a.png")                  # 3: names do not matter
    faulty.move("cat/planted.png", "cat/z.png")
    told.append(night())

    (data / "cat" / "a.png").unlink()                           # 4
    (data / "cat" / "copy.png").write_bytes((data / "cat" / "00.png").read_bytes())
    told.append(night())

    faulty.move("cat/z.png", "dog/z.png")                       # 5: another label, another finding
    told.append(night())

    faulty.place("cat/black.png", GREY, 700)                    # 6: taken again; broken files come back
    (data / "dog" / "broken.png").write_bytes(b"something else")
    (data / "cat" / "broken.png").write_bytes(BROKEN)
    told.append(night())

    faulty.move("dog/z.png", "cat/z.png")                       # 7: the first label again
    (data / "cat" / "copy.png").unlink()
    told.append(night())

    assert [counts(audit) for audit in told] == [
        (3, 0, 0), (0, 3, 0), (0, 3, 0), (1, 2, 1), (1, 2, 1), (2, 2, 1), (1, 2, 2)
    ]  # fmt: skip
    assert [reasons(audit) for audit in told[1:]] == [
        {}, {}, {"file gone": 1}, {"label changed": 1}, {"content changed": 1},
        {"file gone": 1, "label changed": 1},
    ]  # fmt: skip
    kept = nights_of(faulty.out, told[0].name)
    assert [(night.new, night.persisting, night.resolved) for night in kept] == [counts(audit) for audit in told]
    assert [sum(each.findings for each in night.counts) for night in kept] == [len(audit.findings) for audit in told]


def test_a_wrong_label_that_is_put_right_is_resolved(nights):
    nights.place("cat/planted.png", RED, 500)
    first = nights.night(FakeBackend(), rules="label_issue")
    nights.move("cat/planted.png", "dog/planted.png")
    second = nights.night(FakeBackend(), rules="label_issue")

    assert counts(first) == (1, 0, 0)
    assert counts(second) == (0, 0, 1) and reasons(second) == {"label changed": 1}


def test_findings_are_kept_as_intervals(faulty):
    name = faulty.night().name
    faulty.night()
    (faulty.data / "cat" / "broken.png").unlink()
    faulty.night()
    (faulty.data / "cat" / "broken.png").write_bytes(BROKEN)
    faulty.night()

    found = [(each.rule, each.first, each.last, each.ended) for each in intervals_of(faulty.out, name)]

    assert found == [
        ("dark", "night-1", "night-4", None),
        ("unreadable", "night-1", "night-2", "night-3"),
        ("unreadable", "night-4", "night-4", None),
    ]


def test_a_rule_that_did_not_run_resolves_nothing(faulty):
    faulty.night()

    restricted = faulty.night(rules="dark")
    whole = faulty.night()

    assert counts(restricted) == (0, 1, 0)
    assert counts(whole) == (0, 2, 0)


def test_a_run_that_was_not_published_is_no_night(faulty):
    faulty.scan()

    assert counts(faulty.night()) == (2, 0, 0)


def test_an_image_that_cannot_be_read_tonight_keeps_its_findings_open(faulty, monkeypatch):
    faulty.night()
    from auditor.data.sample import LocalFiles

    def read(self, where):
        if where.endswith("black.png"):
            raise PermissionError(13, "Permission denied")
        return original(self, where)

    original = LocalFiles.read_bytes
    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "read_bytes", read)
        hidden = faulty.night(verify=True)
    after = faulty.night()

    assert [finding.rule for finding in hidden.findings if finding.file == "cat/black.png"] == ["unreadable"]
    assert counts(hidden) == (1, 1, 0)
    assert hidden.addition(type(hidden.additions[-1])).unseen == 1
    assert counts(after) == (0, 2, 1)                           # the black one is persisting, and readable again


def test_only_what_is_new_fails_a_gate(faulty):
    first = faulty.night(fail_on=("new > 0",))
    second = faulty.night(fail_on=("new > 0",))
    faulty.place("dog/planted.png", BLACK, 501)
    third = faulty.night(fail_on=("new > 0",))

    assert [audit.exit_code for audit in (first, second, third)] == [1, 0, 1]
    assert third.gate.results[0].files == ("dog/planted.png",)
    assert [night.gate for night in nights_of(faulty.out, first.name)] == [False, True, False]


def test_an_accepted_finding_is_accepted_and_not_news(faulty, tmp_path):
    finding = next(each.id for each in faulty.night().findings if each.rule == "dark")
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(f'[[accepted]]\nfinding = "{finding}"\nreason = "night"\n')

    tonight = faulty.night(accepted=accepted)
    again = faulty.night(accepted=accepted)

    for audit in (tonight, again):
        assert audit.statuses() == {"new": 0, "persisting": 1, "accepted": 1}


def test_an_unchanged_folder_is_not_judged_again(faulty, monkeypatch):
    first = faulty.night()
    monkeypatch.setattr("auditor.scanning.scan.judge", None)    # whoever asks for it fails

    second, third = faulty.night(), faulty.night()

    assert [each.id for each in second.findings] == [each.id for each in first.findings]
    assert counts(second) == counts(third) == (0, 2, 0)


def test_two_data_sets_have_their_own_past(faulty):
    faulty.night(name="one")

    assert counts(faulty.night(name="other")) == (2, 0, 0)
    assert len(nights_of(faulty.out, "one")) == 1


