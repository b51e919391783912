"""The measures of heatmaps, on maps small enough to compute by hand."""

import hashlib
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from auditor.backends.base import NamedHead
from auditor.backends.head import linear_head
from auditor.classes.imagenet import synsets
from auditor.progress import Progress
from benchmarks import heatmap_metrics
from benchmarks.heatmap_breeds import CLASSIFIER, PROBE, PROBE_CONTRAST, RANDOM, breeds, learn, mosaic_shares
from benchmarks.heatmap_metrics import (
    bootstrap,
    centre_blob,
    impute,
    mosaic,
    pointing_share,
    removal_counts,
    removal_curves,
    removal_order,
    removals,
    right_share,
    road,
)
from benchmarks.heatmaps import Model, cost, faithfulness, mosaics
from benchmarks.photographs import Photo
from benchmarks.photographs import draw as draw_photos
from tests.backends.fake import FakeBackend


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_the_hottest_cell_goes_first_and_every_cell_once(rng):
    heat = np.array([[0.1, 0.9], [0.5, 0.0]])

    assert removal_order(heat, rng).tolist() == [1, 2, 0, 3]


def test_cells_of_equal_heat_go_in_no_fixed_order(rng):
    heat = np.zeros((4, 4))
    heat[3, 3] = 1

    orders = np.array([removal_order(heat, rng) for _ in range(400)])

    assert (orders[:, 0] == 15).all()
    assert 5.5 < orders[:, 1:].argmin(axis=1).mean() < 8.5      # cell 0 can be anywhere, at 7 on average


def test_steps_lie_evenly_between_none_and_all():
    assert removal_counts(49).tolist() == [4, 9, 13, 18, 22, 27, 31, 36, 40, 45]
    assert removal_counts(4, steps=3).tolist() == [1, 2, 3]


def test_each_step_removes_what_the_last_one_did_and_more(photo, rng):
    image = photo[:96, :96]
    heat = np.zeros((4, 4))
    heat[0, 0] = 1

    coldest, hottest = removals(image, heat, rng)

    assert coldest.shape == hottest.shape == (10, 96, 96, 3)
    np.testing.assert_array_equal(coldest[-1][:24, :24], image[:24, :24])       # the hot cell is there to the end
    assert (hottest[0][:24, :24] != image[:24, :24]).mean() > 0.5               # and goes first
    changed = [(each != image).any(axis=-1).mean() for each in coldest]
    assert changed == sorted(changed)


def test_road_by_hand():
    coldest_first, hottest_first = np.array([[1.0, 0.8], [0.5, 0.5]]), np.array([[0.4, 0.2], [0.5, 0.5]])

    np.testing.assert_allclose(road(coldest_first, hottest_first), [0.3, 0.0])  # (.6 + .6) / 2 / 2


def test_what_is_watched_is_asked_of_every_step_and_in_batches(photo, rng):
    sizes = []

    def darkness(images):
        sizes.append(len(images))
        return 1 - images.mean(axis=(1, 2, 3)) / 255

    bright = np.full((32, 32, 3), 250, np.uint8)
    bright[:16, :16] = 0                                        # one cell is dark, and hot
    heat = np.array([[1.0, 0.0], [0.0, 0.0]])

    curves = removal_curves(darkness, bright, {"true": heat, "false": 1 - heat}, rng, 8)

    assert sizes == [8, 8, 4] * 2
    assert curves["true"].shape == (2, 10)
    assert road(*curves["true"]) > 0.05
    assert road(*curves["false"]) < -0.05


def test_imputation_continues_a_ramp_and_keeps_the_rest(rng):
    ramp = np.broadcast_to(np.linspace(20, 220, 64)[None, :, None], (64, 64, 3)).round().astype(np.uint8)
    before = ramp.copy()
    removed = np.zeros((4, 4), bool)
    removed[1:3, 1:3] = True

    filled = impute(ramp, removed, rng)

    inside = np.zeros((64, 64), bool)
    inside[16:48, 16:48] = True
    np.testing.assert_array_equal(filled[~inside], ramp[~inside])
    assert np.abs(filled[inside].astype(float) - ramp[inside]).mean() < 4      # the noise alone is 2 on average
    np.testing.assert_array_equal(ramp, before)


