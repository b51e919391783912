"""The command as users meet it: files written, exit codes, what goes to stdout and what to stderr."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from auditor.cli import app

REPOSITORY = Path(__file__).parents[1]


def auditor(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from tests.pictures import draw_photo, place_image

    folder = tmp_path_factory.mktemp("pets") / "data" / "train"
    for number in range(6):
        place_image(draw_photo(number), folder / "Cats" / f"{number}.jpg")
        place_image(draw_photo(20 + number), folder / "Dogs" / f"{number}.jpg")
    (folder / "Cats" / "broken.jpg").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def done(data):
    return auditor("scan", data, "--out", data.parents[1] / "reports")


def test_a_scan_ends_with_the_path_of_its_report(done, data):
    assert done.returncode == 0, done.stderr
    report = Path(done.stdout.splitlines()[-1])
    assert report.is_file()
    assert report.parent == data.parents[1] / "reports" / "data-train" / "latest"
    assert sorted(path.name for path in report.parent.iterdir()) == [
        "findings.jsonl", "index.html", "predictions.parquet", "summary.json",
    ]  # fmt: skip


def test_nothing_goes_to_stderr_when_it_is_no_terminal(done):
    assert done.stderr == ""


def test_json_prints_the_summary_and_nothing_else(data, tmp_path):
    done = auditor("scan", data, "--out", tmp_path, "--json", "--name", "mine")

    summary = json.loads(done.stdout)
    assert summary == json.loads((tmp_path / "mine" / "latest" / "summary.json").read_text())
    assert summary["findings"]["unreadable"] == 1
    assert summary["dataset"]["classes"] == {"Cats": 7, "Dogs": 6}
    assert summary["model"]["matched"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("scan", "nowhere"), "nowhere"),
        (("scan", ".", "--model", "nowhere.onnx"), "nowhere.onnx"),
        (("scan", ".", "--device", "tpu"), "tpu"),
        (("scan",), "scan needs a folder of class folders, a CSV manifest or TFRecords: `auditor scan DATA`"),
        (("scan", ""), "scan needs"),
        (("scan", ".", "--no-such-option"), "No such option"),
    ],
)
def test_wrong_input_is_one_line_on_stderr_and_exit_code_2(arguments, complaint, data):
    done = auditor(*arguments, cwd=data)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_cuda_that_is_not_there_is_an_error(data, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    done = auditor("scan", data, "--device", "cuda", "--out", tmp_path)

    assert done.returncode == 2
    assert "cuda" in done.stderr.lower()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "module", "step"),
    [
        (signal.SIGINT, "images.reader", "decode"), (signal.SIGTERM, "images.reader", "decode"),
        (signal.SIGTERM, "scanning.scan", "judge"),
    ],
)  # fmt: skip
def test_an_interrupted_scan_exits_with_3_and_publishes_nothing(data, tmp_path, number, module, step):
    # The signal comes while an image is being read, or judged: at a moment of the test's choosing.
    code = (
        f"import os, sys; from auditor import cli; from auditor.{module} import {step}; import auditor.{module} as at\n"
        "once = iter([True])                    # a second signal would end it at once\n"
        f"at.{step} = lambda *_, **__: next(once, False) and os.kill(os.getpid(), {int(number)})\n"
        f"sys.argv = ['auditor', 'scan', {str(data)!r}, '--out', {str(tmp_path / 'reports')!r}]\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert done.returncode == 3, done.stderr
    assert f"interrupted by {number.name}; no report was written, but what was found out is kept." in done.stderr
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["store"]        # what it can go on with


def commands():
    """Name -> command of every command, those of groups as `models card`."""
    def listed(group, *above):
        for name, each in group.commands.items():
            if not hasattr(each, "commands") or each.invoke_without_command:
                yield " ".join((*above, name)), each
            if hasattr(each, "commands"):
                yield from listed(each, *above, name)

    return dict(listed(typer.main.get_command(app)))


def sections():
    """(heading, text) of every section of the README and of the pages that it links to; a section holds those below."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    linked = dict.fromkeys(re.findall(r"\]\((docs/[\w-]+\.md)", readme))
    for text in (readme, *((REPOSITORY / page).read_text(encoding="utf-8") for page in linked)):
        bare = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)    # comments there look like headings
        headings = list(re.finditer(r"^(#+) (.+)$", bare, flags=re.MULTILINE))
        for place, heading in enumerate(headings):
            after = (each.start() for each in headings[place + 1 :] if len(each[1]) <= len(heading[1]))
            yield heading[2], bare[heading.start() : next(after, len(bare))]


@pytest.mark.parametrize("name", commands())
def test_every_option_is_documented_in_the_section_of_its_command(name):
    named = re.compile(rf"`auditor {name}( [A-Z]+)*`")
    section = "".join(text for heading, text in sections() if named.search(heading))
    written = set(re.findall(r"--[a-z][a-z0-9-]+", section))

    options = {flag for each in commands()[name].params for flag in (*each.opts, *each.secondary_opts)}
    assert section
    assert {flag for flag in options if flag.startswith("--")} - {"--help"} <= written


@pytest.mark.parametrize("command", [("scan",), ("evaluate", "net"), ("train", "--out", "models/x")])
def test_a_number_out_of_range_is_refused_before_any_work(command, tmp_path):
    done = auditor(*command, "nowhere", "--threads", "-1", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr == "auditor: --threads is -1; expected a whole number from 1 to 4096\n"
    assert not list(tmp_path.iterdir())


def test_the_version_is_the_packages():
    import auditor as package

    assert auditor("--version").stdout.strip() == package.__version__
