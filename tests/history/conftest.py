"""A folder to scan every night."""

import pytest

from tests.history.nights import Nights


@pytest.fixture
def nights(tmp_path):
    """Twenty cats and twenty dogs with right labels, and nights that nobody has scanned yet."""
    return Nights(tmp_path / "data", tmp_path / "reports")
