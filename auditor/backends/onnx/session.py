"""Running ONNX graphs in onnxruntime: the device, sessions, chosen outputs, and the pixels that a graph takes."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.base import preprocess
from auditor.backends.card import Preprocessing
from auditor.backends.onnx.image_input import ImageInput
from auditor.errors import DeviceUnavailable, ModelError
from auditor.resources import cores
from auditor.settings import DEVICES

if TYPE_CHECKING:
    import onnxruntime

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
# TF32 rounds products to 10 bits: scores would differ from the CPU's in the third digit.
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


def resolve_device(device: str) -> str:
    """"auto", "cpu" or "cuda" -> the device that will run; starts CUDA once to be sure that it works.

    Raises:
        DeviceUnavailable: CUDA was requested and does not start.
    """
    if device not in DEVICES:
        raise DeviceUnavailable(f"device {device!r} is not known; expected one of {', '.join(DEVICES)}")
    if device == "cpu":
        return "cpu"
    import onnxruntime

    installed = onnxruntime.get_available_providers()
    if CUDA in installed:
        node = onnx.helper.make_node("Identity", ["x"], ["y"])
        infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
        graph = onnx.helper.make_graph([node], "probe", infos[:1], infos[1:])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
        try:
            open_session(model, "cuda", None, Path("a test graph"))
            return "cuda"
        except DeviceUnavailable:
            if device == "cuda":
                raise
    if device == "cuda":
        raise DeviceUnavailable(
            f"device cuda was asked for, but this onnxruntime has {', '.join(installed)} only. Replace it: "
            "`pip uninstall onnxruntime onnxruntime-gpu`, then `pip install 'onnxruntime-gpu[cuda,cudnn]'` (the two "
            "cannot live together); or take --device cpu."
        )
    return "cpu"


def with_outputs(
    model: onnx.ModelProto, tensors: Iterable[str], spelled: onnx.ModelProto | None = None
) -> onnx.ModelProto:
    """A copy of a model whose outputs are these tensors, inner ones included; one run computes them all.

    Args:
        model: The model.
        tensors: Names.
        spelled: The model spelled out (`spell_out`); what makes those of its tensors that the model lacks is added.
    """
    tensors = list(tensors)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]                                    # onnxruntime skips what only the old outputs needed
    known = {entry.name: entry for entry in (*model.graph.output, *model.graph.value_info)}
    for name in dict.fromkeys(tensors):
        copy.graph.output.append(known.get(name, onnx.ValueInfoProto(name=name)))
    if spelled is not None and spelled is not model:
        _add_makers(copy, tensors, spelled)
    return copy


def _add_makers(model: onnx.ModelProto, tensors: Iterable[str], spelled: onnx.ModelProto) -> None:
    """Adds to a model what computes these tensors in its spelled-out copy, as far as it has them not."""
    there = {name for node in model.graph.node for name in node.output}
    there |= {entry.name for entry in (*model.graph.initializer, *model.graph.input)}
    makers = {name: node for node in spelled.graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in spelled.graph.initializer}
    pending, needed = list(tensors), []
    while pending:
        name = pending.pop()
        if name in there:
            continue
        there.add(name)
        if name in constants:
            model.graph.initializer.append(constants[name])
        elif name in makers:
            needed.append(makers[name].output[0])
            pending.extend(filter(None, makers[name].input))
    model.graph.node.extend(node for node in spelled.graph.node if node.output and node.output[0] in needed)


def open_session(
    model: onnx.ModelProto, device: str, threads: int | None, path: Path
) -> "onnxruntime.InferenceSession":
    """Starts a session on exactly this device.

    Args:
        model: The graph.
        device: "cpu" or "cuda".
        threads: CPU threads; all cores if None.
        path: Where the model comes from, for messages.

    Raises:
        ModelError: onnxruntime cannot run the graph.
        DeviceUnavailable: CUDA does not start.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)                  # errors arrive as exceptions; no other output
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    options.intra_op_num_threads = threads or cores()
    # Waiting threads sleep: spinning, they occupy the cores that decode images (MobileNetV2, two busy cores: 37 ms per
    # image spinning, 15 ms sleeping).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [CPU]
    if device == "cuda":
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()                          # CUDA and cuDNN from the nvidia packages, if installed
        providers = [(CUDA, _CUDA_OPTIONS), CPU]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no common base class
        if device == "cuda":
            raise DeviceUnavailable(f"onnxruntime cannot start {path} on CUDA: {error}") from None
        raise ModelError(f"onnxruntime cannot load {path}: {_reason(error)}") from None
    if device == "cuda" and CUDA not in session.get_providers():
        raise DeviceUnavailable(
            f"onnxruntime has {CUDA}, but it does not start here (started: {', '.join(session.get_providers())}). "
            "Install a driver, CUDA and cuDNN of the versions at "
            "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html, or take --device cpu."
        )
    return session


def _reason(error: Exception) -> str:
    """Why a graph does not load, and what to do where it is of a newer version than this onnxruntime reads."""
    import onnxruntime

    text = str(error)
    opset = re.search(r"Opset (\d+) is under development.* is till opset (\d+)", text, flags=re.DOTALL)
    format_ = re.search(r"model IR version: (\d+), max supported IR version: (\d+)", text)
    found = opset or format_
    if found is not None:
        kind = "opset" if opset else "format version"
        return (
            f"it is written in {kind} {found[1]}, and onnxruntime {onnxruntime.__version__} reads up to {found[2]}. "
            "`pip install -U onnxruntime`, or export the model again with an older one (opset_version=17)."
        )
    if "is not a registered" in text:
        return f"{text}. Operators of other libraries are never loaded; export the model with those of ONNX."
    return text


def graph_input(images: NDArray[np.uint8], entry: ImageInput, how: Preprocessing) -> NDArray[Any]:
    """(B, H, W, 3) uint8 RGB -> the graph's input, in its layout; preprocessed unless the graph takes whole numbers."""
    pixels: NDArray[Any] = images if entry.takes_pixels else preprocess(images, how)
    if entry.channels_first:
        pixels = pixels.transpose(0, 3, 1, 2)                   # (B, 3, H, W)
    return np.ascontiguousarray(pixels, dtype=entry.dtype)
