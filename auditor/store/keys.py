"""What results depend on beside the content: one text for the reader, one for the model."""

import json
from importlib.metadata import PackageNotFoundError, version

import cv2
from PIL import __version__ as pillow_version

from auditor.backends.base import Backend
from auditor.engines import Task
from auditor.engines.steps import ALL_MAPS_UP_TO, INFERENCE_VERSION, TOP_MAPS, least_side
from auditor.images.description import WORKING_SIDE
from auditor.images.perceptual_hash import MINIATURE_SIDE
from auditor.images.properties import PROPERTIES
from auditor.images.reader import READER_VERSION

# What runs a model of each kind; onnxruntime comes under two names.
_RUNTIMES = {"onnx": ("onnxruntime", "onnxruntime-gpu"), "keras": ("keras", "tensorflow", "tensorflow-cpu")}


def reader_key(task: Task) -> str:
    """Everything that decides on what reading and describing an image gives."""
    description = [WORKING_SIDE, MINIATURE_SIDE, *PROPERTIES] if task.describe else []
    return _text({**_decoder(task), "max_pixels": task.limits.max_pixels, "describes": description})


def model_key(task: Task, backend: Backend) -> str:
    """Everything that decides on the numbers of a model: other pixels, another runtime or device give others."""
    card, head = backend.card, backend.head
    return _text({
        **_decoder(task),
        "sha256": backend.sha256,
        "inference": INFERENCE_VERSION,
        "backend": f"{type(backend).__module__}.{type(backend).__qualname__}",
        "runtime": _installed(_RUNTIMES.get(backend.kind, ())),
        "device": backend.device,
        "preprocessing": card.preprocessing,
        "input_size": card.input_size,
        "output": card.output,
        "classes": None if head is None else head.classes,
        "maps": [head is not None, ALL_MAPS_UP_TO, TOP_MAPS],
    })  # fmt: skip


def _decoder(task: Task) -> dict[str, object]:
    libraries = {"pillow": pillow_version, "opencv": cv2.__version__, **_installed(("simplejpeg", "pillow-heif"))}
    return {"reader": READER_VERSION, "at_least": least_side(task), "libraries": libraries}


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _text(parts: dict[str, object]) -> str:
    return json.dumps(parts, sort_keys=True)
