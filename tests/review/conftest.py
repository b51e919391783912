"""A data set that somebody decides about."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.review.deciding import Deciding


@pytest.fixture
def memory(tmp_path):
    """A folder in memory where the system has one: what is on the disk at once there takes a third of the time."""
    if not Path("/dev/shm").is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="auditor-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def pets(tmp_path):
    """Four cats, one of them deeper, and three dogs."""
    pets = Deciding(tmp_path)
    pets.place("cat/a.jpg", "cat/b.jpg", "cat/c.jpg", "cat/deep/d.jpg", "dog/a.jpg", "dog/e.jpg", "dog/f.jpg")
    return pets
