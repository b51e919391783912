"""What the terminal says when a scan has ended."""

import os
import pty
import subprocess
import sys

import pytest

from auditor.audit import Gate
from auditor.commands.printing import knows_links
from auditor.gates import ImageCounts, evaluate, parse_limits
from auditor.outputs.terminal import WORST, as_text
from auditor.report.audit.headline import verdict
from tests.gates.made import HOSTILE, RULES, audited, found

IMAGES = ImageCounts.of([("cat", True)] * 10)
SOUND = {"ok": 10, "failed": 0, "skipped": 0}


def said(audit, columns=None):
    return "\n".join(as_text(audit, columns))


def test_it_begins_with_the_sentence_of_the_report():
    findings = [found(file=f"cat/{place}.jpg", suggested="dog") for place in range(3)]

    assert said(audited(*findings)).startswith("3 of 10 images carry a label that is probably wrong.")


def test_the_rules_that_found_something_are_counted_and_the_others_left_out():
    text = said(audited(found(), found("blurry", "cat/2.jpg"), found("blurry", "cat/3.jpg")))

    assert "  1  Label_Issue  label_issue\n  2  Blurry       blurry\n" in text
    assert "unreadable" not in text.partition("worst")[0]


def test_the_worst_files_come_with_label_suggestion_and_rules():
    wrong = [found(file=f"cat/{place}.jpg", suggested="dog") for place in range(2)]
    dull = [found("blurry", "dog/7.jpg", severity="low"), found("blurry", "dog/8.jpg"), found("blurry", "cat/0.jpg")]

    text = said(audited(*wrong, *dull))

    assert "The 4 worst files:\n" in text
    assert text.splitlines()[-4:] == [
        "  cat/0.jpg  cat -> dog  Label_Issue and Blurry",
        "  cat/1.jpg  cat -> dog  Label_Issue",
        "  dog/8.jpg  dog         Blurry",
        "  dog/7.jpg  dog         Blurry",
    ]


def test_only_the_first_few_are_named_and_what_was_accepted_is_not():
    findings = [found(file=f"cat/{place}.jpg") for place in range(WORST + 1)]
    text = said(audited(found(file="cat/kept.jpg", status="accepted"), *findings))

    assert f"The {WORST} worst files" in text
    assert "kept" not in text and f"cat/{WORST}.jpg" not in text


def test_a_narrow_terminal_gets_two_lines_and_loses_nothing():
    deep = f"cat/{'deep/' * 12}1.jpg"
    text = said(audited(found(file=deep, suggested="dog")), columns=40)

    assert text.splitlines()[-2:] == [f"  {deep}", "    cat -> dog  Label_Issue"]


def test_wide_characters_keep_the_columns():
    text = said(audited(found(file="猫/1.jpg", suggested="dog"), found(file="cat/12.jpg", suggested="dog")))

    assert text.splitlines()[-2:] == [
        "  猫/1.jpg    猫 -> dog   Label_Issue", "  cat/12.jpg  cat -> dog  Label_Issue",
    ]  # fmt: skip


def test_a_scan_without_findings_says_so_in_a_sentence():
    audit = audited(outcomes=SOUND)

    (line,) = as_text(audit)
    assert line.startswith(verdict(audit).sentence)
    assert "looked at every image and found nothing" in line


@pytest.mark.parametrize("name", [HOSTILE, "a\x1b[31m\n\u202eb.jpg", "cat/odd\udcff.jpg"])
def test_no_name_speaks_to_the_terminal(name):
    lines = list(as_text(audited(found(file=name, label=name, suggested=name), notes=(name,)), columns=30))

    assert all(line.isprintable() for line in lines)


def test_synsets_of_imagenet_read_as_their_names():
    text = said(audited(found(file="n02086240/1.jpg", label="n02086240", suggested="n02087394")))

    assert "  n02086240/1.jpg  Shih-Tzu -> Rhodesian ridgeback  " in text


def test_gates_and_notes_come_last():
    findings = [found()]
    gate = evaluate(parse_limits(["label_issue > 0", "blurry > 5%"], RULES, RULES), findings, IMAGES, RULES)
    assert isinstance(gate, Gate)

    assert said(audited(*findings, gate=gate, notes=("Two files are odd.",))).splitlines()[-3:] == [
        "gate FAILED  label_issue > 0: 1 finding",
        "gate passed  blurry > 5%: 0% (0 of 10 images)",
        "note: Two files are odd.",
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM_PROGRAM": "vscode"}, {"TERM": "xterm-kitty"}, {"VTE_VERSION": "6003"}, {"WT_SESSION": "1"},
        {"TERM": "foot-extra"}, {"FORCE_HYPERLINK": "1"},
    ],
)  # fmt: skip
def test_terminals_that_know_links(environment):
    assert knows_links(environment)
    assert not knows_links({**environment, "NO_COLOR": "1"})
    assert not knows_links({**environment, "TERM": "dumb"})
    assert not knows_links({**environment, "FORCE_HYPERLINK": "0"})


@pytest.mark.parametrize(
    "environment",
    [{}, {"TERM": "xterm-256color"}, {"TERM": "linux"}, {"VTE_VERSION": "4601"}, {"VTE_VERSION": "new"},
     {"TERM_PROGRAM": "Apple_Terminal"}, {"TERM": "xterm-kitty", "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}],
)  # fmt: skip
def test_terminals_that_know_none_or_cannot_open_the_file(environment):
    assert not knows_links(environment)


def printed(terminal, folder, **environment):
    """What a page's path looks like on a terminal, or in a pipe."""
    code = "from pathlib import Path; from auditor.commands import printing; printing.echo_page(Path('a b/index.html'))"
    ours, theirs = pty.openpty() if terminal else os.pipe()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    out = theirs
    subprocess.run([sys.executable, "-c", code], stdout=out, cwd=folder, env=environment, check=True, timeout=60)
    text = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    return text.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")
def test_the_page_is_a_link_on_such_a_terminal_and_a_plain_path_elsewhere(tmp_path):
    address = (tmp_path / "a b" / "index.html").as_uri()
    link = f"\x1b]8;;{address}\x1b\\a b/index.html\x1b]8;;\x1b\\"

    assert printed(True, tmp_path, TERM="xterm-kitty") == link
    assert printed(True, tmp_path, TERM="xterm") == "a b/index.html"
    assert printed(True, tmp_path, TERM="xterm-kitty", NO_COLOR="1") == "a b/index.html"
    assert printed(False, tmp_path, TERM="xterm-kitty") == "a b/index.html"
