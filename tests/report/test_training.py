"""The page of an evaluation: complete in itself, safe against the names in it, and true to the numbers."""

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from auditor.evaluation.training_history import Phase, TrainingHistory
from auditor.report.evaluation.page import build_training_page, render_training, write_training_page
from auditor.report.evaluation.sentences import summary_lines
from auditor.report.shared.charts import round_steps, whole_steps
from auditor.text import percent
from tests.report.evaluated import curves, epoch, of_classes
from tests.report.page import Document
from tests.report.scanned import HANDLER, SCRIPT

HISTORIES = {
    "two": curves(),
    "ten": None,
    "sixty": curves(1),
    "many": TrainingHistory(),
    "one class": curves(200),
    "flawless": None,
}
ATTACKS = (
    SCRIPT,
    HANDLER,
    "</style></title></svg><script>alert(3)</script>",
    "{{ 7 * 7 }}",
    "\ud800\u202e\x1b[31m",
)


@pytest.fixture(scope="module", params=HISTORIES)
def case(request, evaluations):
    evaluation, history = evaluations[request.param], HISTORIES[request.param]
    source = render_training(evaluation, history)
    return evaluation, source, Document(source), history


@pytest.fixture
def two(evaluations):
    """Of two classes, with mistakes in both."""
    return evaluations["two"]


def test_every_element_is_closed_and_no_expression_of_a_template_is_left(case):
    assert case[2].open == []
    assert "{{" not in case[1] and "{%" not in case[1]


def test_nothing_is_loaded_from_anywhere(case):
    _, source, page, _ = case
    assert all(value.startswith("data:") for value in page.values("src"))
    assert all(value.startswith(("#", "data:")) for value in page.values("href"))
    assert "@import" not in source and "url(" not in page.all("style")[0].text
    assert not re.search(r"https?://|ws://", source.replace("xmlns='http://www.w3.org/2000/svg'", ""))


def test_policy_allows_this_style_and_no_script(case):
    page = case[2]
    policy = next(tag for tag in page.all("meta") if "http-equiv" in tag.attributes).attributes["content"]
    [style] = page.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in policy and "unsafe" not in policy
    assert page.all("script") == [] and page.values("style") == []


def test_every_link_has_its_target_and_every_id_is_one(case):
    page = case[2]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_headings_and_landmarks_are_in_order_and_pictures_are_described(case):
    page = case[2]
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert all(picture.attributes["alt"] for picture in page.all("img"))
    for svg in page.all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes.get("aria-label")


def test_no_number_of_a_drawing_is_nan(case):
    places = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "points")
    values = [value for name in places for value in case[2].values(name)]
    assert not [value for value in values if "nan" in value or "inf" in value]


def test_the_same_evaluation_gives_the_same_page(case, tmp_path):
    evaluation, source, _, history = case

    assert write_training_page(evaluation, tmp_path / "new", history) == tmp_path / "new" / "index.html"
    assert (tmp_path / "new" / "index.html").read_text(encoding="utf-8") == source
    assert json.loads((tmp_path / "new" / "evaluation.json").read_text())["accuracy"]["total"]


def test_the_headline_is_the_accuracy_with_its_interval(two):
    page = Document(render_training(two))
    found = two.accuracy

    assert (found.right, found.total) == (16, 19)               # as they were drawn
    assert f"{percent(found.value)} of 19 images are named right." in page.text
    assert f"between {percent(found.low)} and {percent(found.high)}" in page.text


def test_small_matrices_have_numbers_larger_ones_colours_and_the_largest_are_left_to_the_file(evaluations):
    pages = {name: build_training_page(evaluation) for name, evaluation in evaluations.items()}

    ten = evaluations["ten"]
    assert [[cell.text for cell in row.cells] for row in pages["two"].matrix.rows] == [["7", "2"], ["1", "9"]]
    assert [[cell.text for cell in row.cells][:10] for row in pages["ten"].matrix.rows] == [
        [str(times) if times else "\u00b7" for times in row] for row in ten.confusion.tolist()
    ]
    assert pages["ten"].matrix.columns[-1] == "another class"
    assert pages["sixty"].matrix is None
    assert len(pages["sixty"].grid.cells) == (evaluations["sixty"].confusion > 0).sum()
    assert pages["many"].matrix is None and pages["many"].grid is None
    assert len(pages["many"].pairs) == 12


def test_the_most_confused_pair_comes_first_and_names_classes_that_the_data_set_does_not_have(evaluations):
    page = build_training_page(evaluations["one class"])

    found = [(pair.given, pair.predicted, pair.width, pair.count) for pair in page.pairs]
    assert found == [("cats", "dog", "100.0%", "2")]
    assert page.other_classes.endswith("none of the data set's classes: dog (2).")


def test_classes_come_worst_first_and_undefined_scores_have_words(evaluations):
    rows = build_training_page(evaluations["flawless"]).scores.rows

    assert [row.name for row in rows] == ["cats", "dogs", "ferrets"]
    assert rows[2].recall == ("0%", "no image")
    worst = build_training_page(evaluations["ten"]).scores.rows
    assert [row.f1 for row in worst] == sorted((row.f1 for row in worst), key=lambda cell: float(cell[1].rstrip("%")))


def test_synset_ids_are_read_as_names(two):
    page = Document(render_training(of_classes(two, ("n02086240", "n02088364", "n02115641"))))

    assert "Shih-Tzu" in page.text and "beagle" in page.text
    cells = [element.text for element in page.all("bdi")]
    assert "n02086240" not in cells


