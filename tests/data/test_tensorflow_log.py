"""TensorFlow is loaded without what it says about itself; what matters is still shown."""

import os
import subprocess
import sys

import pytest

SAYS = "W0000 00:00:1795933096.78 1 port.cc:153] rounding\\nWARNING: All log messages before absl::InitializeLog()\\n"
MATTERS = "F0000 no AVX here\\n"


def stderr_of(code, **environment):
    """What is left on stderr, also of what compiled code writes there."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    if "TF_CPP_MIN_LOG_LEVEL" not in environment or environment["TF_CPP_MIN_LOG_LEVEL"] == "":
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    return done.stderr


def loading(then):
    return (
        "import os; from auditor.data.tensorflow_log import without_log\n"
        f"with without_log():\n    os.write(2, b'{SAYS}{MATTERS}')\n    {then}"
    )


def test_its_log_is_left_out_and_anything_else_is_shown():
    assert stderr_of(loading("pass"), TF_CPP_MIN_LOG_LEVEL="") == "F0000 no AVX here\n"


def test_all_of_it_is_shown_where_it_cannot_be_loaded():
    shown = stderr_of(loading("raise ImportError('libtensorflow.so')"), TF_CPP_MIN_LOG_LEVEL="")

    assert "rounding" in shown and "no AVX here" in shown and "ImportError: libtensorflow.so" in shown


def test_whoever_asks_for_the_log_gets_it():
    assert "rounding" in stderr_of(loading("pass"), TF_CPP_MIN_LOG_LEVEL="0")


@pytest.mark.parametrize(
    "load",
    [
        "from auditor.data.tfrecords import load_tensorflow; load_tensorflow().constant([1.0]) + 1",
        "from auditor.backends.keras.backend import *; resolve_device(import_keras(2), 'auto')",
        "from auditor.model_export.keras_to_onnx import import_tools; import_tools()",
    ],
)
def test_nothing_is_said_by_tensorflow_itself(load):
    pytest.importorskip("tensorflow", reason="needs auditor[tensorflow]")

    assert stderr_of(load, TF_CPP_MIN_LOG_LEVEL="") == ""
