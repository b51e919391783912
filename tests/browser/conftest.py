"""Reports in a real browser."""

from collections.abc import Iterator

import pytest

from auditor.audit import Audit
from auditor.report.audit import write_html
from benchmarks.browser import NAMES, chromium, find_chromium
from tests.browser.pages import draw_pets, opened, scan_pets


# For the folder alone: while Playwright runs, its event loop is that of the thread, which other tests may want.
@pytest.fixture(scope="package")
def browser() -> Iterator[object]:
    """One headless Chromium for all tests of this folder."""
    pytest.importorskip("playwright", reason="tests in a browser need auditor[dev]")
    if find_chromium() is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with chromium() as running:
        yield running


@pytest.fixture
def tab(browser) -> Iterator[object]:
    """An empty page; see `opened`."""
    with opened(browser) as page:
        yield page


@pytest.fixture(scope="package")
def pets(tmp_path_factory) -> Audit:
    """The scan of drawn pets."""
    return scan_pets(draw_pets(tmp_path_factory.mktemp("drawn") / "pets"))


@pytest.fixture(scope="package")
def report(pets, tmp_path_factory) -> str:
    """The address of their page."""
    return write_html(pets, tmp_path_factory.mktemp("report")).as_uri()
