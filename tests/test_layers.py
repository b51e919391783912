"""Imports run one way, and the command line stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "auditor"

# From the top down; a module may import from its own row or from one below.
ROWS: tuple[tuple[str, ...], ...] = (
    ("cli", "__main__"),
    ("commands",),
    ("demo.run",),
    (
        "scanning", "measuring", "modelshelf", "modelshelf_text", "training", "report", "exports", "runfolder", "why",
        "explain",
    ),
    ("evaluation",),
    ("evidence", "drawings", "findings", "table", "estimate", "ranking", "judging", "imagenet_view", "matching"),
    (
        "checks", "backends", "engines", "probe", "labels", "neighbours", "heatmap", "head", "saliency", "occlusion",
        "duplicates",
    ),
    (
        "dataset", "tfrecords", "placing", "publication", "hashing", "folders", "layout", "manifests", "metadata",
        "images", "modelcard", "classes", "imagenet", "audit", "demo", "curves", "components",
    ),
    ("resources",),
    ("settings", "progress"),
    ("errors",),
)
APART = ("checks", "report", "backends")                        # never import each other
LAZY_ROOT = "__init__"                                          # `auditor.scan` imports when it is called
HEAVY = ("tensorflow", "keras", "ray", "tf2onnx")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def row_of(module: str) -> int:
    names = [module, module.partition(".")[0]]
    return next(row for name in names for row, names_in in enumerate(ROWS) if name in names_in)


def imports(path: Path) -> set[str]:
    """Modules of auditor that a file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("auditor."):
            found.add(node.module.removeprefix("auditor."))
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("auditor.") for alias in node.names if alias.name.startswith("auditor.")}
    return found


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if module_of(path) != LAZY_ROOT]


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_imports_run_downward(path):
    own = module_of(path)
    upward = {name for name in imports(path) if row_of(name) < row_of(own)}

    # A Keras backend builds the network that training builds; that is one import, inside the function that needs it.
    allowed = {"training.resnet50"} if own == "backends.keras" else set()
    assert upward <= allowed


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_checks_report_and_backends_do_not_know_each_other(path):
    room = module_of(path).partition(".")[0]
    if room in APART:
        assert not {name for name in imports(path) if name.partition(".")[0] in set(APART) - {room}}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that are loaded after running code in a new interpreter."""
    code += "\nimport sys; print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return set(output.rpartition("MODULES")[2].split())


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from auditor.cli import app\n"
        "sys.argv = ['auditor', '--help']\n"
        "try: app()\nexcept SystemExit: pass"
    )

    assert not loaded_after(code) & {*HEAVY, "onnxruntime", "onnx", "cv2", "pandas", "numpy"}


def test_a_scan_with_onnx_loads_no_tensorflow(tmp_path, photo, draw, place):
    for number in range(3):
        place(draw(number), tmp_path / "data" / "cat" / f"{number}.jpg")
        place(draw(10 + number), tmp_path / "data" / "dog" / f"{number}.jpg")
    code = (
        "import sys; from auditor.cli import app\n"
        f"sys.argv = ['auditor', 'scan', {str(tmp_path / 'data')!r}, '--out', {str(tmp_path / 'reports')!r}]\n"
        "try: app()\nexcept SystemExit as end: assert end.code == 0, end.code"
    )

    loaded = loaded_after(code)
    assert "onnxruntime" in loaded
    assert not loaded & set(HEAVY)
