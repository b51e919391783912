"""Scaling inside the graph is recognised however it is written; exporters' conventions are read."""

import json

import numpy as np
import pytest
from onnx import numpy_helper

from auditor.backends import load_backend
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, classifier, save

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def number(net, value):
    return net.constant(np.float32(value))


def channels(net, values):
    return net.constant(np.asarray(values, np.float32).reshape(1, 3, 1, 1))


def normalised(net, image, mean, variance):
    ones, zeros = net.constant(np.ones(3, np.float32)), net.constant(np.zeros(3, np.float32))
    spread = [net.constant(np.full(3, value, np.float32)) for value in (mean, variance)]
    return net.add("BatchNormalization", image, ones, zeros, *spread)


def beside_a_shape(net, image):
    net.add("Shape", image)
    return net.add("Mul", number(net, 1 / 255), image)


def second_branch(net, image):
    net.add("GlobalAveragePool", image)
    return net.add("Div", image, number(net, 255))


def keras_normalization(net, image):
    deviation = net.add("Max", net.add("Sqrt", channels(net, [4000, 3900, 4100])), number(net, 1e-7))
    return net.add("Div", net.add("Sub", image, channels(net, [120, 115, 100])), deviation)


def inception(net, image):
    """torchvision's transform_input: each channel alone."""
    parts = []
    for channel in range(3):
        one = net.add("Unsqueeze", net.add("Gather", image, net.constant(np.array(channel)), axis=1),
                      net.constant(np.array([1])))  # fmt: skip
        scaled = net.add("Mul", one, number(net, DEVIATION[channel] / 0.5))
        parts.append(net.add("Add", scaled, number(net, (MEAN[channel] - 0.5) / 0.5)))
    return net.add("Concat", *parts, axis=1)


def convolved(net, image, weights, **options):
    kernel = net.constant(np.asarray(weights, np.float32)[:, :, None, None])
    return net.add("Conv", image, kernel, kernel_shape=[1, 1], **options)


def through(net, image, *operators):
    for operator, value in operators:
        image = net.add(operator, image, number(net, value) if np.isscalar(value) else channels(net, value))
    return image


def quantised(net, image, *operators):
    """As quantize_static writes it in the format QOperator; each constant as its greatest level."""
    nothing, one = net.constant(np.uint8(0)), number(net, 1)
    tensor = net.add("QuantizeLinear", image, one, nothing)
    for operator, value in operators:
        zero = net.constant(np.uint8(0 if value > 0 else 255))
        constant = [net.constant(np.uint8(255 if value > 0 else 0)), number(net, abs(value) / 255), zero]
        pair = [constant, [tensor, one, nothing]] if operator == "QLinearMul" else [[tensor, one, nothing], constant]
        tensor = net.add(operator, *pair[0], *pair[1], one, nothing, domain="com.microsoft")
    return net.add("DequantizeLinear", tensor, one, nothing)


RAW = {
    "quantised, scale": lambda net, image: quantised(net, image, ("QLinearMul", 1 / 255)),
    "quantised, scale and shift": lambda net, image: quantised(net, image, ("QLinearMul", 1 / 127), ("QLinearAdd", -1)),
    "quantised, mean": lambda net, image: quantised(net, image, ("QLinearAdd", -120)),
    "constant on the left": lambda net, image: net.add("Mul", number(net, 1 / 255), image),
    "beside a Shape": beside_a_shape,
    "beside another branch": second_branch,
    "shift, then scale": lambda net, image: through(net, image, ("Sub", 127.5), ("Div", 128)),
    "scale, then shift": lambda net, image: through(net, image, ("Mul", 1 / 127.5), ("Add", -1)),
    "three in a row": lambda net, image: through(net, image, ("Mul", 1 / 255), ("Sub", MEAN), ("Div", DEVIATION)),
    "Caffe's mean, added": lambda net, image: through(net, image, ("Add", [-103.939, -116.779, -123.68])),
    "turned round": lambda net, image: net.add("Sub", number(net, 1), net.add("Div", image, number(net, 255))),
    "behind a Clip and a Cast": lambda net, image: through(
        net, net.add("Cast", net.add("Clip", image, number(net, 0), number(net, 255)), to=1), ("Div", 255)
    ),
    "a constant node": lambda net, image: net.add(
        "Div", image, net.add("Constant", value=numpy_helper.from_array(np.float32(255)))
    ),
    "batch normalisation": lambda net, image: normalised(net, image, 120, 4000),
    "a 1x1 convolution to BGR": lambda net, image: convolved(net, image, np.eye(3)[::-1] / 255),
    "a convolution of each channel": lambda net, image: convolved(net, image, np.full((3, 1), 1 / 127.5), group=3),
    "Keras' Normalization": keras_normalization,
}
OTHERS = {
    "from 0 to 1, mean and deviation": (
        lambda net, image: through(net, image, ("Sub", MEAN), ("Div", DEVIATION)), "unit",
    ),
    "from 0 to 1, to -1 and 1": (lambda net, image: through(net, image, ("Mul", 2), ("Sub", 1)), "unit"),
    "from 0 to 1, times 255": (lambda net, image: net.add("Mul", number(net, 255), image), "unit"),
    "from -1 to 1": (lambda net, image: through(net, image, ("Add", 1), ("Mul", 127.5)), "tf"),
    "Inception": (inception, "torch"),
}  # fmt: skip
NOTHING = {
    "minus nothing": lambda net, image: through(net, image, ("Sub", 0)),
    "a learned normalisation near 1": lambda net, image: normalised(net, image, 0.5, 1.1),
    "a convolution that mixes": lambda net, image: convolved(net, image, np.full((3, 3), 0.1)),
}


