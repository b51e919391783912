"""A folder of reports with a run of drawn pictures, and a server of it on a free port."""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="auditor[serve] is not installed")
pytest.importorskip("uvicorn", reason="auditor[serve] is not installed")

from auditor.outputs.run import write_run
from auditor.scanning.scan import run_scan
from auditor.serving.server import listening, make_server
from auditor.settings import Settings
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, LABEL_RULES, RED, draw_tinted, place_image
from tests.serving.browser import Browser

TOKEN = "a-token-for-tests"
SWAPPED = ("cat/05.png", "cat/17.png", "dog/08.png", "dog/21.png")      # their pictures are those of the other class


@dataclass(frozen=True)
class Served:
    """Reports: `out` the folder, `run` that of the run, `name` of its data set."""

    out: Path
    run: Path

    @property
    def name(self) -> str:
        return self.run.parent.name


def draw_data(folder: Path) -> Path:
    """Sixty pictures whose tint is their class; four are in the wrong folder, and two are between both."""
    for number in range(30):
        for label, tint, other in (("cat", GREY, RED), ("dog", RED, GREY)):
            file = f"{label}/{number:02}.png"
            colour = other if file in SWAPPED else BETWEEN if number == 3 else tint
            place_image(draw_tinted(colour, 1000 * (label == "dog") + number), folder / file)
    return folder


@pytest.fixture(scope="session")
def scanned(tmp_path_factory) -> Served:
    """A run with a store beside it. Whoever changes it takes a copy, which `served` is."""
    project = tmp_path_factory.mktemp("served")
    out = project / "reports"
    settings = Settings.load(data=str(draw_data(project / "pets")), out=out, name="pets", rules=LABEL_RULES)
    page = write_run(run_scan(settings, backend=FakeBackend(), remember=out), out)
    return Served(out, page.parent)


@pytest.fixture
def served(scanned, tmp_path) -> Served:
    """A copy of its own."""
    out = tmp_path / "reports"
    shutil.copytree(scanned.out, out, symlinks=True)
    return Served(out, out / scanned.run.relative_to(scanned.out))


@pytest.fixture
def browser(served):
    """A browser that knows the token of a server of `served`."""
    with listening(0) as listener:
        server = make_server(served.out, listener, TOKEN)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Browser(int(listener.getsockname()[1]), TOKEN)
        server.should_exit = True
        thread.join()
