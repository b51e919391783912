"""Runs an ONNX classifier in onnxruntime, with its features and embedding promoted to outputs.

A model is hostile input: no custom operator library is ever registered.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from auditor.backends.anatomy import Anatomy, dissect, find_heads
from auditor.backends.bare import bare_card, check_classes, check_size, choose_size
from auditor.backends.base import Forward, NamedHead, as_probabilities, preprocess
from auditor.backends.graph import read_input, scales_itself
from auditor.backends.onnx_file import read_model
from auditor.errors import DeviceUnavailable, ModelError, ModelMismatch
from auditor.head import Head
from auditor.modelcard import ModelCard, Preprocessing
from auditor.resources import cores
from auditor.settings import DEVICES

if TYPE_CHECKING:
    import onnxruntime

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
# TF32 rounds products to 10 bits: scores would differ from the CPU's in the third digit.
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


class OnnxBackend:
    """Implements `Backend` for one ONNX file.

    Args:
        path: The model.
        card: What is known about it; None for a bare file: the rest is read from the graph, or guessed.
        device: "cpu" or "cuda", as `resolve_device` gives it.
        preprocessing: For a bare file, what the user stated.
        classes: For a bare file, class names that the user stated.
        heads: For a bare file, further heads as a card has them; its card will list them.
        threads: Of the CPU; all cores if None.

    Raises:
        ModelError: the file is no ONNX model, or no image classifier.
        ModelMismatch: card, stated classes and graph disagree.
        DeviceUnavailable: CUDA was asked for and does not start.
    """

    kind = "onnx"

    def __init__(
        self,
        path: Path,
        *,
        card: ModelCard | None = None,
        device: str = "cpu",
        preprocessing: Preprocessing | None = None,
        classes: tuple[str, ...] | None = None,
        heads: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        threads: int | None = None,
    ) -> None:
        model, self.sha256 = read_model(path, card)
        self._input = read_input(model)
        stated = (self._input.height, self._input.width)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        size, size_guess = choose_size(stated, metadata) if card is None else (card.input_size, None)
        check_size(path, stated, size)
        listed = card.heads if card else heads
        anatomy = dissect(model, size, listed)
        scaled = scales_itself(model)
        self._scores, self._embedding, self._are_logits = anatomy.scores, anatomy.embedding, anatomy.are_logits
        self._pooling = anatomy.pooling
        self.head: Head | None = anatomy.head                   # of a single unit one column, until it is checked
        self.no_head = anatomy.no_head
        self.other_heads: tuple[NamedHead, ...] = find_heads(model, size, listed, anatomy.pooling)
        self._session = _open(promote(model, anatomy, tuple(listed)), device, threads, path)
        self.device = device
        self._size = size
        self._batch = self._input.batch
        self._how: Preprocessing = "raw"
        columns = self._probe(path)
        self.card = card or bare_card(
            path, columns, size, size_guess, metadata,
            channels_first=self._input.channels_first,
            evidence=("raw", "the graph scales its input itself") if scaled else None,
            takes_uint8=self._input.dtype == np.uint8,
            preprocessing=preprocessing, classes=classes, heads=heads,
        )  # fmt: skip
        check_classes(path, self.card, columns)
        self._how = self.card.preprocessing
        if self._input.dtype == np.uint8 and self._how != "raw":
            raise ModelMismatch(
                f"{path} takes uint8 pixels as they are, but its preprocessing is {self._how!r}; state `raw`"
            )
        self.head = self.head.two_sided() if self.head else None

    def forward(self, images: NDArray[np.uint8]) -> Forward:
        """images: (B, H, W, 3) uint8 RGB at `card.input_size`. Never changes its argument."""
        if images.dtype != np.uint8 or images.shape[1:] != (*self._size, 3):
            raise ValueError(f"received {images.dtype} {images.shape}; expected uint8 (B, {self._size}, 3)")
        scores, embedding, features = self._run(images)
        return Forward(
            probabilities=as_probabilities(_flat(scores), are_logits=self._are_logits),
            embedding=_flat(embedding).astype(np.float32),
            features=None if features is None else self._channels_last(features),
        )

    def _run(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
        """(B, H, W, 3) uint8 -> raw scores, embedding and features; batches of the size that the graph wants."""
        names = [self._scores, self._embedding, *([self._pooling.features] if self._pooling else [])]
        arrays = self._outputs(images, names)
        return arrays[0], arrays[1], arrays[2] if self._pooling else None

    def _outputs(self, images: NDArray[np.uint8], names: list[str]) -> list[NDArray[Any]]:
        """(B, H, W, 3) uint8 -> these tensors of the graph, B rows each."""
        fixed = self._batch or max(len(images), 1)
        parts = []
        for start in range(0, max(len(images), 1), fixed):
            chunk = images[start : start + fixed]               # (n, H, W, 3)
            kept = len(chunk)
            if kept < fixed:
                chunk = np.concatenate([chunk, np.zeros((fixed - kept, *images.shape[1:]), np.uint8)])
            feed = {self._input.name: self._pixels(chunk)}
            parts.append([np.asarray(array)[:kept] for array in self._session.run(names, feed)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _pixels(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """(B, H, W, 3) uint8 RGB -> what the graph's input takes."""
        pixels: NDArray[Any] = images if self._input.dtype == np.uint8 else preprocess(images, self._how)
        if self._input.channels_first:
            pixels = pixels.transpose(0, 3, 1, 2)               # (B, 3, H, W)
        return np.ascontiguousarray(pixels, dtype=self._input.dtype)

    def _channels_last(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """(B, K, h, w) or (B, h, w, K) -> (B, h, w, K) float32."""
        first = self._pooling is not None and self._pooling.channels_first
        return np.ascontiguousarray(features.transpose(0, 2, 3, 1) if first else features, dtype=np.float32)

    def _probe(self, path: Path) -> int:
        """Runs two noise images, to learn what only a run can show; returns the number of scores per image."""
        noise = np.random.default_rng(0).integers(0, 256, (2, *self._size, 3), dtype=np.uint8)
        try:
            scores, embedding, features = self._run(noise)
        except Exception as error:  # onnxruntime's errors share no base
            if self._batch is not None:
                raise ModelError(f"{path} does not run: {error}") from None
            self._batch = 1                                     # says any batch, but a reshape inside is fixed to one
            return self._probe(path)
        if self._batch is None and len(scores) != 2:
            self._batch = 1
            return self._probe(path)
        if scores.dtype.kind != "f" or scores.size != scores.shape[0] * max(scores.shape[1:], default=0):
            raise ModelError(
                f"{path} gives {scores.dtype} scores of shape {scores.shape}; expected float (batch, classes)"
            )
        scores = _flat(scores).astype(np.float64)               # (2, C)
        if self._are_logits and scores.shape[1] > 1 and _are_probabilities(scores):
            self._are_logits = False                            # a softmax that the walk did not recognise
        elif self.head is not None and features is not None:
            self._check_head(scores, _flat(embedding), self._channels_last(features))
        if features is not None:
            self._check_others(noise, self._channels_last(features), path)
        return int(scores.shape[1])

    def _check_head(self, scores: NDArray[np.float64], pooled: NDArray[Any], features: NDArray[np.float32]) -> None:
        """Recomputes the scores from the features; drops a head that does not explain them."""
        if self.head is None or not self._are_logits:
            return
        if not explains(self.head, features, scores):
            self.head, self._pooling = None, None
            self.no_head = "its head does not reproduce its scores from its features"
            self.other_heads = ()                               # nothing gives the features that they read

    def _check_others(self, noise: NDArray[np.uint8], features: NDArray[np.float32], path: Path) -> None:
        """Recomputes the further heads' outputs from the features (2, h, w, K) of two images.

        Raises:
            ModelMismatch: a head does not explain its output.
        """
        for other in self.other_heads:
            rows = _flat(self._outputs(noise, [other.name])[0]).astype(np.float64)      # (2, C)
            if not explains(other.head, features, rows):
                raise ModelMismatch(
                    f"{path} does not make its output {other.name!r} of its features as its layers say (two images "
                    f"of noise, {rows.shape[1]} logits); expected a plain head. Take it out of the card."
                )


def explains(head: Head, features: NDArray[np.float32], scores: NDArray[np.float64]) -> bool:
    """Whether a head makes these scores (B, C) of these features (B, h, w, K), quantisation aside."""
    means = features.mean(axis=(1, 2), dtype=np.float64)        # (B, K)
    if head.channels != means.shape[1] or head.classes != scores.shape[1]:
        return False
    last, hidden = head.layers[-1], head.hidden(means)
    # Quantisation between two layers costs under 1 % of what they add up.
    size = np.abs(hidden) @ np.abs(last.weights) + np.abs(last.bias)
    return bool(np.all(np.abs(head.logits(means) - scores) <= 0.02 * len(head.layers) * size + 1e-4))


def resolve_device(device: str) -> str:
    """"auto", "cpu" or "cuda" -> the device that is there; starts CUDA once to be sure.

    Raises:
        DeviceUnavailable: CUDA was asked for and does not start.
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
            _open(model, "cuda", None, Path("a probe"))
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


def promote(model: onnx.ModelProto, anatomy: Anatomy, others: tuple[str, ...] = ()) -> onnx.ModelProto:
    """A copy whose outputs are scores, embedding, features and these others, so that one run gives them all."""
    promoted = onnx.ModelProto()
    promoted.CopyFrom(model)
    features = [anatomy.pooling.features] if anatomy.pooling else []
    del promoted.graph.output[:]                                # what only the old outputs needed is not run
    known = {entry.name: entry for entry in (*model.graph.output, *model.graph.value_info)}
    for name in dict.fromkeys([anatomy.scores, anatomy.embedding, *features, *others]):
        promoted.graph.output.append(known.get(name, onnx.ValueInfoProto(name=name)))
    return promoted


def _open(model: onnx.ModelProto, device: str, threads: int | None, path: Path) -> "onnxruntime.InferenceSession":
    """Starts a session on exactly this device."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)                  # what matters arrives as an exception
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    options.intra_op_num_threads = threads or cores()
    # Waiting threads sleep: spinning, they hold the cores that decode images (MobileNetV2, two busy cores: 37 ms per
    # image spinning, 15 ms sleeping).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [CPU]
    if device == "cuda":
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()                          # CUDA and cuDNN from the nvidia packages, if installed
        providers = [(CUDA, _CUDA_OPTIONS), CPU]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as error:  # onnxruntime's errors share no base
        if device == "cuda":
            raise DeviceUnavailable(f"onnxruntime cannot start {path} on CUDA: {error}") from None
        raise ModelError(f"onnxruntime cannot load {path}: {error}") from None
    if device == "cuda" and CUDA not in session.get_providers():
        raise DeviceUnavailable(
            f"onnxruntime has {CUDA}, but it does not start here (started: {', '.join(session.get_providers())}). "
            "Install a driver, CUDA and cuDNN of the versions at "
            "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html, or take --device cpu."
        )
    return session


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(len(array), -1)                        # (B, C, 1, 1) and the like -> (B, C)


def _are_probabilities(rows: NDArray[np.float64]) -> bool:
    return bool(np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1.0, atol=0.02))
