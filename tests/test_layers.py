"""Imports run one way, and the command line stays light."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "auditor"
APART = ("checks", "report", "backends")                        # never import each other
ABOVE_ALL = ("__init__", "__main__", "cli")                     # these may import what they like
HEAVY = ("tensorflow", "keras", "ray", "tf2onnx")


def documented_rooms() -> dict[str, str]:
    """Room -> purpose, from the top down, as docs/architecture.md has them."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)/` \| (.+) \|$", text, flags=re.MULTILINE))


ROOMS = documented_rooms()
ORDER = {room: place for place, room in enumerate(ROOMS)}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = [module for module in FILES if module not in ABOVE_ALL]


def room_of(module: str) -> str | None:
    """The folder of `auditor/` that it lies in; None for a file at the top."""
    first = module.partition(".")[0]
    return first if (PACKAGE / first).is_dir() else None


def imports(module: str, *, at_once: bool = False) -> set[str]:
    """Modules of auditor that a file imports: anywhere, or only those that are loaded together with it."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    inside = [
        node for part in ast.walk(tree) if isinstance(part, ast.FunctionDef) or is_for_types(part)
        for node in ast.walk(part)
    ]  # fmt: skip
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not (at_once and node in inside):
            if node.module == "auditor":
                found |= {alias.name for alias in node.names if alias.name in FILES}
            elif node.module.startswith("auditor."):
                base = node.module.removeprefix("auditor.")
                found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base for alias in node.names}
    return found


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_the_documented_rooms_are_those_that_are_there():
    there = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}

    assert set(ROOMS) == there
    assert len([path for path in PACKAGE.iterdir() if path.is_file()]) <= 12


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_as_the_documentation_does(room):
    docstring = ast.get_docstring(ast.parse(FILES[room].read_text(encoding="utf-8")))

    assert docstring.split("\n")[0] == ROOMS[room]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downward(module):
    own = room_of(module)
    for other in imports(module) - set(ABOVE_ALL):
        room = room_of(other)
        if own is None:
            assert room is None, f"a file at the top imports the room {room}"
        elif room is not None:
            assert ORDER[own] <= ORDER[room], f"{own} is below {room}"


def test_no_file_is_loaded_in_order_to_load_itself():
    graph = {module: imports(module, at_once=True) for module in FILES}

    tuple(TopologicalSorter(graph).static_order())              # raises CycleError


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) in APART])
def test_checks_report_and_backends_do_not_know_each_other(module):
    assert not {room_of(other) for other in imports(module)} & (set(APART) - {room_of(module)})


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