def test_imputation_equals_averaging_neighbours_until_nothing_changes(rng, monkeypatch):
    monkeypatch.setattr(heatmap_metrics, "COARSE", 1)
    monkeypatch.setattr(heatmap_metrics, "GRAIN", 0.0)
    image = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    removed = np.array([[False, True], [False, False]])         # a corner, so that some places have fewer neighbours
    kernel = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]])

    values = image.astype(float)
    for _ in range(500):
        padded, there = np.pad(values, ((1, 1), (1, 1), (0, 0))), np.pad(np.ones((8, 8, 1)), ((1, 1), (1, 1), (0, 0)))
        windows = [(kernel[y, x], slice(y, y + 8), slice(x, x + 8)) for y in range(3) for x in range(3)]
        total = sum(weight * padded[rows, columns] for weight, rows, columns in windows)
        mean = total / sum(weight * there[rows, columns] for weight, rows, columns in windows)
        values[:4, 4:] = mean[:4, 4:]

    np.testing.assert_allclose(impute(image, removed, rng), np.rint(values), atol=1)


def test_heat_is_counted_in_the_quarters_it_lies_in_and_straddling_cells_by_area():
    right = np.array([[True, False], [False, True]])
    heat = np.zeros((3, 3))
    heat[0, 0], heat[0, 2], heat[2, 2] = 2, 1, 1

    assert right_share(heat, right) == pytest.approx(3 / 4)
    heat[:] = 0
    heat[0, 1] = 1                                              # half in the right quarter, half beside it
    assert right_share(heat, right) == pytest.approx(1 / 2)
    assert right_share(-heat, right) == 0.5                     # no positive heat: as by chance


def test_a_centre_blob_cannot_win_on_a_mosaic():
    for right in ([[True, True], [False, False]], [[True, False], [False, True]], [[False, True], [False, True]]):
        for cells in (6, 7):
            assert right_share(centre_blob(cells), np.array(right)) == pytest.approx(0.5)
            assert pointing_share(centre_blob(cells), np.array(right)) == pytest.approx(0.5)


def test_the_hottest_cell_alone_points():
    right = np.array([[[True, False], [True, False]], [[False, True], [False, True]]])         # two classes
    heat = np.zeros((2, 4, 4))
    heat[:, 2, 0], heat[:, :, 3] = 1, 0.9

    np.testing.assert_allclose(pointing_share(heat, right), [1, 0])
    np.testing.assert_allclose(right_share(heat, right), [1 / 4.6, 3.6 / 4.6])


def test_a_mosaic_puts_each_picture_in_its_place():
    tiles = [np.full((10, 10, 3), shade, np.uint8) for shade in (10, 20, 30, 40)]

    found = mosaic(tiles, [3, 0, 1, 2], (8, 9))

    assert found[0, 0, 0] == 20 and found[0, 8, 0] == 30 and found[7, 0, 0] == 40 and found[7, 8, 0] == 10
    assert found.shape == (8, 9, 3)


def test_the_interval_of_a_mean_agrees_with_the_textbook(rng):
    values = rng.normal(2, 1, 400)

    found = bootstrap(values)

    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert bootstrap(values) == found                           # the same draws every time


@pytest.fixture
def photographs(tmp_path, draw, place):
    """Six cats and six dogs, and things that are neither."""
    root = tmp_path / "photographs"
    for number in range(6):
        for seed, name in enumerate(("cat", "dog", "bird")):
            place(draw(10 * number + seed, 24, 24), root / name / f"{name}.{number}.jpg")
    return root


