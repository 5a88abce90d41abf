"""What the browser gets of a picture can be read back."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from mixer_viz.figures.grid import MAX_FLOAT_CELLS, Grid, data_url, to_png
from mixer_viz.figures.theme import SCALES, lookup_table

SIGNED, MAGNITUDE = SCALES["embedding"], SCALES["norm"]


def made_grid(values: np.ndarray | None, **settings: object) -> Grid:
    rows, columns = (2, 3) if values is None else values.shape
    return Grid(title="made", rows=rows, columns=columns, description="made", values=values, **settings)


def random_values(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)


def test_few_values_travel_exactly_in_reading_order() -> None:
    values = random_values(100, 200)
    assert values.size == MAX_FLOAT_CELLS
    data = made_grid(values, scale=SIGNED).payload()
    assert data["coarse"] is False
    assert np.array_equal(np.frombuffer(base64.b64decode(data["values"]), "<f4").reshape(100, 200), values)


def test_many_values_travel_as_bytes_within_half_a_step() -> None:
    values = random_values(196, 768)
    data = made_grid(values, scale=SIGNED).payload()
    assert data["coarse"] is True
    levels = np.frombuffer(base64.b64decode(data["values"]), np.uint8).reshape(196, 768)
    step = (data["limits"][0][1] - data["limits"][0][0]) / 255
    assert np.abs(data["limits"][0][0] + levels * step - values).max() <= step / 2 * 1.0001
    assert {0, 255} & set(levels.ravel().tolist())  # the largest value is an end of the scale
    assert len(data["values"]) < 4 / 3 * values.size + 4


def test_values_of_any_memory_layout_and_type() -> None:
    values = random_values(4, 5).astype(np.float64)
    flipped = np.asfortranarray(values)[::-1]
    decoded = np.frombuffer(base64.b64decode(made_grid(flipped, scale=SIGNED).payload()["values"]), "<f4")
    np.testing.assert_array_equal(decoded.reshape(4, 5), values[::-1].astype(np.float32))


@pytest.mark.parametrize("sign", [1, -1])
def test_signed_scales_are_symmetric_about_zero(sign: int) -> None:
    data = made_grid(sign * np.array([[0.0, 1.0, 3.0]]), scale=SIGNED).payload()
    assert (data["limits"][0][0], data["limits"][0][1]) == (-3.0, 3.0)


def test_magnitudes_start_at_zero() -> None:
    data = made_grid(np.array([[2.0, 5.0]]), scale=MAGNITUDE).payload()
    assert (data["limits"][0][0], data["limits"][0][1]) == (0.0, 5.0)


@pytest.mark.parametrize("scale", [SIGNED, MAGNITUDE])
@pytest.mark.parametrize("columns", [3, MAX_FLOAT_CELLS + 1])
def test_all_zero_values_still_draw(scale: object, columns: int) -> None:
    data = made_grid(np.zeros((1, columns)), scale=scale).payload()
    assert data["limits"][0][1] > data["limits"][0][0]
    assert np.isfinite([data["limits"][0][0], data["limits"][0][1]]).all()


def test_given_limits_win() -> None:
    data = made_grid(np.array([[1.0, 2.0]]), scale=MAGNITUDE, limits=(0.0, 9.0)).payload()
    assert (data["limits"][0][0], data["limits"][0][1]) == (0.0, 9.0)


def test_colours_are_the_scales_table() -> None:
    data = made_grid(np.ones((2, 3)), scale=SIGNED).payload()
    colours = np.frombuffer(base64.b64decode(data["colours"]), np.uint8).reshape(256, 3)
    assert np.array_equal(colours, lookup_table(SIGNED))
    assert (data["quantity"], data["unit"]) == (SIGNED.quantity, SIGNED.unit)


def test_values_need_a_scale_and_must_fill_the_cells() -> None:
    with pytest.raises(ValueError, match="no scale"):
        made_grid(np.ones((2, 3))).payload()
    with pytest.raises(ValueError, match="5 values do not fill 2 x 3"):
        Grid(title="", rows=2, columns=3, description="", values=np.ones(5), scale=SIGNED).payload()


def test_payload_is_plain_json() -> None:
    grid = made_grid(random_values(2, 3), scale=SIGNED, hover=("a",) * 6, photo=np.zeros((8, 8, 3), np.uint8))
    data = grid.payload()
    assert json.loads(json.dumps(data)) == data
    assert data["hover"] == ["a"] * 6
    assert (data["count"], data["aspect"]) == (6, 1.5)


def test_small_pictures_travel_exactly_and_large_ones_nearly() -> None:
    small = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    assert np.array_equal(opened(data_url(small), "png"), small)
    ramp = np.linspace(0, 255, 200)
    large = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], 128.0), axis=-1).astype(np.uint8)
    assert np.abs(opened(data_url(large), "webp").astype(int) - large).mean() < 3
    assert len(data_url(large)) < large.size / 4


def test_to_png_zooms_without_mixing_pixels() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)
    with Image.open(io.BytesIO(to_png(picture, zoom=4))) as image:
        assert np.array_equal(np.asarray(image), np.kron(picture, np.ones((4, 4), np.uint8)))


def opened(url: str, kind: str) -> np.ndarray:
    start, data = url.split(",")
    assert start == f"data:image/{kind};base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)