def test_the_settings_of_a_training_are_listed_once(two):
    settings = {"backbone": "small", "epochs": 3}

    def pages(about):
        evaluation = replace(
            two, run=replace(two.run, settings=settings), model=replace(two.model, about={"settings": about})
        )
        return render_training(evaluation).count("<bdi>backbone</bdi>")

    assert pages(settings) == 1
    assert pages({"backbone": "small", "epochs": 5}) == 2       # measured later, with other ones


def test_right_and_wrong_answers_differ_by_more_than_colour(two):
    page = Document(render_training(two))

    tiles = [element for element in page.all("li") if element.attributes.get("class") in ("right", "wrong")]
    assert {(tile.attributes["class"], "\u2713" in tile.text, "\u2717" in tile.text) for tile in tiles} == {
        ("right", True, False),
        ("wrong", False, True),
    }
    assert all(("filed under" in tile.text) == (tile.attributes["class"] == "wrong") for tile in tiles)


def test_what_the_model_was_trained_on_is_said(two, evaluations):
    assert "trained on all of these images" in Document(render_training(evaluations["flawless"])).text
    unknown = replace(two, lists_training=False)
    assert "does not list what it was trained on" in Document(render_training(unknown)).text
    assert build_training_page(two).in_sample == ""


# --- learning curves --------------------------------------------------------------------------------------------------


def test_curves_have_both_phases_the_best_epoch_and_the_learning_rate(two):
    source = render_training(two, curves())
    page = Document(source)

    assert [mark.text for mark in page.all("text") if mark.attributes.get("class") == "mark-text"] == [
        "head", "fine-tuning", "head", "fine-tuning",
    ]  # fmt: skip
    best = [dot for dot in page.all("circle") if dot.attributes.get("class") == "dot-best"]
    assert len(best) == 4 + 1                                          # one a phase and chart, one in the legend
    assert "Best epoch: 8, validation loss" in page.text
    assert "Best epoch: 7, validation loss" in page.text and "1 later epoch was no better" in page.text
    assert "learning rate from 0.001 to 0.000125" in page.text


def test_a_missing_value_interrupts_its_line_only(two):
    charts = build_training_page(two, curves()).learning.charts
    loss = [len(line.points.split()) for line in charts[0].lines if line.kind == "validation"]
    accuracy = [len(line.points.split()) for line in charts[1].lines if line.kind == "validation"]

    assert loss == [8, 2, 5]
    assert accuracy == [8, 8]


def test_a_point_lies_where_its_number_is(two):
    chart = build_training_page(two, curves()).learning.charts[0]
    x, y = map(float, chart.lines[0].points.split()[0].split(","))
    ticks = {tick.text: float(tick.place.rstrip("%")) * 10 for tick in chart.y_ticks}

    assert x == pytest.approx(float(chart.x_ticks[0].place.rstrip("%")) * 10, abs=0.1)
    low, high = ticks["0"], ticks["0.8"]
    assert y == pytest.approx(low + (high - low) * 0.7 / 0.8, abs=0.1)


def test_without_curves_there_is_no_such_section(two):
    for nothing in (None, TrainingHistory(), TrainingHistory((Phase("head"),))):
        page = Document(render_training(two, nothing))
        assert "learning" not in page.values("id")


def test_a_run_that_diverged_is_drawn_as_far_as_it_can_be(two):
    lost = epoch(1, math.nan, math.nan)
    page = Document(render_training(two, TrainingHistory((Phase("head", (lost, replace(lost, number=2))),))))

    assert "No epoch has a validation loss" in page.text


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [(0, 0.7, [0, 0.2, 0.4, 0.6, 0.8]), (0.55, 0.98, [0.4, 0.6, 0.8, 1.0]), (0, 0.0, [0.0]), (0, 3, [0, 1, 2, 3])],
)
def test_axes_have_round_numbers(low, high, steps):
    assert round_steps(low, high)[: len(steps)] == pytest.approx(steps)


def test_epochs_are_whole_and_few():
    assert whole_steps(3) == [1, 2, 3]
    assert whole_steps(25) == [1, 5, 10, 15, 20, 25]
    assert len(whole_steps(997)) <= 12


# --- hostile names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("classes", [2, 30])
def test_text_from_anywhere_is_only_ever_text(attack, classes, two):
    names = [f"{attack}{number}" for number in range(classes)]
    evaluation = of_classes(two, names, extra=attack)
    model = evaluation.model
    evaluation = replace(
        evaluation,
        data=attack,
        root=attack,
        model=replace(model, name=attack, backend=attack, guessed={attack: attack}, about={attack: [attack]}),
        unreadable=((attack, attack),),
        notes=(attack,),
        run=replace(evaluation.run, id=attack, started_at=attack, auditor_version=attack, settings={attack: attack}),
    )
    history = curves()
    history = TrainingHistory(tuple(replace(phase, name=attack + phase.name) for phase in history.phases))

    source = render_training(evaluation, history)

    page = Document(source)
    source.encode("utf-8")
    assert page.open == []
    assert page.all("script") == [] and len(page.all("style")) == 1
    assert len(page.all("img")) == len(evaluation.sample) + 3 * len(evaluation.mistakes)
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert "49" not in page.all("h1")[0].text
    assert "\x1b" not in source and "\u202e" not in source
    assert all("\x1b" not in line and "\u202e" not in line for line in summary_lines(evaluation))
