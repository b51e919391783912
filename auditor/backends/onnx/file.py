"""Reading an untrusted ONNX file: weights in other files are read only from its own folder."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import onnx
import onnx.inliner
from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_tensor, uses_external_data

from auditor.backends.card import ModelCard, refuse_pointer, sha256, verify
from auditor.backends.onnx.training_mode import as_inference
from auditor.errors import ModelError


@dataclass(frozen=True)
class ModelFile:
    """An ONNX model as it runs.

    Attributes:
        model: The graph with all its weights, in inference mode.
        sha256: Of its files, in hex.
        notes: What the reader must know about it, as sentences.
    """

    model: onnx.ModelProto
    sha256: str
    notes: tuple[str, ...]


def read_model(path: Path, card: ModelCard | None = None) -> tuple[onnx.ModelProto, str]:
    """`open_model`, without its notes: the model, and the sha256 of its files."""
    found = open_model(path, card)
    return found.model, found.sha256


def open_model(path: Path, card: ModelCard | None = None) -> ModelFile:
    """Reads an ONNX file, weights in other files of its folder included, and turns training mode off.

    Raises:
        ModelError: it is not an ONNX model, refers to files that are not in its folder, or only works in training mode.
        ModelMismatch: the card lists another hash.
    """
    refuse_pointer(path)
    digests = [verify(card, path) if card else sha256(path)]
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # the class of protobuf's DecodeError depends on the platform
        raise ModelError(f"{path} is not an ONNX model ({type(error).__name__}); expected a .onnx file") from None
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"{path} is not an ONNX model: it has no graph; expected a .onnx file")
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    folder = path.parent.resolve()
    for name in sorted({ExternalDataInfo(tensor).location for tensor in _tensors(model) if uses_external_data(tensor)}):
        outside = (folder / name).resolve()
        if not name or folder not in outside.parents or not outside.is_file():
            raise ModelError(
                f"{path} keeps weights in {name!r}; expected an existing file in its own folder. Copy it there as well."
            )
        refuse_pointer(outside)
        digests.append(verify(card, outside) if card else sha256(outside))
    for tensor in _tensors(model):
        if uses_external_data(tensor):
            try:
                load_external_data_for_tensor(tensor, str(folder))
            except Exception as error:  # offsets beyond the end of the file, symbolic links, and so on
                raise ModelError(f"{path}: weights in other files cannot be read: {error}") from None
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return ModelFile(model, whole, as_inference(model))


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Every tensor in a model, at any depth: initializers, attributes, subgraphs, functions."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for entry in cast(Any, value) if hasattr(value, "__len__") else (value,):
                yield from _tensors(entry)
