"""Findings that people accepted: the file, what it matches, and how it grows."""

import tomllib
from datetime import date

import pytest

from auditor.errors import InputError
from auditor.gates import Entry, accept, read_accepted
from auditor.gates.accepted import check_rules
from auditor.gates.appending import append
from tests.gates.made import HOSTILE, found

TODAY = date(2026, 6, 1)
ID = "0a1b2c3d4e5f6071"
SHA = "ab" * 32


@pytest.fixture
def file(tmp_path):
    """Writes the file of accepted findings, and returns its path."""

    def write(text):
        path = tmp_path / "accepted.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def marked(findings, *entries, contents=None):
    """Status of each finding, and the notes."""
    done, notes = accept(findings, entries, contents or {}, TODAY, "accepted.toml")
    return [finding.status for finding in done], list(notes)


def test_an_entry_is_read_as_it_was_written(file):
    path = file(
        f"# ours\n[[accepted]]\nfinding = '{ID}'\nreason = 'a lynx'\nauthor = 'Ada'\nexpires = 2026-12-31\n"
        "[[accepted]]\ncontent = 'abababab'\nrule = 'blurry'\nreason = 'fog'\n"
        "[[accepted]]\nfile = 'cat/1.jpg'\nrule = 'blurry'\nreason = 'fog'\n"
    )

    assert read_accepted(path) == (
        Entry("finding", ID, None, "a lynx", "Ada", date(2026, 12, 31)),
        Entry("content", "abababab", "blurry", "fog"),
        Entry("file", "cat/1.jpg", "blurry", "fog"),
    )


def test_an_empty_file_accepts_nothing(file):
    assert read_accepted(file("# nothing yet\n")) == ()
    assert read_accepted(file(b"\xef\xbb\xbf")) == ()


def test_a_finding_is_accepted_by_its_id_wherever_its_file_lies():
    entry = Entry("finding", ID, None, "a lynx")

    assert marked([found(id=ID), found(id=ID, file="dog/moved.jpg"), found()], entry) == (
        ["accepted", "accepted", "new"], [],
    )  # fmt: skip


def test_a_content_or_a_file_is_accepted_for_one_rule():
    findings = [found("blurry"), found("label_issue"), found("blurry", "cat/2.jpg"), found("blurry", None)]
    contents = {"cat/1.jpg": SHA, "cat/2.jpg": "cd" * 32}

    by_content = marked(findings, Entry("content", "abababab", "blurry", "fog"), contents=contents)
    by_file = marked(findings, Entry("file", "cat/2.jpg", "blurry", "fog"), contents=contents)

    assert by_content == (["accepted", "new", "new", "new"], [])
    assert by_file == (["new", "new", "accepted", "new"], [])


def test_it_holds_until_the_end_of_its_last_day():
    def until(day):
        return marked([found(id=ID)], Entry("finding", ID, None, "a lynx", expires=day))

    assert until(TODAY) == (["accepted"], [])
    statuses, notes = until(date(2026, 5, 31))
    assert statuses == ["new"]
    assert notes == [
        f"1 acceptance has expired in accepted.toml, so the findings count again: finding {ID} (2026-05-31)."
    ]


def test_an_entry_that_still_holds_outweighs_one_that_expired():
    old = Entry("finding", ID, None, "a lynx", expires=date(2026, 5, 31))

    assert marked([found(id=ID)], old, Entry("finding", ID, None, "still a lynx"))[0] == ["accepted"]


def test_what_matches_nothing_is_named_as_stale():
    entries = [Entry("file", f"cat/{number}.jpg", "dark", "night") for number in range(7)]

    _, notes = marked([found()], *entries)

    assert notes == [
        "7 entries of accepted.toml matched no finding and may be stale: dark on cat/0.jpg, dark on cat/1.jpg, "
        "dark on cat/2.jpg, dark on cat/3.jpg, dark on cat/4.jpg and 2 more."
    ]


def test_an_entry_for_a_rule_that_judged_nothing_is_not_called_stale():
    entries = [Entry("file", "cat/1.jpg", "dark", "night"), Entry("file", "cat/2.jpg", "outlier", "a lynx")]

    _, notes = accept([], entries, {}, TODAY, "accepted.toml", judged={"dark"})

    assert notes == ("1 entry of accepted.toml matched no finding and may be stale: dark on cat/1.jpg.",)


def test_the_id_of_a_finding_is_not_called_stale_where_its_rule_may_not_have_run():
    entries = [Entry("finding", ID, None, "a lynx"), Entry("file", "cat/1.jpg", "dark", "night")]

    _, notes = accept([], entries, {}, TODAY, "accepted.toml", judged={"dark"}, every_rule=False)

    assert notes == ("1 entry of accepted.toml matched no finding and may be stale: dark on cat/1.jpg.",)
    assert len(accept([], entries[:1], {}, TODAY, "accepted.toml", judged={"dark"})[1]) == 1


def test_an_entry_for_a_rule_that_is_not_there_is_an_error():
    entries = [Entry("file", "cat/1.jpg", "dark", "night"), Entry("file", "cat/2.jpg", "blury", "fog")]

    with pytest.raises(InputError, match=r"a\.toml: entry 2 is for the rule 'blury', .* \(did you mean blurry\?\)"):
        check_rules(entries, ("blurry", "dark"), "a.toml")


