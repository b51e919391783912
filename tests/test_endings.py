"""How commands end when something is wrong: exit codes, the line on stderr, and what a stream cannot carry."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import draw_photo, place_image

REPOSITORY = Path(__file__).parents[1]
AUDITOR = (sys.executable, "-m", "auditor")


def run_with(fault, *arguments, **options):
    """Runs `auditor` where every command that lists models meets this exception."""
    code = (
        "import errno, sys; from auditor import cli; from auditor.backends import catalogue\n"
        f"def fail(*_): raise {fault}\n"
        "catalogue.list_models = fail; sys.argv[0] = 'auditor'; cli.main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("fault", ["KeyError('a\\nb')", "EOFError()", "RecursionError('deep')", "OSError(5, 'bus')"])
def test_an_unexpected_exception_is_one_line_a_file_and_exit_code_70(fault, tmp_path):
    done = run_with(fault, "models", env={**os.environ, "TMPDIR": str(tmp_path)})
    (saved,) = tmp_path.iterdir()

    assert done.returncode == 70
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"unexpected {fault.partition('(')[0]}" in done.stderr
    assert f"Please report it, with {saved}" in done.stderr
    assert saved.stat().st_mode & 0o077 == 0
    assert re.search(r"\$ auditor models\n\nTraceback .*in fail", saved.read_text(), re.DOTALL)


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "ftp"])
def test_a_saved_traceback_holds_no_secret_of_a_web_address(scheme, tmp_path):
    address = f"{scheme}://user:s3cret@host/s3cret?token='s3cret s3cret"

    run_with("ValueError('a')", "models", "--folder", address, env={**os.environ, "TMPDIR": str(tmp_path)})

    (saved,) = tmp_path.iterdir()
    text = saved.read_text(encoding="utf-8")
    assert f"$ auditor models --folder '{scheme.lower()}://host/\u2026'\n" in text
    assert "s3cret" not in text


def test_no_traceback_replaces_another(tmp_path):
    for _ in range(2):
        run_with("ValueError('a')", "models", env={**os.environ, "TMPDIR": str(tmp_path)})

    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("arguments", [("--debug", "models"), ("models", "--debug")])
def test_debug_prints_the_traceback_and_saves_none(arguments, tmp_path):
    done = run_with("ValueError('a')", *arguments, env={**os.environ, "TMPDIR": str(tmp_path)})

    assert done.returncode == 70
    assert "Traceback" in done.stderr and "in fail" in done.stderr
    assert not list(tmp_path.iterdir())


def test_debug_behind_two_dashes_is_a_name():
    done = subprocess.run([*AUDITOR, "scan", "--", "--debug"], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert done.stderr.startswith("auditor: --debug")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fault", "code", "complaint"),
    [
        ("MemoryError('9 GiB')", 3, "not enough memory (MemoryError: 9 GiB)"),
        ("OSError(errno.ENOSPC, 'full', '/data/x')", 3, "the disk of /data/x is full"),
        ("OSError(errno.EDQUOT, 'quota')", 3, "the disk is full"),
        ("KeyboardInterrupt()", 3, "interrupted"),
        ("PermissionError(errno.EACCES, 'Permission denied', '/x')", 2, "/x cannot be used: Permission denied"),
        ("OSError(errno.ENAMETOOLONG, 'File name too long', 'aaa')", 2, "aaa cannot be used: File name too long"),
    ],
)
def test_what_is_no_fault_of_auditor_has_its_own_exit_code(fault, code, complaint, tmp_path):
    done = run_with(fault, "models", env={**os.environ, "TMPDIR": str(tmp_path)})

    assert done.returncode == code
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_an_interruption_is_one_whatever_exception_a_library_makes_of_it(tmp_path):
    code = (
        "import os, signal; from auditor import cli; from auditor.backends import catalogue\n"
        "def fail(*_):\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except KeyboardInterrupt: raise ImportError('initialization failed') from None\n"
        "catalogue.list_models = fail; cli.main()"
    )
    command = [sys.executable, "-c", code, "models"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "TMPDIR": str(tmp_path)}
    )

    assert (done.returncode, done.stderr) == (3, "auditor: interrupted by SIGTERM; no report was written\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix shell")
@pytest.mark.parametrize(
    ("redirected", "code", "complaint"),
    [
        ("| head -c 0", 141, ""),
        ("> /dev/full", 3, "stdout cannot be written (No space left on device)"),
        ("1< /dev/null", 3, "stdout cannot be written (Bad file descriptor)"),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">&- 2>&-", 0, ""),
    ],
)
def test_streams_that_are_full_closed_or_no_longer_read(redirected, code, complaint, tmp_path):
    before, pipe, after = redirected.partition("|")
    shell = f"{' '.join(AUDITOR)} models {before}{pipe}{after}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(REPOSITORY)})  # fmt: skip

    assert done.returncode == code
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == bool(complaint)


NAMES = ("Löwe", "猫", "\N{DOG FACE}", "odd\udcff")
ASCII = {"PYTHONIOENCODING": "ascii:strict"}


def say(*texts, **environment):
    """What the streams of the command line make of texts."""
    code = (
        "import json, sys; from auditor import cli\nfrom auditor.commands.printing import echo\n"
        f"cli._open_streams(); names = {texts!a}\n"
        "echo(*names[:1]); print(*names, file=sys.stderr); echo(json.dumps(names, ensure_ascii=False))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        (ASCII, "ascii"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
        ({"PYTHONIOENCODING": "latin-1:strict"}, "latin-1"),
        ({"PYTHONIOENCODING": "utf-8"}, "utf-8"),
        ({"PYTHONIOENCODING": "utf-16"}, "utf-16"),
        ({"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
    ],
)
def test_every_stream_carries_every_text_and_json_stays_json(environment, encoding):
    done = say(*NAMES, **environment)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding).splitlines()[1]) == list(NAMES)
    assert "\\udcff" in done.stderr.decode(encoding)


def test_what_an_ascii_stream_cannot_carry_is_escaped():
    assert say("Löwe 猫 \N{DOG FACE}", **ASCII).stdout.splitlines()[0] == rb"L\u00f6we \u732b \ud83d\udc36"


def test_a_split_ends_as_ever_where_stdout_is_ascii(tmp_path):
    for number in range(3):
        place_image(draw_photo(number), tmp_path / "Löwen 猫" / "rot" / f"{number}.jpg")
        place_image(draw_photo(20 + number), tmp_path / "Löwen 猫" / "blå" / f"{number}.jpg")
    done = subprocess.run(
        [*AUDITOR, "split", tmp_path / "Löwen 猫"], capture_output=True, timeout=60, env={**os.environ, **ASCII}
    )

    assert done.returncode == 0, done.stderr
    assert rb"bl\u00e5" in done.stdout
    assert done.stdout.splitlines()[-1] == os.fsencode(tmp_path / r"L\u00f6wen \u732b-split.csv")
