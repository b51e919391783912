"""What a scan was asked to write and to tell beside its report."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import auditor
from auditor.cli import app
from auditor.errors import InputError
from auditor.outputs import FILES, FORMATS, GITHUB, OUTPUTS, chosen, write_outputs
from auditor.outputs.deliver import check_deliveries
from auditor.settings import Settings
from tests.backends.fake import FakeBackend
from tests.gates.made import audited, found

REPOSITORY = Path(__file__).parents[2]
NOBODY = "http://ada:s3cret@127.0.0.1:9/s3cret?token=s3cret"


@pytest.fixture
def pets(tmp_path, monkeypatch, draw, place):
    """Two images and a file that is none, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    place(draw(0), tmp_path / "pets" / "cat" / "0.png")
    place(draw(1), tmp_path / "pets" / "dog" / "1.png")
    (tmp_path / "pets" / "dog" / "2.png").write_bytes(b"")
    return tmp_path


def scan(*options):
    arguments = ("scan", "pets", "--no-model", "--rules", "unreadable", "--name", "pets", *options)
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(("written", "names"), [
    ((), ()), (("junit, sarif",), ("junit", "sarif")), (("junit", "github,junit", ""), ("junit", "github")),
])  # fmt: skip
def test_formats_are_named_in_one_text_or_in_several(written, names):
    assert chosen(written) == names


def test_a_format_that_is_not_there_is_an_error_with_those_that_are():
    with pytest.raises(InputError, match=r"'juint' is not there \(did you mean junit\?\); expected some of .*github"):
        chosen(["juint"])


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_writes_the_files_that_it_is_named_for(name, tmp_path):
    output = FORMATS[name]

    assert output.write(audited(found()), tmp_path) == tmp_path / output.name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(output.names)
    others = (*OUTPUTS, *(each for other, each in FORMATS.items() if other != name))
    assert not set(output.names) & {taken for each in others for taken in each.names}
    assert set(output.names) <= FILES           # pruning removes them


def test_only_what_was_asked_for_is_written_beside_the_report(audit, tmp_path):
    write_outputs(audit, tmp_path, ("sarif", GITHUB))

    assert {path.name for path in tmp_path.iterdir()} == {*(each.name for each in OUTPUTS), "findings.sarif"}


def test_the_manual_lists_every_format():
    text = (REPOSITORY / "docs" / "outputs.md").read_text(encoding="utf-8")

    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    listed = {name: tuple(re.findall(r"`([\w.-]+)`", files)) for name, files in rows.items()}
    assert {name: listed.get(name) for name in FORMATS} == {name: output.names for name, output in FORMATS.items()}
    assert GITHUB in listed
    options = {each.name: each.help for each in typer.main.get_command(app).commands["scan"].params[1:]}
    assert all(name in options["outputs"] for name in (*FORMATS, GITHUB))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"outputs": "pdf"}, "'pdf' is not there"),
        ({"prometheus": Path("a.txt")}, "does not end in .prom"),
        ({"webhook": "ftp://h/s3cret"}, r"--webhook ftp://h/\u2026 cannot be posted to"),
    ],
)
def test_what_cannot_be_delivered_is_said_before_the_work(setting, complaint):
    with pytest.raises(InputError, match=complaint):
        check_deliveries(Settings(data="pets", **setting))


def test_everybody_who_was_asked_for_is_told_and_a_deaf_webhook_fails_nothing(pets):
    done = scan("--format", "github", "--prometheus", "pets.prom", "--webhook", NOBODY)

    assert done.exit_code == 0
    assert "::error file=pets/dog/2.png,title=Cannot be read::" in done.output
    assert "was not taken by http://127.0.0.1/\u2026: Connection refused" in done.output
    assert 'auditor_findings{rule="unreadable",severity="high",dataset="pets"} 1' in (pets / "pets.prom").read_text()
    assert "auditor: <code>pets</code> done" in (pets / "step.md").read_text()


def test_with_json_on_stdout_nothing_else_is_there(pets):
    done = scan("--format", "github", "--json")

    assert json.loads(done.stdout)["dataset"]["name"] == "pets"
    assert "auditor:" in (pets / "step.md").read_text()


def test_no_report_holds_a_secret_of_the_webhook(pets):
    scan("--format", "junit,sarif,markdown,github", "--webhook", NOBODY, "--prometheus", "pets.prom")

    run = pets / "reports" / "pets" / "latest"
    written = [*run.iterdir(), pets / "pets.prom", pets / "step.md"]
    assert len(written) == 9
    assert not [path.name for path in written if b"s3cret" in path.read_bytes()]
    assert "http://127.0.0.1/\u2026" in (run / "index.html").read_text(encoding="utf-8")


def test_a_scan_from_python_tells_nobody(pets):
    audit = auditor.scan("pets", backend=FakeBackend(), webhook=NOBODY, outputs="github", prometheus="pets.prom")

    assert audit.run.settings["webhook"] == "http://127.0.0.1/\u2026"
    assert not (pets / "pets.prom").exists() and not (pets / "step.md").exists()
