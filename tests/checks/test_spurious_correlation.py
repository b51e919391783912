"""Shortcuts: what tells a class without its subject."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from auditor.checks.copies import Copies
from auditor.checks.spurious_correlation import SpuriousCorrelation
from tests.checks.pictured import samples_of

COUNT = 600


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def pictures(rng, count=COUNT):
    """(count, 32, 32) uint8, as unlike as the miniatures of photographs."""
    coarse = rng.uniform(0, 255, (count, 12, 12)).astype(np.uint8)
    return np.stack([cv2.resize(each, (32, 32), interpolation=cv2.INTER_CUBIC) for each in coarse])


def photographs(rng, classes=2, count=COUNT):
    """Samples of photographs in which nothing tells the classes."""
    properties = {
        "brightness": rng.normal(0.45, 0.13, count),
        "brightness_p99": np.minimum(rng.normal(0.95, 0.08, count), 1),
        "width": rng.choice([500, 400, 375], count),
        "height": rng.choice([333, 375, 500], count),
    }
    drawn = samples_of(properties, np.arange(count) % classes)
    return replace(drawn, miniatures=pictures(rng, count), sizes=rng.integers(20_000, 90_000, count))


def messages(samples, **settings):
    return [finding.message for finding in SpuriousCorrelation(**settings).run(samples).groups]


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_classes_that_differ_in_nothing_are_no_finding(rng, classes):
    assert messages(photographs(rng, classes)) == []


@pytest.mark.parametrize("classes", [2, 6])
def test_one_class_darkened_is_reported_with_pictures(rng, classes):
    plain = photographs(rng, classes)
    dark = plain.labels == 1
    darker = {
        name: np.where(dark & name.startswith("brightness"), values * 0.7, values)
        for name, values in plain.properties.items()
    }

    (finding,) = SpuriousCorrelation().run(replace(plain, properties=darker)).groups

    told = "class 0 from class 1" if classes == 2 else "class 1 from the other 5 classes"
    assert finding.message.startswith(f"Brightness of the lightest 1% alone tells {told} in ")
    assert finding.value > 0.9 and finding.threshold == 0.9 and finding.score < 0.2
    assert {plain.labels[row] == 1 for row in finding.examples} == {True, False}
    assert finding.chart.kind == "histogram" and len(finding.chart.series) == 2
    assert sum(finding.chart.series[0].values) == pytest.approx(1)


def test_a_few_classes_from_another_source_are_told_together(rng):
    plain = photographs(rng, 6)
    other = np.isin(plain.labels, [1, 4])
    stored = replace(plain, formats=tuple(np.where(other, "PNG", "JPEG")))

    (finding,) = SpuriousCorrelation().run(stored).groups

    assert finding.message.startswith("File format alone tells class 1, class 4 from the other 4 classes in 100 of 100")
    assert "(PNG against JPEG)" in finding.message
    assert finding.severity == "high" and finding.chart.labels == ("JPEG", "PNG")


def test_a_value_between_those_of_the_rest_tells_too(rng):
    plain = photographs(rng)
    width = np.where(plain.labels == 0, 448, rng.choice([300, 600], COUNT))

    (message,) = messages(replace(plain, properties={**plain.properties, "width": width.astype(float)}))

    assert "class 0 from class 1" in message


def test_classes_that_differ_a_little_as_subjects_do_are_no_finding(rng):
    plain = photographs(rng)
    lighter = plain.properties["brightness"] + 0.1 * plain.labels

    assert messages(replace(plain, properties={**plain.properties, "brightness": lighter})) == []


def test_a_few_images_prove_nothing(rng):
    plain = photographs(rng, 2, 8)

    assert messages(replace(plain, properties={"brightness": plain.labels * 0.5 + 0.01 * np.arange(8)})) == []


def test_a_frame_around_one_class_is_told_by_the_border(rng):
    plain = photographs(rng)
    framed = plain.miniatures.copy()
    framed[:, 0] = np.where((plain.labels == 1)[:, None], 180, framed[:, 0])

    message, *_ = messages(replace(plain, miniatures=framed))

    assert message.startswith("The border of the picture alone tells class 0 from class 1")
    assert "against" not in message


def stamped(plain, rows):
    """A dark square with a light middle in the lower left corner."""
    miniatures = plain.miniatures.copy()
    miniatures[rows, 25:31, 1:8] = 20
    miniatures[rows, 27:29, 3:6] = 240
    return replace(plain, miniatures=miniatures)


def test_a_watermark_on_a_third_of_a_class_is_found_with_its_pictures(rng):
    plain = photographs(rng, 3)
    rows = np.flatnonzero(plain.labels == 2)[::3]

    (finding,) = SpuriousCorrelation().run(stamped(plain, rows)).groups

    assert finding.message.startswith("The same pattern lies in the bottom left corner of ")
    assert "of the images of class 2 or more, and of 0% of the others" in finding.message
    assert set(finding.examples) <= set(rows.tolist()) and len(finding.examples) == 8
    assert finding.chart.kind == "map" and len(finding.chart.series[0].values) == 32 * 32
    assert finding.key == "mark\0class 2"


def test_a_watermark_on_all_classes_tells_nothing(rng):
    plain = photographs(rng, 3)

    assert messages(stamped(plain, np.arange(COUNT)[::4])) == []


def test_one_picture_many_times_is_no_watermark(rng):
    plain = photographs(rng)
    rows = np.flatnonzero(plain.labels == 0)[:90]
    miniatures = plain.miniatures.copy()
    miniatures[rows, :, :8] = miniatures[rows[0], :, :8]
    same = replace(plain, miniatures=miniatures)
    centre = np.full(len(rows) - 1, rows[0])
    copies = Copies(centre, rows[1:], np.ones(len(centre), np.float32), np.zeros(len(centre), np.int8))

    assert messages(same) and messages(replace(same, copies=copies)) == []


def heat(rng, count=COUNT):
    """Heatmaps with a blob somewhere around the middle."""
    down, across = np.mgrid[:7, :7]
    middles = rng.normal(3, 0.8, (count, 2, 1, 1))
    distance = (down - middles[:, 0]) ** 2 + (across - middles[:, 1]) ** 2
    return np.exp(-distance / 3).astype(np.float16)


def test_evidence_in_a_corner_of_some_images_of_a_class_is_reported(rng):
    plain = photographs(rng)
    maps = heat(rng)
    rows = np.flatnonzero(plain.labels == 1)[::4]
    maps[rows] *= 0.3
    maps[rows, 6, 6] = 1
    maps[rows, 5, 6] = 0.8
    maps[0] = np.nan

    (finding,) = SpuriousCorrelation().run(replace(plain, heat=maps)).groups

    assert finding.message.startswith("In 25% of the images of class 1 the model's evidence lies ")
    assert "bottom right corner" in finding.message or "right edge" in finding.message
    assert set(finding.examples) <= set(rows.tolist())
    assert finding.chart.labels == ("",) * 7 and max(finding.chart.series[0].values) == 1


def test_evidence_around_the_middle_is_no_finding(rng):
    assert messages(replace(photographs(rng, 4), heat=heat(rng))) == []


def test_ids_stay_while_numbers_change(rng):
    plain = photographs(rng, 3)
    rows = np.flatnonzero(plain.labels == 2)
    keys = [[each.key for each in SpuriousCorrelation().run(stamped(plain, rows[::step])).groups] for step in (2, 3)]

    assert keys[0] == keys[1]


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_any_number_of_equal_images_is_fine(count):
    equal = samples_of({"brightness": [0.5] * count, "width": [10] * count, "height": [10] * count}, [0, 1] * count)
    labels = np.arange(count) % 2
    nothing = replace(equal, labels=labels, files=equal.files[:count], classes=("a", "b"))
    drawn = replace(nothing, miniatures=np.full((count, 32, 32), 9, np.uint8), heat=np.zeros((count, 7, 7), np.float16))

    assert messages(drawn) == [] and messages(nothing) == []


def test_images_that_could_not_be_read_are_left_out(rng):
    plain = photographs(rng)
    gone = np.arange(COUNT) % 5 == 0
    properties = {name: np.where(gone, np.nan, values) for name, values in plain.properties.items()}
    formats = tuple(None if out else "JPEG" for out in gone)

    assert messages(replace(plain, properties=properties, formats=formats)) == []
    unknown = {name: np.full(COUNT, np.nan) for name in properties}
    assert messages(replace(plain, properties=unknown, formats=(None,) * COUNT)) == []
