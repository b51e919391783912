"""Running ONNX files with every kind of input, and refusing files that are not image classifiers."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from auditor.backends.card import ModelCard, sha256
from auditor.backends.onnx.backend import OnnxBackend
from auditor.backends.onnx.session import resolve_device
from auditor.errors import DeviceUnavailable, ModelError, ModelMismatch
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, classifier, logits_by_hand, photos, save, softmax


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_fixed_batch_is_filled_up_and_cut_again(batch, count, tmp_path):
    backend = OnnxBackend(save(classifier(batch=batch), tmp_path), preprocessing="raw")

    found = backend.forward(photos(count))

    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos(count))), atol=1e-5)
    assert len(found.embedding) == len(found.features) == count


def test_a_batch_that_only_seems_free_is_recognised(tmp_path):
    model = classifier(end="")
    net = Net(list(model.graph.node), list(model.graph.initializer))
    fixed = net.add("Reshape", model.graph.output[0].name, net.constant(np.array([1, 3])))
    path = save(net.model(["N", 3, SIDE, SIDE], [net.add("Softmax", net.add("Mul", fixed, fixed))]), tmp_path)

    found = OnnxBackend(path, preprocessing="raw").forward(photos(3))

    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos(3)) ** 2), atol=1e-4)


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_uint8_input_gets_the_pixels_as_they_are(channels_last, tmp_path):
    model = classifier(dtype=TensorProto.UINT8, channels_last=channels_last)

    backend = OnnxBackend(save(model, tmp_path))

    assert backend.card.preprocessing == "raw"
    assert "preprocessing" not in backend.card.guessed
    np.testing.assert_allclose(backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5)


def test_a_uint8_input_cannot_be_preprocessed(tmp_path):
    with pytest.raises(ModelMismatch, match="takes uint8 pixels as they are, but its preprocessing is 'torch'"):
        OnnxBackend(save(classifier(dtype=TensorProto.UINT8), tmp_path), preprocessing="torch")


def test_a_float16_input_gets_float16_and_gives_float32(tmp_path):
    found = OnnxBackend(save(classifier(dtype=TensorProto.FLOAT16), tmp_path), preprocessing="raw").forward(photos())

    assert {found.probabilities.dtype, found.embedding.dtype, found.features.dtype} == {np.dtype(np.float32)}
    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos())), atol=1e-2)


@pytest.mark.parametrize(
    ("how", "by_hand"),
    [
        ("raw", lambda x: x),
        ("unit", lambda x: x / 255),
        ("tf", lambda x: x / 127.5 - 1),
        ("torch", lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        ("caffe", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
    ],
)
def test_preprocessing_is_that_of_the_card(how, by_hand, tmp_path):
    card = ModelCard("net", ("a", "b", "c"), (SIDE, SIDE), how)
    images = photos()

    found = OnnxBackend(save(classifier(), tmp_path), card=card).forward(images)

    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(by_hand(photos()))), atol=1e-5)
    np.testing.assert_array_equal(images, photos())             # its argument is as it was


def test_open_height_and_width_are_guessed_and_marked(tmp_path):
    backend = OnnxBackend(save(classifier(side="side"), tmp_path))

    assert backend.card.input_size == (224, 224)
    assert "224" in backend.card.guessed["input_size"]
    assert backend.forward(photos(1, 224)).features.shape == (1, 224, 224, 5)


def test_open_height_and_width_come_from_the_card(tmp_path):
    card = ModelCard("net", (), (6, 10), "raw")

    found = OnnxBackend(save(classifier(side="side"), tmp_path), card=card).forward(np.zeros((1, 6, 10, 3), np.uint8))

    assert found.features.shape == (1, 6, 10, 5)


def test_a_card_of_another_size_is_a_mismatch(tmp_path):
    with pytest.raises(ModelMismatch, match="takes images of 8 x 8, but its card says 6 x 6"):
        OnnxBackend(save(classifier(), tmp_path), card=ModelCard("net", (), (6, 6), "raw"))


@pytest.mark.parametrize("opset", [9, 11, 13, 15, 18, 21])
def test_old_and_new_operator_sets_run(opset, tmp_path):
    path = save(classifier(opset=opset), tmp_path)

    found = OnnxBackend(path, preprocessing="raw").forward(photos())

    np.testing.assert_allclose(found.probabilities, softmax(logits_by_hand(photos())), atol=1e-5)


def test_weights_in_a_file_beside_the_model_are_read_and_count_in_its_hash(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(
        classifier(), path, save_as_external_data=True, location="weights.bin", size_threshold=0, convert_attribute=True
    )
    backend = OnnxBackend(path, preprocessing="raw")
    assert backend.sha256 != sha256(path)
    np.testing.assert_allclose(backend.forward(photos()).probabilities, softmax(logits_by_hand(photos())), atol=1e-5)

    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"in 'weights\.bin'; expected an existing file in its own folder"):
        OnnxBackend(path)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "link.bin", "", "."])
def test_weights_outside_the_models_folder_are_never_read(location, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(4096))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    model = classifier()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)

    with pytest.raises(ModelError, match="expected an existing file in its own folder"):
        OnnxBackend(save(model, folder))


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 not a model", b"\x00" * 64, b"<html></html>", bytes(range(256)) * 40],
    ids=["empty", "zip", "zeros", "html", "noise"],
)
def test_bytes_that_are_not_onnx_are_an_error(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"model\.onnx is not an ONNX model.*expected a \.onnx file"):
        OnnxBackend(path)


def test_a_model_cut_short_is_an_error_and_not_a_crash(tmp_path):
    whole = classifier().SerializeToString()
    path = tmp_path / "cut.onnx"
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            OnnxBackend(path)


def test_an_operator_of_a_custom_library_is_refused(tmp_path):
    model = classifier()
    model.graph.node[0].domain = "evil.ops"
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))

    with pytest.raises(ModelError, match="onnxruntime cannot load"):
        OnnxBackend(save(model, tmp_path))


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ([1, 16], TensorProto.FLOAT, r"image float \(1, 16\); expected images"),
        ([1, 1, 8, 8], TensorProto.FLOAT, r"\(1, 1, 8, 8\); expected 3 channels"),
        ([1, 3, 8, 8], TensorProto.INT64, r"int64 \(1, 3, 8, 8\); expected images"),
    ],
)
def test_an_input_that_does_not_take_rgb_images_is_refused(shape, dtype, message, tmp_path):
    net = Net()
    path = save(net.model(shape, [net.add("Identity", "image")], dtype), tmp_path)

    with pytest.raises(ModelError, match=message):
        OnnxBackend(path)


def test_two_inputs_are_refused_and_listed(tmp_path):
    model = classifier()
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 5]))

    with pytest.raises(ModelError, match=r"2 inputs image float \(N, 3, 8, 8\), mask float \(N, 5\); expected one"):
        OnnxBackend(save(model, tmp_path))


def test_a_segmentation_model_is_refused(tmp_path):
    net = Net()
    maps = net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]))

    with pytest.raises(ModelError, match=r"float32 scores of shape \(2, 5, 8, 8\); expected float \(batch, classes\)"):
        OnnxBackend(save(net.model(["N", 3, 8, 8], [maps]), tmp_path))


def test_a_model_that_gives_class_numbers_is_refused(tmp_path):
    net = Net()
    flat = net.add("MatMul", net.add("Flatten", net.add("GlobalAveragePool", "image")), net.constant(WEIGHTS[:3]))
    model = net.model(["N", 3, 8, 8], [net.add("ArgMax", flat, axis=1, keepdims=0)])
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64

    with pytest.raises(ModelError, match=r"int64 scores .*expected float \(batch, classes\)"):
        OnnxBackend(save(model, tmp_path))


def test_images_of_another_size_are_a_bug_of_the_caller(tmp_path):
    backend = OnnxBackend(save(classifier(), tmp_path))

    with pytest.raises(ValueError, match="received uint8"):
        backend.forward(photos(1, 9))


def test_the_same_images_give_the_same_numbers(tmp_path):
    path = save(classifier(), tmp_path)
    first, second = (OnnxBackend(path, threads=2).forward(photos(50)) for _ in range(2))

    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    np.testing.assert_array_equal(first.embedding, second.embedding)


def test_the_hash_is_that_of_the_file(tmp_path):
    path = save(classifier(), tmp_path)

    assert OnnxBackend(path).sha256 == sha256(path)


without_cuda = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="onnxruntime has CUDA here"
)


@without_cuda
def test_cuda_that_is_not_there_is_an_error_and_auto_takes_the_cpu():
    assert resolve_device("auto") == resolve_device("cpu") == "cpu"
    with pytest.raises(DeviceUnavailable, match=r"CPUExecutionProvider only.*uninstall onnxruntime onnxruntime-gpu"):
        resolve_device("cuda")


@without_cuda
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_session_that_fell_back_to_the_cpu_is_an_error(tmp_path):
    with pytest.raises(DeviceUnavailable, match="CUDA"):
        OnnxBackend(save(classifier(), tmp_path), device="cuda")


def test_onnxruntime_keeps_quiet(tmp_path, capfd):
    OnnxBackend(save(classifier(), tmp_path)).forward(photos())

    assert capfd.readouterr() == ("", "")


def test_no_tensorflow_is_imported(tmp_path):
    path = save(classifier(), tmp_path)
    code = (
        "import sys, json; from pathlib import Path; import auditor.backends as b; light = sorted(sys.modules);"
        f"b.load_backend(Path({str(path)!r})); print(json.dumps([light, sorted(sys.modules)]))"
    )
    light, loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    assert not {"onnx", "onnxruntime", "tensorflow", "keras"} & set(light)
    assert not {"tensorflow", "keras"} & set(loaded)
