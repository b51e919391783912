"""A folder to scan."""

import pytest

from tests.store.scanned import draw_folder


@pytest.fixture
def folder(tmp_path):
    """Twelve old pictures, a broken one among them."""
    return draw_folder(tmp_path / "data")
