"""`auditor evaluate`: what is loaded, what is published where, and what is never changed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import AuditorError, InputError
from auditor.evaluation.measuring import measure
from auditor.report.evaluation.publishing import publish_evaluation
from auditor.resources import bundled_model
from auditor.runs.stored import latest_runs
from auditor.settings import Settings
from tests.report.evaluated import curves


def auditor(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from tests.pictures import draw_photo, place_image

    folder = tmp_path_factory.mktemp("pets") / "pets"
    for number in range(4):
        split = "test" if number < 2 else "train"
        place_image(draw_photo(number), folder / split / "Cats" / f"{number}.jpg")
        place_image(draw_photo(20 + number), folder / split / "Dogs" / f"{number}.jpg")
    (folder / "test" / "Cats" / "broken.jpg").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def done(data):
    return auditor("evaluate", bundled_model(), data, "--out", data.parent / "reports", cwd=data.parent)


def test_an_evaluation_ends_with_the_path_of_its_page(done, data):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    page = Path(done.stdout.splitlines()[-1])
    assert page == data.parent / "reports" / f"catdog-resnet50-on-{data.parent.name}-pets" / "latest" / "index.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["evaluation.json", "index.html"]
    assert done.stdout.startswith("accuracy ")
    assert "note: The test split was evaluated; train (4 images) left out." in done.stdout


def test_the_document_says_what_was_evaluated_and_how(done, data):
    latest = Path(done.stdout.splitlines()[-1]).parent
    record = json.loads((latest / "evaluation.json").read_text())

    assert record["dataset"]["classes"] == {"Cats": 2, "Dogs": 2}
    assert (record["dataset"]["split"], record["dataset"]["images"]) == ("test", 5)
    assert [entry["file"] for entry in record["unreadable"]] == ["test/Cats/broken.jpg"]
    assert record["run"]["settings"]["data"] == str(data)


def test_json_prints_the_document_and_nothing_else(data, tmp_path):
    done = auditor("evaluate", bundled_model(), data, "--out", tmp_path, "--name", "mine", "--split", "all", "--json")

    assert json.loads(done.stdout) == json.loads((tmp_path / "mine" / "latest" / "evaluation.json").read_text())
    assert json.loads(done.stdout)["accuracy"]["total"] == 8


def test_a_name_that_cannot_be_used_is_refused_before_any_work(data, tmp_path):
    (tmp_path / "taken" / "latest").mkdir(parents=True)
    (tmp_path / "taken" / "latest" / "summary.json").write_text("{}")

    done = auditor("evaluate", "nowhere.onnx", data, "--out", tmp_path, "--name", "taken")

    assert done.returncode == 2
    assert "--name" in done.stderr and "nowhere" not in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("split", "options", "complaint"),
    [
        (None, {"data": Path("nowhere")}, "nowhere"),
        (None, {"model": Path("nowhere.onnx")}, r"nowhere\.onnx"),
        ("val", {}, "'val' is not in the data set"),
        (None, {"class_map": "cat=ferret"}, "ferret"),
    ],
)
def test_wrong_input_is_an_error(split, options, complaint, data):
    with pytest.raises(AuditorError, match=complaint):
        measure(Settings(**{"data": data} | options), split)


def settings(out, model=None):
    return Settings(data=Path("pets"), out=out, model=model)


@pytest.fixture
def evaluation(evaluations):
    """Of cats and dogs, with mistakes."""
    return evaluations["two"]


def test_the_folder_of_a_scan_is_not_used(evaluation, tmp_path):
    (tmp_path / "pets" / "latest").mkdir(parents=True)

    with pytest.raises(InputError, match="other runs than evaluations"):
        publish_evaluation(evaluation, settings(tmp_path), "pets")

    assert [path.name for path in (tmp_path / "pets").iterdir()] == ["latest"]


def test_a_second_evaluation_leaves_the_first_where_it_is(evaluation, tmp_path):
    first = publish_evaluation(evaluation, settings(tmp_path))
    publish_evaluation(evaluation, settings(tmp_path))

    runs = sorted(path.name for path in first.parents[1].iterdir())
    assert runs == [evaluation.run.id, f"{evaluation.run.id}-2", "latest"]


def test_a_name_from_a_models_card_cannot_lead_out_of_the_folder(evaluation, tmp_path):
    for name in ("../../etc", "", "a/b\0c", "x" * 300, "\ud800"):
        page = publish_evaluation(replace(evaluation, model=replace(evaluation.model, name=name)), settings(tmp_path))
        assert page.resolve().parents[2] == tmp_path.resolve()


def test_a_model_that_was_trained_here_brings_its_learning_curves(evaluation, tmp_path):
    curves().write(tmp_path)

    with_curves = publish_evaluation(evaluation, settings(tmp_path / "a", tmp_path))
    without = publish_evaluation(evaluation, settings(tmp_path / "b"))

    assert "How it learned" in with_curves.read_text(encoding="utf-8")
    assert "How it learned" not in without.read_text(encoding="utf-8")


def test_why_ignores_evaluations(evaluation, tmp_path):
    publish_evaluation(evaluation, settings(tmp_path))

    with pytest.raises(InputError, match="holds no run;"):
        latest_runs(tmp_path, None)