def test_the_draw_leaves_out_what_the_model_learned_and_what_is_faulty(photographs, tmp_path):
    learned = hashlib.sha256((photographs / "cat" / "cat.1.jpg").read_bytes()).hexdigest()
    card = replace(FakeBackend().card, trained_on=frozenset({learned[:16]}))

    drawn = draw_photos(photographs, 4, card, {"cat/cat.3.jpg", "dog/dog.0.jpg"}, tmp_path)

    assert [photo.label for photo in drawn] == [0, 1] * 4
    assert {photo.path.name for photo in drawn if photo.label == 0} == {f"cat.{number}.jpg" for number in (0, 2, 4, 5)}
    assert "dog.0.jpg" not in {photo.path.name for photo in drawn}
    with pytest.raises(SystemExit, match="there are 4 usable cats and 5 dogs; 5 of each are wanted"):
        draw_photos(photographs, 5, card, {"cat/cat.3.jpg", "dog/dog.0.jpg"}, tmp_path)


def test_a_tar_gives_the_same_draw_as_the_folder_that_it_unpacks_to(photographs, tmp_path):
    with tarfile.open(tmp_path / "photographs.tar", "w") as archive:
        archive.add(photographs, arcname=".")
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    of_folder = draw_photos(photographs, 3, FakeBackend().card, set(), scratch)
    of_tar = draw_photos(tmp_path / "photographs.tar", 3, FakeBackend().card, set(), scratch)

    assert [photo.path.read_bytes() for photo in of_tar] == [photo.path.read_bytes() for photo in of_folder]


@pytest.fixture
def fake():
    backend = FakeBackend()
    return Model(backend, backend.head, np.array([0, 1]))


@pytest.fixture
def red_dogs(tmp_path):
    """Blue cats, and dogs that are red in one place: what the fake classifier looks at."""
    photos = []
    for number in range(16):
        pixels = np.full((32, 32, 3), (20, 60, 120 + 5 * number), np.uint8)
        if number % 2:
            top, left = 8 * (number // 2 % 3), 8 * (number // 6)
            pixels[top : top + 16, left : left + 16] = 255, 0, 0
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        photos.append(Photo(path, number % 2))
    return photos


def test_heatmaps_that_show_what_the_model_looks_at_pass(fake, red_dogs, capsys):
    dogs = red_dogs[1::2]

    assert faithfulness(fake, dogs)
    assert mosaics(fake, red_dogs)

    printed = capsys.readouterr().out
    assert "ROAD: 8 photographs, 100.0% predicted right, 4 x 4 cells, 10 steps" in printed
    assert "Mosaics: 4 of two cats and two dogs, 32 x 32 pixels" in printed
    assert printed.count("PASS") == 2
    assert "FAIL" not in printed


def test_heatmaps_that_show_the_opposite_fail(fake, red_dogs, capsys):
    upside_down = replace(fake.head, layers=tuple(replace(layer, weights=-layer.weights) for layer in fake.head.layers))
    wrong = replace(fake, head=upside_down)

    assert not faithfulness(wrong, red_dogs[1::2])
    assert not mosaics(wrong, red_dogs)
    assert capsys.readouterr().out.count("FAIL") == 2


def test_the_cost_is_a_ratio_of_two_times(fake, red_dogs, capsys):
    cost(fake, red_dogs)

    assert "ratio" in capsys.readouterr().out


TERRIER, RIDGEBACK = "n02086240", "n02087394"
PLACE_OF = {synset.id: place for place, synset in enumerate(synsets())}


@pytest.fixture
def two_heads():
    """Its second head calls a red thing a Shih-Tzu and a green thing a ridgeback."""
    weights = np.zeros((8, 1000), np.float32)
    weights[6, PLACE_OF[TERRIER]], weights[1, PLACE_OF[RIDGEBACK]] = 20, 20
    backend = FakeBackend()
    backend.other_heads = (NamedHead("imagenet", tuple(synset.id for synset in synsets()), linear_head(weights)),)
    return backend


@pytest.fixture
def two_breeds(tmp_path):
    """Blue pictures with something red or something green in a corner."""
    rng = np.random.default_rng(8)
    root = tmp_path / "breeds"
    for part, count in (("train", 30), ("val", 4)):
        for name, colour in ((TERRIER, (255, 0, 0)), (RIDGEBACK, (0, 255, 0))):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 40, (32, 32, 3)).astype(np.uint8) + np.uint8([20, 20, 90])
                top, left = 16 * rng.integers(2, size=2)
                pixels[top : top + 16, left : left + 16] = colour
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")
    (root / "train" / "readme").mkdir()                         # not an id, so not a breed
    return root


