"""What ships: the wheel, installed into an empty environment, scans."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPOSITORY)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_templates_and_the_model(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert "auditor/templates/report.html.j2" in names
    assert "auditor/classes/imagenet.tsv" in names
    assert "auditor/py.typed" in names
    assert "auditor/models/catdog-resnet50/model.json" in names
    assert "auditor/models/catdog-resnet50/model.int8.onnx" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "reports/"))]


@pytest.mark.slow
def test_it_scans_from_an_empty_environment(wheel, tmp_path, draw, place):
    for number in range(4):
        place(draw(number), tmp_path / "data" / "cat" / f"{number}.jpg")
        place(draw(20 + number), tmp_path / "data" / "dog" / f"{number}.jpg")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(python, "-m", "pip", "install", "-q", "--constraint", REPOSITORY / "constraints.txt", wheel)

    # Isolated mode and another working directory: nothing of the checkout can be imported.
    printed = run(python, "-I", "-m", "auditor", "scan", "data", "--out", "reports", cwd=tmp_path)

    assert (tmp_path / printed.splitlines()[-1]).is_file()
    installed = run(python, "-m", "pip", "list", "--format=freeze").lower()
    assert "tensorflow" not in installed
    assert "keras" not in installed
