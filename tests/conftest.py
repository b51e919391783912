"""What every test may ask for: drawn photographs, a place to put them, and the shared data where it is there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


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


def draw_photo(seed: int = 0, height: int = 96, width: int = 128) -> Pixels:
    """(height, width, 3): soft light, a few shapes and a little grain, so that it compresses like a photograph."""
    rng = np.random.default_rng(seed)
    light = cv2.resize(
        rng.uniform(40, 215, (4, 5, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    picture = np.ascontiguousarray(light)
    for _ in range(4):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = tuple(float(value) for value in rng.uniform(0, 255, 3))
        cv2.circle(picture, centre, int(rng.integers(5, 5 + max(1, height // 4))), colour, -1, cv2.LINE_AA)
    picture += rng.normal(0, 3, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def place_image(pixels: Pixels, path: Path, **options: object) -> Path:
    """Writes pixels as the format that the extension names, with Pillow's options; makes the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
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