def card_of(before, folder):
    net = Net()
    maps = net.add("Relu", net.add("Conv", before(net, "image"), net.constant(FILTERS.T[:, :, None, None])))
    flat = net.add("Flatten", net.add("GlobalAveragePool", maps))
    scores = net.add("Softmax", net.add("MatMul", flat, net.constant(WEIGHTS)))
    return load_backend(save(net.model(["N", 3, SIDE, SIDE], [scores]), folder), device="cpu").card


@pytest.mark.parametrize("name", RAW)
def test_a_graph_that_scales_pixels_takes_them_as_they_are(name, tmp_path):
    card = card_of(RAW[name], tmp_path)

    assert card.preprocessing == "raw"
    assert "the graph scales its input itself" in card.guessed["preprocessing"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_graph_that_scales_something_else_says_what_it_takes(name, tmp_path):
    before, wanted = OTHERS[name]

    assert card_of(before, tmp_path).preprocessing == wanted


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_scaling_leaves_the_guess_to_the_layout(name, tmp_path):
    assert card_of(NOTHING[name], tmp_path).guessed["preprocessing"].startswith("torch: channels come first")


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"author": "Ultralytics", "task": "classify"}, "unit"),
        ({"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"}, "bgr"),
        ({"Image.BitmapPixelFormat": "Rgb8", "Image.NominalPixelRange": "Normalized_0_1"}, "unit"),
        ({"Image.NominalPixelRange": "Normalized_1_1"}, "tf"),
        ({"mean": "(0.485, 0.456, 0.406)", "std": "(0.229, 0.224, 0.225)"}, "torch"),
        ({"mean": "[0.5, 0.5, 0.5]", "std": "[0.5, 0.5, 0.5]"}, "tf"),
        ({"mean": "[0, 0, 0]", "std": "[1, 1, 1]"}, "unit"),
    ],
)
def test_the_metadata_of_exporters_say_how_pixels_are_scaled(metadata, wanted, tmp_path):
    card = load_backend(save(classifier(**metadata), tmp_path), device="cpu").card

    assert card.preprocessing == wanted
    assert "preprocessing" in card.guessed


@pytest.mark.parametrize(
    ("name", "record", "wanted"),
    [
        ("preprocessor_config.json", {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}, "tf"),
        ("preprocessor_config.json", {"do_normalize": False, "do_rescale": True}, "unit"),
        ("config.json", {"pretrained_cfg": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}, "torch"),
        ("config.json", {"mean": [127.5, 127.5, 127.5], "std": [127.5, 127.5, 127.5]}, "tf"),
    ],
)
def test_the_settings_beside_a_model_say_how_pixels_are_scaled(name, record, wanted, tmp_path):
    (tmp_path / name).write_text(json.dumps(record))

    assert load_backend(save(classifier(channels_last=wanted == "torch"), tmp_path)).card.preprocessing == wanted


def test_a_mean_that_has_no_name_takes_the_nearest_and_says_how_far_it_is(tmp_path):
    clip = {"mean": "[0.4815, 0.4578, 0.4082]", "std": "[0.2686, 0.2613, 0.2758]"}

    card = load_backend(save(classifier(**clip), tmp_path)).card

    assert card.preprocessing == "torch" and "the nearest that is known, 0.05 away" in card.guessed["preprocessing"]


def test_teachable_machine_is_known_by_its_numbered_labels(tmp_path):
    (tmp_path / "labels.txt").write_text("0 ant\n1 bee\n2 cow\n")

    card = load_backend(save(classifier(), tmp_path)).card

    assert (card.preprocessing, card.classes) == ("tf", ("ant", "bee", "cow"))
    assert "labels.txt beside the model" in card.guessed["classes"]


def test_names_beside_a_model_are_taken_only_where_their_number_fits(tmp_path):
    (tmp_path / "labels.txt").write_text("ant\nbee\n")

    assert load_backend(save(classifier(), tmp_path)).card.classes == ()


def test_what_the_user_states_beats_every_convention(tmp_path):
    path = save(classifier(mean="[0, 0, 0]", std="[1, 1, 1]"), tmp_path)

    assert load_backend(path, preprocessing="caffe").card.preprocessing == "caffe"


@pytest.mark.parametrize(
    ("between", "said"),
    [
        (lambda net: net.add("Transpose", net.add("Sub", "image", number(net, 0)), perm=[0, 3, 1, 2]), "channels last"),
        (lambda net: net.add("Transpose", net.add("Cast", "image", to=1), perm=[0, 3, 1, 2]), "channels last"),
        (lambda net: net.add("Transpose", net.add("Div", "image", net.constant(np.full(3, 255, np.float32))),
                             perm=[0, 3, 1, 2]), "channels last"),
        (lambda net: net.add("Div", "image", channels(net, [255, 255, 255])), "channels first"),
        (lambda net: net.add("Identity", "image"), "channels first"),
    ],
)  # fmt: skip
def test_the_layout_of_an_input_with_open_sides_is_read_off_the_operators(between, said, tmp_path):
    net = Net()
    maps = net.add("Conv", between(net), net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1])
    flat = net.add("Flatten", net.add("GlobalAveragePool", maps))
    scores = net.add("Softmax", net.add("MatMul", flat, net.constant(WEIGHTS)))

    backend = load_backend(save(net.model(["N", "A", "B", "C"], [scores]), tmp_path))

    assert said in backend.notes[0]
