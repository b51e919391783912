"""What every test may ask for: drawn photographs, a place to put them, and the shared data where it is there."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pictures import Pixels, draw_photo, place_image
from tests.training_data import TINY, draw_colours

if TYPE_CHECKING:
    from auditor.audit import Audit
    from auditor.evaluation import Evaluation
    from auditor.training.finish import Trained


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and weights that no clone carries."""
    folder = Path(os.environ.get("AUDITOR_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder} does not exist (set AUDITOR_SHARED)")
    return folder


@pytest.fixture(scope="session")
def mobilenet(shared, pytestconfig) -> Path:
    """An ONNX classifier of somebody else's: MobileNetV2, ImageNet, quantised, batch 1, uint8 input.

    The conversion takes half a minute, so that pytest's cache keeps its result for other processes and later runs.
    """
    pytest.importorskip("tensorflow", reason="converting the MobileNet needs auditor[tensorflow]")
    source = shared / "models" / "mobilenet_v2_1.0_224_quant.tflite"
    content = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    path = pytestconfig.cache.mkdir(f"mobilenet-{content}-tf2onnx-{version('tf2onnx')}") / "mobilenet.onnx"
    if not path.exists():
        partial = path.with_name(f"partial-{os.getpid()}.onnx")
        command = [sys.executable, "-m", "tf2onnx.convert", "--tflite", str(source), "--output", str(partial)]
        subprocess.run(command, check=True, capture_output=True)
        partial.replace(path)
    return path


@pytest.fixture(scope="session")
def audit(tmp_path_factory) -> "Audit":
    """What a scan made of the folder of `tests/report/scanned.py`; nobody changes its table in place."""
    from tests.report.scanned import draw_folder, scan_folder

    root = tmp_path_factory.mktemp("scanned") / "stickers"
    draw_folder(root)
    return scan_folder(root)


@pytest.fixture(scope="session")
def modelless(tmp_path_factory) -> "Audit":
    """What a scan without a model made of the same folder."""
    from tests.report.scanned import draw_folder, scan_without_model

    root = tmp_path_factory.mktemp("modelless") / "stickers"
    draw_folder(root)
    return scan_without_model(root)


@pytest.fixture(scope="session")
def evaluations(tmp_path_factory) -> "dict[str, Evaluation]":
    """Evaluations of the folders of `tests/report/evaluated.py`, by name."""
    from tests.report.evaluated import evaluate_folders

    return evaluate_folders(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> "Trained":
    """A training run of the small network: 90 images and a broken one in `data`, the model in `models/pets` beside it.

    Whoever changes a file takes a copy.
    """
    pytest.importorskip("tensorflow", reason="training needs auditor[tensorflow]")
    pytest.importorskip("tf2onnx", reason="exporting needs auditor[tensorflow]")
    from auditor.training.command import run_training

    project = tmp_path_factory.mktemp("project")
    data = draw_colours(project / "data", 45)
    (data / "red" / "broken.png").write_bytes(b"not an image")
    return run_training({"data": data, "out": project / "models" / "pets", **TINY})


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
