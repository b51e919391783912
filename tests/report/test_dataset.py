"""Findings about the data set as a whole: their plots, and the images that show them."""

from dataclasses import replace

from auditor.audit import Chart, Series
from auditor.report.audit import render_html
from auditor.report.audit.charts import MAX_BARS, plot
from tests.report.derived import like, page_of, plotted
from tests.report.page import Document

HALVES = (Series("train", (0.25, 0.75)), Series("test", (0.875, 0.125)))


def test_bars_are_a_table_with_the_largest_as_the_measure():
    found = plot(Chart("bars", "Images", ("cats", "dogs"), (Series("", (300.0, 1200.0)),), marked=("cats",)))

    assert [(row.name, row.marked, [(bar.width, bar.text) for bar in row.bars]) for row in found.rows] == [
        ("cats", True, [("25.0%", "300")]),
        ("dogs", False, [("100.0%", "1\u202f200")]),
    ]
    assert found.legend == ()


def test_shares_are_percentages_and_ones_are_counts():
    shares = plot(Chart("bars", "Share", ("a", "b"), HALVES))
    ones = plot(Chart("bars", "Images", ("a", "b"), (Series("", (1.0, 0.0)),)))

    assert [bar.text for row in shares.rows for bar in row.bars] == ["25%", "87.5%", "75%", "12.5%"]
    assert [bar.text for row in ones.rows for bar in row.bars] == ["1", "0"]
    assert [(entry.name, entry.role) for entry in shares.legend] == [("train", "first"), ("test", "second")]


def test_of_many_bars_those_that_the_finding_is_about_are_drawn():
    names = tuple(f"class {place}" for place in range(100))

    found = plot(Chart("bars", "Images", names, (Series("", (1.0,) * 100),), marked=("class 98",)))

    assert len(found.rows) == MAX_BARS
    assert found.rows[-1].name == "class 98" and found.rows[-1].marked
    assert found.more == f"{100 - MAX_BARS} more not drawn."


def test_a_histogram_has_columns_a_line_over_them_and_its_numbers():
    found = plot(Chart("histogram", "Brightness", ("0", "0.5"), HALVES))

    assert [bar.hint for bar in found.drawing.bars] == ["from 0: 25%", "from 0.5: 75%"]
    [line] = found.drawing.lines
    assert len(line.points.split()) == 4                        # two corners for each bin
    assert found.drawing.label == "Histogram, Brightness: train highest from 0.5, test highest from 0"
    assert [row.name for row in found.numbers] == ["0", "0.5"]


def test_a_map_says_where_it_is_strongest():
    values = [0.0] * 49
    values[-1] = 1.0

    found = plot(Chart("map", "Evidence", ("",) * 7, (Series("", tuple(values)),))).map

    assert found.label == "Map of the picture, Evidence: strongest at the bottom right"
    assert len(found.cells) == 49
    assert (found.cells[0].opacity, found.cells[-1].opacity) == ("0.00", "1.00")


def test_cells_and_bars_without_a_value_are_not_drawn():
    nothing = Series("", (float("nan"), float("nan")))
    half = Series("", (float("nan"), 0.5))

    assert plot(Chart("bars", "", ("a", "b"), (nothing,))) is None
    assert plot(Chart("map", "", (), (half,))) is None
    assert len(plot(Chart("map", "", ("",), (half,))).map.cells) == 1
    assert plot(Chart("bars", "", ("a", "b"), (half,))).rows[0].bars[0].text == "unknown"
    assert len(plot(Chart("histogram", "", ("a", "b"), (half,))).drawing.bars) == 1


def test_a_finding_about_the_data_set_shows_its_plot_and_twelve_examples(audit):
    [finding] = page_of(audit).front.dataset.findings

    assert [row.marked for row in finding.plot.rows] == [True, False]
    assert len(finding.examples) == 12
    assert finding.more == "2 more images named in findings.jsonl."


def test_without_pictures_the_examples_are_named(audit):
    text = Document(render_html(replace(audit, examples={}))).text

    related = like(audit, "small_split").related
    assert f"{related[0]}, {related[1]}" in text


def test_maps_have_a_legend_each(audit):
    chart = Chart("map", "Evidence", ("",), (Series("", (1.0,)),))

    page = Document(render_html(plotted(audit, chart, chart)))

    legends = [element for element in page.all("lineargradient") if element.attributes["id"].endswith("-heat")]
    assert len({element.attributes["id"] for element in legends}) >= 2


def test_names_in_plots_read_as_what_they_mean(audit):
    chart = Chart("bars", "n02086240 beside the others", ("n02086240",), (Series("n02085620", (1.0,)),), ("n02086240",))

    found = page_of(plotted(audit, chart)).front.dataset.findings[-1].plot

    assert (found.title, found.legend[0].name) == ("Shih-Tzu beside the others", "Chihuahua")
    assert found.rows[0].name == "Shih-Tzu" and found.rows[0].marked
