"""What every test may ask for: drawn photographs, a place to put them, and the shared data where it is there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pictures import Pixels, draw_photo, place_image
from tests.training_data import draw_colours


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and weights that no clone carries."""
    folder = Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder} does not exist (set AUDITOR_SHARED)")
    return folder


@pytest.fixture(scope="session")
def mobilenet(shared, tmp_path_factory) -> Path:
    """An ONNX classifier of somebody else's: MobileNetV2, ImageNet, quantised, batch 1, uint8 input."""
    pytest.importorskip("tensorflow", reason="converting the MobileNet needs auditor[tensorflow]")
    path = tmp_path_factory.mktemp("mobilenet") / "mobilenet.onnx"
    source = shared / "models" / "mobilenet_v2_1.0_224_quant.tflite"
    command = [sys.executable, "-m", "tf2onnx.convert", "--tflite", str(source), "--output", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def photo() -> Pixels:
    """One drawn photograph."""
    return draw_photo()


@pytest.fixture
def draw() -> Callable[..., Pixels]:
    """`draw(seed, height, width)`: another seed, another photograph."""
    return draw_photo


@pytest.fixture
def place() -> Callable[..., Path]:
    """`place(pixels, path, quality=70)`: writes an image file."""
    return place_image


@pytest.fixture
def colours() -> Callable[..., Path]:
    """`colours(folder, per_class)`: draws a data set in which the colour of an image shows its class."""
    return draw_colours
