"""Pictures of the Patch tokenization page."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from mixer_viz.figures import patches as figures
from mixer_viz.figures.theme import ACCENT
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
FILTERS = RANDOM.normal(size=(6, 2, 2, 3)).astype(np.float32)
ORDER = np.array([4, 0, 5, 2, 1, 3])


def test_each_filter_is_at_its_place_on_its_own_scale() -> None:
    before = FILTERS.copy()
    picture = figures.tile_filters(FILTERS, ORDER, columns=4, gap=1)
    assert picture.shape == (2 * 3, 4 * 3, 3)
    for place, channel in enumerate(ORDER):
        row, column = divmod(place, 4)
        tile = picture[3 * row : 3 * row + 2, 3 * column : 3 * column + 2]
        weights = FILTERS[channel]
        np.testing.assert_allclose(tile, 127.5 + 127.5 * weights / np.abs(weights).max(), atol=0.5)
        assert {0, 255} & set(tile.ravel().tolist())
    assert np.array_equal(FILTERS, before)


def test_gaps_and_empty_places_are_white() -> None:
    picture = figures.tile_filters(FILTERS, ORDER, columns=4, gap=1)
    assert (picture[2::3] == 255).all()
    assert (picture[:, 2::3] == 255).all()
    assert (picture[3:, 6:] == 255).all()


def test_scaling_one_filter_changes_no_tile_and_a_zero_filter_is_grey() -> None:
    stronger = FILTERS * np.array([1, 10, 1, 1, 1, 1], np.float32)[:, None, None, None]
    plain = figures.tile_filters(FILTERS, ORDER, 4)
    assert np.array_equal(figures.tile_filters(stronger, ORDER, 4), plain)
    stronger[4] = 0
    tile = figures.tile_filters(stronger, ORDER, 4)[:2, :2]
    assert set(tile.ravel().tolist()) <= {127, 128}


@pytest.mark.parametrize("count", [1, 2, 6, 128, 768, 1024])
def test_filter_grid_has_a_cell_for_every_filter(count: int) -> None:
    filters = np.ones((count, 4, 4, 3), np.float32)
    channels = np.arange(count)
    grid = figures.filter_grid(filters, channels[::-1], channels.astype(float), np.zeros(count), channels / count)
    assert grid.rows * grid.columns >= count > (grid.rows - 1) * grid.columns
    assert grid.count == len(grid.hover) == count
    assert grid.hover[0].startswith(f"channel {count - 1}:")
    cell = 5
    assert grid.photo.shape == (cell * grid.rows, cell * grid.columns, 3)


def test_filter_grid_reads_numbers_of_the_filter_under_the_pointer() -> None:
    norm, frequency, response = np.arange(6) + 0.5, np.arange(6) / 100, -np.arange(6.0)
    hover = figures.filter_grid(FILTERS, ORDER, norm, frequency, response).hover
    for text, channel in zip(hover, ORDER, strict=True):
        numbers = [float(number) for number in re.findall(r"[-+]?\d+\.?\d*", text)]
        assert numbers == [channel, norm[channel], frequency[channel], response[channel]]
    assert "response" not in figures.filter_grid(FILTERS, ORDER, norm, frequency).hover[0]


def test_similarity_lies_over_the_greyed_crop() -> None:
    similarity = np.linspace(-1, 1, 16).astype(np.float32)
    before = CROP.copy()
    grid = figures.similarity_grid(CROP, similarity, 3)
    data = grid.payload()
    assert (data["rows"], data["columns"], data["limits"][0][0], data["limits"][0][1]) == (4, 4, -1, 1)
    assert (grid.photo[..., 0] == grid.photo[..., 1]).all()
    assert np.array_equal(CROP, before)
    assert 0 < data["opacity"] < 1


def test_patch_picture_reads_every_pixel() -> None:
    patch = CROP[:2, :2]
    grid = figures.patch_picture(patch, 0)
    assert len(grid.hover) == 4
    for cell, text in enumerate(grid.hover):
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        assert numbers == [*divmod(cell, 2), *patch[divmod(cell, 2)].tolist()]


def test_patch_vector_is_channel_major() -> None:
    """The colour, row and column that hover reads are those of the number under the pointer."""
    values = np.moveaxis(CROP[:2, :2], -1, 0).reshape(-1).astype(np.float32)
    grid = figures.patch_vector(values, CROP[:2, :2], 0)
    for index, text in enumerate(grid.hover):
        colour = ("red", "green", "blue").index(next(word for word in ("red", "green", "blue") if word in text))
        number, row, column, value = (float(found) for found in re.findall(r"[-+]?\d+\.?\d*", text))
        assert number == index
        assert value == CROP[int(row), int(column), colour] == values[index]


def test_rebuilt_grid_reads_each_patches_error() -> None:
    grid = figures.rebuilt_grid(CROP, np.linspace(0, 0.5, 16), 0.25)
    assert len(grid.hover) == 16
    assert "patch 15" in grid.hover[15]
    assert "50 %" in grid.hover[15]
    assert "25 %" in grid.shape
    assert "exact" in figures.describe_error(1e-9)
    assert "exact" not in figures.describe_error(0.001)


def test_patch_size_chart_marks_the_models_own() -> None:
    figure = figures.patch_size_chart([2, 4, 8], [256, 64, 16], [1000, 200, 50], own=4)
    (bars,) = figure.data
    assert list(bars.y) == [1000, 200, 50]
    assert [colour == ACCENT for colour in bars.marker.color] == [False, True, False]
    assert [("P = 4" in label, "S = 64" in label) for label in bars.x] == [(False, False), (True, True), (False, False)]
    assert figure.layout.yaxis.type is None  # linear: twice the parameters, twice the height


def printed(caption: str = "made") -> Figure:
    similarity = np.linspace(-0.5, 1, 16)
    tiles = figures.tile_filters(FILTERS, ORDER, 4)
    return figures.draw_patches(CROP, CROP[:2, :2], similarity, RANDOM.normal(size=(16, 6)), tiles, 6, caption)


def test_printed_figure_has_every_part_with_its_scale() -> None:
    figure = printed()
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 5
    assert len(figure.axes) == 5 + 2  # and two colour bars
    assert np.array_equal(pictures[0].images[0].get_array(), CROP)
    similarity, tokens = pictures[2].images[0], pictures[3].images[0]
    assert similarity.get_clim() == (-1, 1)
    low, high = tokens.get_clim()
    assert low == -high
    assert high == np.abs(tokens.get_array()).max()
    (frame,) = pictures[0].patches
    assert (frame.get_x(), frame.get_y(), frame.get_width()) == (3.5, 1.5, 2)  # patch 6: row 1, column 2


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_printed_figure_can_be_saved(kind: str, start: bytes) -> None:
    assert figure_bytes(printed(), kind).startswith(start)


@pytest.mark.parametrize("caption", ["$", r"a $\frac{$ b", r"$\bad$.png", "under_score^2", "a" * 300])
def test_caption_is_text_and_no_formula(caption: str) -> None:
    """It holds the name of a visitor's file."""
    assert figure_bytes(printed(caption), "svg").startswith(b"<?xml")