def test_the_probe_of_breeds_learns_a_draw_without_what_the_model_saw(two_heads, two_breeds):
    paths = sorted((two_breeds / "train" / TERRIER).iterdir())
    seen = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    two_heads.card = replace(two_heads.card, trained_on=frozenset({seen[:16]}))

    found = learn(two_heads, two_breeds, 60, Progress())

    assert len(found.photos) == len(found.embeddings) == 59
    assert paths[0] not in {photo.path for photo in found.photos}
    assert found.columns.tolist() == [PLACE_OF[TERRIER], PLACE_OF[RIDGEBACK]]
    assert {photo.path.parent.parent.name for photo in found.others} == {"val"}
    assert (found.probe.probabilities.argmax(axis=1) == [photo.label for photo in found.photos]).all()
    assert [photo.path for photo in learn(two_heads, two_breeds, 20, Progress()).photos] == [
        photo.path for photo in found.photos[:20]
    ]


def test_both_maps_of_a_breed_add_up_to_what_their_weights_make_of_the_embedding(two_heads, two_breeds):
    found = learn(two_heads, two_breeds, 60, Progress())
    image = found.photos[3].pixels((32, 32))[None]
    both = np.array([[0, 1]])

    of_probe, of_head = found.maps(image, 3, both)

    embedding = found.embeddings[3:4]
    weights = found.probe.feature_weights(np.array([3]), both, embedding)[0]
    np.testing.assert_allclose(of_probe.mean(axis=(1, 2)), weights @ embedding[0], rtol=1e-4, atol=1e-4)
    logits = found.head.head.logits(embedding)[0, found.columns]
    np.testing.assert_allclose(of_head.mean(axis=(1, 2)), logits, rtol=1e-4)


def test_in_a_mosaic_of_breeds_the_probe_points_at_the_right_ones(two_heads, two_breeds):
    found = learn(two_heads, two_breeds, 60, Progress())

    shares = [mosaic_shares(found, number) for number in range(6)]

    assert shares[0][PROBE].shape == shares[0][CLASSIFIER].shape == (2, 2)
    assert np.mean([each[PROBE_CONTRAST][0] for each in shares]) > 0.7
    assert 0.3 < np.mean([each[RANDOM][0] for each in shares]) < 0.7


def test_breeds_are_measured_against_the_head_that_knows_them(two_heads, two_breeds, capsys):
    breeds(two_heads, two_breeds, 6, Progress(), learned=60)

    printed = capsys.readouterr().out
    assert "Breeds: 2; the probe, of 60 photographs, is right on 100.0%" in printed
    assert "ROAD, the probability being the probe's: 6 photographs, 16 cells" in printed
    assert "PASS probe's Grad-CAM minus random" in printed
    assert "Mosaics: 6 of two breeds" in printed
    for name in ("probe's Grad-CAM minus the head's", "probe's contrast minus the head's"):
        assert f"{name} " in printed


def test_breeds_need_a_head_for_imagenet_and_folders_named_by_its_ids(two_heads, two_breeds, tmp_path):
    with pytest.raises(SystemExit, match="fake has no further head for ImageNet"):
        learn(FakeBackend(), two_breeds, 10, Progress())
    (tmp_path / "other" / "train" / "cat").mkdir(parents=True)
    with pytest.raises(SystemExit, match="has 0 folders named by ImageNet's ids"):
        learn(two_heads, tmp_path / "other", 10, Progress())
