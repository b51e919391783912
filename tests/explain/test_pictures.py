"""Pictures: hot is where the map is high, and a tile shows its own range."""

import cv2
import numpy as np

from auditor.explain.pictures import cells, contrast_cells, fit, grid, png, tile
from auditor.heatmaps.grad_cam import contrast_legend, legend


def rgb(colour):
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def test_cells_are_shown_as_they_are_hot_in_their_place():
    heat = np.zeros((2, 4), np.float32)
    heat[1, 2] = 1

    picture = cells(heat, (100, 200), "inferno")

    assert picture.shape == (100, 200, 3)
    assert tuple(picture[75, 125]) == rgb(legend("inferno")[-1])
    assert tuple(picture[25, 125]) == tuple(picture[75, 25]) == rgb(legend("inferno")[0])
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 2                  # no colour between cells


def test_a_contrast_has_the_colour_of_its_class():
    against, towards = contrast_legend()

    picture = contrast_cells(np.array([[-1.0, 0.0, 1.0]]), (10, 30))

    assert tuple(picture[5, 5]) == rgb(against)
    assert tuple(picture[5, 25]) == rgb(towards)
    assert picture[5, 15].max() < 30


def test_a_tile_runs_from_its_lowest_value_to_its_highest():
    feature = np.array([[-4.0, 0.0], [2.0, 8.0]])

    picture = tile(feature, "viridis")

    assert picture.shape == (128, 128, 3)
    assert tuple(picture[0, 0]) == rgb(legend("viridis")[0])
    assert tuple(picture[-1, -1]) == rgb(legend("viridis")[-1])


def test_maps_of_nan_are_drawn():
    assert tile(np.full((3, 3), 5.0), "inferno").std() == tile(np.zeros((3, 3)), "inferno").std()
    assert tile(np.array([[np.nan, 1.0], [0.0, np.inf]]), "jet").shape == (128, 128, 3)


def test_pictures_for_slides_have_one_size_and_keep_their_shape(draw):
    assert fit(draw(0, 30, 60)).shape == (256, 512, 3)
    assert fit(draw(0, 3, 900)).shape == (2, 512, 3)


def test_a_grid_holds_every_tile_in_order():
    tiles = [np.full((20, 20, 3), 10 * place, np.uint8) for place in range(1, 11)]

    sheet = grid(tiles, [str(place) for place in range(1, 11)])

    assert sheet.shape == (2 * 44 + 6, 8 * 26 + 6, 3)
    assert sheet[10, 10, 0] == 10 and sheet[10, 36, 0] == 20 and sheet[54, 36, 0] == 100


def test_a_png_is_red_where_the_picture_is():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 0] = 200

    decoded = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)

    assert tuple(decoded[0, 0]) == (0, 0, 200)                  # OpenCV reads BGR
