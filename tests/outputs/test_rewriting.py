"""`auditor report` writes the page of an earlier run again, from the store alone."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import InputError
from auditor.outputs import FILES
from auditor.outputs.run import scan_to_disk
from auditor.runs.folder import remove_old_runs
from auditor.settings import Settings
from tests.pictures import GREY, RED, draw_tinted, place_image


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A folder of reports with one run, of images that are gone."""
    root = tmp_path_factory.mktemp("rewriting")
    for number in range(6):
        for name, colour in (("cat", GREY), ("dog", RED)):
            place_image(draw_tinted(colour, number), root / "data" / name / f"{number}.png")
    place_image(draw_tinted(RED, 0), root / "data" / "cat" / "same.png")        # a conflict
    (root / "data" / "dog" / "broken.png").write_bytes(b"")
    settings = Settings(data=str(root / "data"), out=root / "reports", name="pets", no_model=True, threads=1)
    scan_to_disk(settings)
    shutil.rmtree(root / "data")
    return root / "reports"


@pytest.fixture
def run(scanned, tmp_path):
    """The folder of a run of one's own, by its link."""
    shutil.copytree(scanned, tmp_path / "reports", symlinks=True)
    return tmp_path / "reports" / "pets" / "latest"


def auditor(*arguments):
    """What a command prints; raises as it does."""
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_page_is_written_again(run):
    before = contents(run)
    (run / "index.html").write_text("lost")

    assert auditor("report", run).strip() == str(run / "index.html")

    assert contents(run) == before


def test_pictures_go_beside_the_page_and_back_into_it(run):
    before = contents(run)

    auditor("report", run, "--assets", "folder")
    beside = contents(run)
    auditor("report", run)

    assert any(name.startswith("assets/") for name in beside)
    assert len(beside["index.html"]) < len(before["index.html"])
    assert b"data:image/webp" in before["index.html"] and b"data:image/webp" not in beside["index.html"]
    assert contents(run) == before


def test_another_folder_gets_the_page_and_what_is_asked_for(run, tmp_path):
    before, mail = contents(run), tmp_path / "mail"

    assert auditor("report", run, "--out", mail, "--format", "markdown").strip() == str(mail / "index.html")

    assert sorted(contents(mail)) == ["index.html", "summary.md"]
    assert contents(mail)["index.html"] == before["index.html"]
    assert contents(run) == before
    with pytest.raises(InputError, match="not empty; nothing is overwritten"):
        auditor("report", run, "--out", mail)


def test_a_run_is_named_by_its_id_and_looks_as_the_file_of_settings_says(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "report.css").write_text(".mine { color: red }")
    (tmp_path / "auditor.toml").write_text('[scan]\ntemplate_dir = "own"\nassets = "folder"')

    auditor("report", run.resolve().name)

    assert ".mine { color: red }" in (run / "index.html").read_text()
    assert (run / "assets").is_dir()


@pytest.mark.parametrize(("options", "told"), [
    (["--format", "github"], "tells a job about a scan"),
    (["--format", "pdf"], "--format 'pdf' is not there"),
    (["--template-dir", "nowhere"], "is no folder"),
    (["--assets", "cloud"], "expected one of inline, folder"),
    (["--max-size", "0"], "from 0.1"),
])  # fmt: skip
def test_what_cannot_be_used_is_told_and_changes_nothing(run, options, told):
    before = contents(run)

    with pytest.raises(InputError, match=told):
        auditor("report", run, *options)

    assert contents(run) == before


def test_a_run_that_the_store_does_not_have_needs_another_scan(run):
    other = run.parent / "20200101T000000Z"
    shutil.copytree(run.resolve(), other)

    with pytest.raises(InputError, match="has no audit of"):
        auditor("report", other)


def test_a_template_that_fails_is_known_before_the_images_are_read(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "report.html.j2").write_text("{% if %}")
    place_image(draw_tinted(RED, 0), tmp_path / "data" / "dog" / "a.png")

    with pytest.raises(InputError, match=r"report\.html\.j2, line 1, failed"):
        auditor("scan", tmp_path / "data", "--out", tmp_path / "reports", "--template-dir", tmp_path / "own")

    assert not (tmp_path / "reports").exists()


def test_old_runs_go_with_their_pages_and_pictures(run):
    folder = run.resolve()
    for day in "12":
        shutil.copytree(folder, folder.with_name(f"2020010{day}T000000Z"))
    for day, name in (("1", "page-2.html"), ("1", f"assets/{'a' * 32}.webp"), ("2", "assets/holiday.jpeg")):
        path = folder.with_name(f"2020010{day}T000000Z") / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    for day in "12":                            # a run's summary says its id, and when it began
        summary = folder.with_name(f"2020010{day}T000000Z") / "summary.json"
        told = json.loads(summary.read_text())
        told["run"] |= {"id": summary.parent.name, "started_at": f"2020-01-0{day}T00:00:00+00:00"}
        summary.write_text(json.dumps(told))

    remove_old_runs(folder.parent, 1, FILES)

    assert sorted(path.name for path in folder.parent.iterdir() if path.is_dir() and not path.is_symlink()) == [
        "20200102T000000Z", folder.name,
    ]  # fmt: skip
