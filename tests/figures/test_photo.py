"""The photo with the square that the network sees."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from mixer_viz.figures.photo import PREVIEW_SIDE, photo_grid, photo_with_crop
from mixer_viz.figures.theme import ACCENT

ACCENT_RGB = ImageColor.getrgb(ACCENT)
BLUE = (0, 0, 120)


def accent_mask(preview: np.ndarray) -> np.ndarray:
    return (preview == ACCENT_RGB).all(axis=2)


def test_frame_is_where_the_crop_is() -> None:
    preview = photo_with_crop(Image.new("RGB", (200, 100), BLUE), (60, 10, 140, 90))
    rows, columns = np.nonzero(accent_mask(preview))
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (60, 10, 140, 90)
    assert tuple(preview[50, 100]) == BLUE  # inside: as it is
    for outside in (preview[50, 20], preview[50, 180], preview[5, 100], preview[95, 100]):
        assert tuple(outside) != BLUE
        assert outside.sum() > sum(BLUE)  # outside: faded to white


def test_large_photo_is_made_small_with_the_frame_in_proportion() -> None:
    preview = photo_with_crop(Image.new("RGB", (4800, 2400), BLUE), (1200, 0, 3600, 2400))
    assert preview.shape == (PREVIEW_SIDE // 2, PREVIEW_SIDE, 3)
    rows, columns = np.nonzero(accent_mask(preview))
    assert (columns.min(), columns.max() + 1) == (120, 360)
    assert (rows.min(), rows.max() + 1) == (0, 240)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (2, 2)])
def test_tiny_and_narrow_photos(size: tuple[int, int]) -> None:
    side = min(size)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    preview = photo_with_crop(Image.new("RGB", size, BLUE), (left, top, left + side, top + side))
    assert preview.shape == (size[1], size[0], 3)


def test_crop_larger_than_the_photo() -> None:
    """A crop_pct above 1 reaches beyond the edge."""
    preview = photo_with_crop(Image.new("RGB", (100, 100), BLUE), (-10, -10, 110, 110))
    rows, columns = np.nonzero(accent_mask(preview))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (0, 0, 99, 99)


def test_input_is_not_changed() -> None:
    photo = Image.new("RGB", (900, 700), BLUE)
    photo_with_crop(photo, (100, 0, 800, 700))
    assert photo.size == (900, 700)
    assert photo.getcolors() == [(900 * 700, BLUE)]


def test_grid_tells_both_sizes() -> None:
    preview = photo_with_crop(Image.new("RGB", (640, 480), BLUE), (80, 0, 560, 480))
    data = photo_grid(preview, (640, 480), 32).payload()
    assert data["aspect"] == pytest.approx(640 / 480)
    assert "640" in data["description"]
    assert "480" in data["description"]
    assert "32" in data["shape"]
    assert data["select"] == "none"