def test_digits_of_a_sha256_may_be_upper_case(file):
    entries = read_accepted(file(f"[[accepted]]\ncontent = '{SHA.upper()}'\nrule = 'dark'\nreason = 'x'"))

    assert entries[0].value == SHA


def test_accepted_outweighs_known():
    assert marked([found(id=ID, status="persisting")], Entry("finding", ID, None, "a lynx"))[0] == ["accepted"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[accepted]]\nreason = 'x'", "entry 1 names none of them; expected exactly one of finding, content, file"),
        (f"[[accepted]]\nfinding = '{ID}'\nfile = 'a'\nreason = 'x'", "names finding and file; expected exactly one"),
        (f"[[accepted]]\nfinding = '{ID}'", "entry 1 gives no reason"),
        (f"[[accepted]]\nfinding = '{ID}'\nreason = ' '", "reason is ' '; expected text"),
        (f"[[accepted]]\nfinding = '{ID}'\nreason = 'x'\nrule = 'dark'", "which the id of a finding settles"),
        ("[[accepted]]\nfile = 'a'\nreason = 'x'", "no rule beside its file"),
        ("[[accepted]]\nfinding = 'XYZ'\nreason = 'x'", "finding is 'XYZ'; expected 16 hexadecimal digits"),
        ("[[accepted]]\ncontent = 'abc'\nrule = 'dark'\nreason = 'x'", "content is 'abc'; expected 8 to 64"),
        ("[[accepted]]\nfile = 3\nrule = 'dark'\nreason = 'x'", "file is 3; expected text"),
        (f"[[accepted]]\nfinding = '{ID}'\nreasn = 'x'", r"no use for 'reasn' \(did you mean reason\?\)"),
        (f"[[accepted]]\nfinding = '{ID}'\nreason = 'x'\nexpires = '2026-01-01'", "expected a date alone"),
        (f"[[accepted]]\nfinding = '{ID}'\nreason = 'x'\nexpires = 2026-01-01T00:00:00", "is 2026-01-01 00:00:00; "),
        ("[accepted]\nfinding = 'x'", r"expected entries that begin with \[\[accepted\]\]"),
        ("accepted = [1]", r"expected entries that begin with \[\[accepted\]\]"),
        ("[scan]", "no use for 'scan'"),
        ("[[accepted]", "cannot be read as TOML"),
        (b"reason = '\xff'", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_an_entry_is_answered_with_what_can(text, complaint, file):
    with pytest.raises(InputError, match=rf"accepted\.toml.*{complaint}"):
        read_accepted(file(text))


def test_a_file_that_is_not_there_is_an_error_where_it_was_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml cannot be read"):
        read_accepted(tmp_path / "nowhere.toml")


# --- the file grows ---------------------------------------------------------------------------------------------------


def test_the_first_entry_makes_the_file(tmp_path):
    path = tmp_path / "new" / "accepted.toml"
    entry = Entry("finding", ID, None, "a lynx", "Ada", date(2026, 12, 31))

    append(path, [(entry, "label_issue on cat/1.jpg")])

    assert read_accepted(path) == (entry,)
    assert "# label_issue on cat/1.jpg\n" in path.read_text()


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False], ids=["last-line-ends", "last-line-open"])
def test_what_is_there_stays_byte_for_byte(ending, mark, last, file):
    old = ending.join(["# reviewed by Ada", "[[accepted]]", f'finding = "{ID}"   # a lynx', "reason = 'x'"])
    path = file(mark + (old + ending * last).encode())
    before = path.read_bytes()

    append(path, [(Entry("file", "cat/2.jpg", "dark", "night"), "")])

    assert path.read_bytes().startswith(before)
    added = path.read_bytes()[len(before) :]
    assert added.count(b"\n") == added.count(ending.encode())
    assert [entry.value for entry in read_accepted(path)] == [ID, "cat/2.jpg"]


@pytest.mark.parametrize(
    "hostile", [HOSTILE, 'a"\nfinding = "b', "tab\tand\x7fand\x00", "\\u0041 \U0001f408", "\udcff"]
)
def test_no_text_gets_out_of_its_string(hostile, tmp_path):
    path = tmp_path / "accepted.toml"

    append(path, [(Entry("file", "cat/1.jpg", "dark", hostile, hostile), f"dark on {hostile}")])
    append(path, [(Entry("finding", ID, None, "x"), "")])

    first, second = tomllib.loads(path.read_text(encoding="utf-8"))["accepted"]
    assert set(first) == {"file", "rule", "reason", "author"}
    assert second == {"finding": ID, "reason": "x"}
    if hostile.isprintable():
        assert first["reason"] == first["author"] == hostile


def test_a_file_that_cannot_be_read_is_left_alone(file):
    for text in ("[[accepted]", "[[accepted]]\nfile = 'a'", "accepted = []"):
        path = file(text)

        with pytest.raises(InputError):
            append(path, [(Entry("finding", ID, None, "x"), "")])
        assert path.read_text() == text


def test_permissions_and_links_stay(file, tmp_path):
    path = file("")
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)

    append(link, [(Entry("finding", ID, None, "x"), "")])

    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(read_accepted(path)) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["accepted.toml", "link.toml"]
