"""Small drawn data sets for training: what class an image is of shows in its colour. And a run that is soon over."""

from pathlib import Path

import numpy as np

from tests.pictures import draw_photo, place_image

COLOURS = {"blue": 2, "red": 0}                 # class -> the channel that is raised
TINY = {"backbone": "small", "input_size": (32, 32), "epochs": 3, "batch_size": 8, "threads": 2}    # a run of seconds


def draw_colours(folder: Path, per_class: int, colours: dict[str, int] = COLOURS, seed: int = 0) -> Path:
    """Places `per_class` images of 32 pixels in a folder for each class; no two are alike."""
    for name, channel in colours.items():
        for number in range(per_class):
            picture = draw_photo(seed + 1000 * channel + number, 32, 32).astype(int)
            picture[..., channel] += 70
            place_image(np.clip(picture, 0, 255).astype(np.uint8), folder / name / f"{number:03d}.png")
    return folder
