"""Of Keras models: pictures that activate a filter, the same ones every time; Grad-CAM by layer."""

import json
import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="gradients need auditor[tensorflow]")
keras = pytest.importorskip("keras")

from auditor.backends import load_backend  # noqa: E402
from auditor.backends.abilities import open_layers  # noqa: E402
from auditor.backends.layers import find_layer  # noqa: E402
from auditor.errors import InputError  # noqa: E402
from auditor.explain import Request, explain, layer_table  # noqa: E402
from auditor.explain.ascent import Ascent, maximise  # noqa: E402
from auditor.progress import Progress  # noqa: E402
from auditor.settings import Settings  # noqa: E402
from tests.report.page import Document  # noqa: E402

L = keras.layers
SIDE = 24
FAST = Ascent(steps=12)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """Three filters that are activated by red, green and blue, then three of noise; saved with its class names."""
    keras.utils.set_random_seed(2)
    folder = tmp_path_factory.mktemp("net")
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            L.Rescaling(1 / 255),
            L.Conv2D(3, 1, name="colours", activation="relu"),
            L.Conv2D(3, 3, strides=2, padding="same", activation="relu", name="noise"),
            L.GlobalAveragePooling2D(),
            L.Dense(2, activation="softmax"),
        ]
    )
    kernel = (1.5 * np.eye(3) - 0.5).reshape(1, 1, 3, 3)        # a colour, less the two others
    model.get_layer("colours").set_weights([kernel, np.zeros(3)])
    model.save(folder / "net.keras")
    (folder / "names.txt").write_text("cat\ndog")
    return folder


def part_of(net, layer):
    layers = open_layers(load_backend(net / "net.keras", preprocessing="raw", device="cpu"))
    return layers.differentiable_part(find_layer(layers.layers, layer), SIDE)


def test_a_filter_for_a_colour_is_shown_that_colour(net):
    part, size = part_of(net, "colours")

    pictures = maximise(part, size, [2, 0], Ascent(steps=40), Progress(), "filters")

    assert pictures.shape == (2, SIDE, SIDE, 3) and pictures.dtype == np.uint8
    means = pictures.reshape(2, -1, 3).mean(axis=1)
    assert means[0].argmax() == 2 and means[1].argmax() == 0


def test_the_picture_activates_its_filter_more_than_noise_does(net):
    part, size = part_of(net, "noise")
    start = maximise(part, size, [1], Ascent(steps=1), Progress(), "filters").astype(np.float32)
    end = maximise(part, size, [1], FAST, Progress(), "filters").astype(np.float32)

    assert np.asarray(part(end))[..., 1].mean() > np.asarray(part(start))[..., 1].mean()


def test_the_same_seed_gives_the_same_pictures_whatever_is_made_beside_them(net):
    part, size = part_of(net, "noise")

    first = maximise(part, size, [0, 1, 2], FAST, Progress(), "filters")
    again = maximise(part, size, [0, 1, 2], FAST, Progress(), "filters")
    alone = maximise(part, size, [2], FAST, Progress(), "filters")
    other = maximise(part, size, [2], Ascent(steps=12, seed=1), Progress(), "filters")

    np.testing.assert_array_equal(first, again)
    assert np.abs(first[2].astype(int) - alone[0]).max() <= 2   # sums of floats in another order
    assert np.abs(first[2].astype(int) - other[0]).mean() > 2


def ask(net, image, out, **options):
    settings = Settings(
        data=image, model=net / "net.keras", device="cpu", preprocessing="raw", classes=net / "names.txt"
    )
    return explain(Request(source=image, settings=settings, out=out, **options), Progress())


def test_a_keras_page_has_grad_cam_by_layer_and_filters(net, place, photo, tmp_path):
    image = place(photo, tmp_path / "cat" / "tom.png")

    path = ask(net, image, tmp_path / "out", cam_layer=("all",), filters=("noise:2,0", "colours"), steps=2, label="dog")

    page = Document(path.read_text(encoding="utf-8"))
    files = {file.name for file in path.parent.iterdir()}
    assert {"cam-colours.png", "cam-noise.png", "filters-noise.png", "filters-colours.png"} <= files
    assert "early layer" in page.text and "gradient ascent" in page.text
    alts = page.values("alt")
    assert alts.index("What filter 2 of noise answers to most") < alts.index("What filter 0 of noise answers to most")
    best = json.loads((path.parent / "explain.json").read_text())["classes"][0]["name"]
    assert (f"cam-colours-{'cat' if best == 'dog' else 'dog'}.png" in files) == (best != "dog")


def test_a_filter_that_is_not_there_is_an_error(net, place, photo, tmp_path):
    image = place(photo, tmp_path / "tom.png")

    with pytest.raises(InputError, match="filters 0 to 2, not 3"):
        ask(net, image, tmp_path / "out", filters=("noise:3",))
    with pytest.raises(InputError, match=r"no layer 'nose'.*did you mean noise"):
        ask(net, image, tmp_path / "out", cam_layer=("nose",))
    assert not (tmp_path / "out").exists()


def test_the_layers_of_a_keras_file_are_listed(net):
    table = layer_table(Settings(data=net, model=net / "net.keras", device="cpu", preprocessing="raw"))

    # Columns are as wide as Keras' numbered names make them: `rescaling_19` after many models.
    assert "colours Conv2D 24 x 24 x 3" in " ".join(table.split())
