"""What the tests of training may ask for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from training_data import draw_colours


@pytest.fixture
def colours() -> Callable[..., Path]:
    """`colours(folder, per_class)`: draws a data set in which the colour of an image shows its class."""
    return draw_colours
