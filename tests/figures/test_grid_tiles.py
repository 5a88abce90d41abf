"""Grids of small maps, and grids that play through frames, as the browser gets them."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from mixer_viz.figures.grid import MAX_FLOAT_CELLS, Grid
from mixer_viz.figures.theme import SCALES

SIGNED, MAGNITUDE = SCALES["reads"], SCALES["jacobian norm"]
RANDOM = np.random.default_rng(0)


def tiled(maps: np.ndarray, columns: int, **settings: object) -> Grid:
    count = len(maps)
    size = {"rows": -(-count // columns), "columns": columns, "count": count, "tile": maps.shape[1:], "scale": SIGNED}
    return Grid(title="made", description="made", values=maps, **(size | settings))


def read(data: dict[str, object], key: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(data[key]), kind)


def weights_in(data: dict[str, object], shape: tuple[int, ...]) -> np.ndarray:
    """What the browser computes from the bytes: each tile's share of its own largest value, times that value."""
    levels = read(data, "values", np.uint8).reshape(shape)
    return (levels - 128.0) / 127 * read(data, "peaks", "<f4")[:, None, None]


@pytest.mark.parametrize(("count", "columns"), [(6, 3), (5, 4), (1, 2)])
def test_each_tile_travels_within_half_a_step_of_its_own_largest_weight(count: int, columns: int) -> None:
    maps = RANDOM.normal(size=(count, 2, 3)) * 10.0 ** np.arange(-4, count - 4)[:, None, None]
    data = tiled(maps, columns).payload()
    assert (data["tile"], data["count"], data["coarse"], data["limits"]) == ((2, 3), count, True, None)
    peaks = np.abs(maps).max(axis=(1, 2))
    np.testing.assert_allclose(read(data, "peaks", "<f4"), peaks, rtol=1e-6)
    error = np.abs(weights_in(data, maps.shape) - maps).max(axis=(1, 2))
    assert (error <= peaks / 254 * 1.001).all()  # a weak unit keeps its pattern beside a strong one
    levels = read(data, "values", np.uint8).reshape(count, -1)
    assert levels.min() >= 1  # the browser counts on -127 to 127 about 128
    assert [{1, 255} & set(tile.tolist()) != set() for tile in levels] == [True] * count


def test_zero_is_exactly_zero_and_an_empty_tile_stays_finite() -> None:
    maps = np.array([[[0.0, 2.0], [-2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    data = tiled(maps, 2).payload()
    assert read(data, "values", np.uint8).tolist() == [128, 255, 1, 128, 128, 128, 128, 128]
    assert read(data, "peaks", "<f4").tolist() == [2.0, 0.0]
    assert np.array_equal(weights_in(data, maps.shape), maps)


def test_magnitudes_in_tiles_use_the_whole_byte() -> None:
    maps = RANDOM.random((3, 2, 2)) * np.array([1.0, 100.0, 0.0])[:, None, None]
    data = tiled(maps, 3, scale=MAGNITUDE).payload()
    assert (data["signed"], tiled(maps, 3).payload()["signed"]) == (False, True)
    levels = read(data, "values", np.uint8).reshape(maps.shape)
    assert levels.max(axis=(1, 2)).tolist() == [255, 255, 0]
    peaks = read(data, "peaks", "<f4")[:, None, None]
    assert (np.abs(levels / 255 * peaks - maps) <= peaks / 510 * 1.001).all()


def test_one_scale_for_all_tiles_is_one_pair_of_limits() -> None:
    assert tiled(RANDOM.normal(size=(4, 2, 2)), 2, limits=(-3.0, 3.0)).payload()["limits"] == [[-3.0, 3.0]]


@pytest.mark.parametrize("maps", [np.ones((5, 2, 2)), np.ones((6, 2, 3)), np.ones((4, 2, 1))])
def test_tiles_must_fill_the_cells_in_use(maps: np.ndarray) -> None:
    grid = Grid(title="", rows=2, columns=3, count=4, description="", values=maps, scale=SIGNED, tile=(2, 2))
    with pytest.raises(ValueError, match=f"{maps.size} values do not fill 16 cells of tiles"):
        grid.payload()


def test_tiles_without_a_count_fill_every_cell() -> None:
    data = Grid(
        title="", rows=2, columns=3, description="", values=np.ones((6, 4)), scale=SIGNED, tile=(2, 2)
    ).payload()
    assert (data["count"], len(read(data, "peaks", "<f4"))) == (6, 6)


def test_ids_groups_and_words_travel_as_plain_json() -> None:
    grid = tiled(np.ones((3, 2, 2)), 2, ids=np.array([7, 0, 4]), group=2, across="reads token", frames=1)
    data = grid.payload()
    assert json.loads(json.dumps(data)) == data | {"tile": [2, 2]}
    assert (data["ids"], data["group"], data["across"]) == ([7, 0, 4], 2, "reads token")
    assert tiled(np.ones((3, 2, 2)), 2).payload()["ids"] is None


def framed(values: np.ndarray, rows: int, columns: int, **settings: object) -> Grid:
    return Grid(title="made", rows=rows, columns=columns, description="", values=values, frames=len(values), **settings)


def test_frames_follow_each_other_each_with_its_own_limits() -> None:
    values = np.stack([np.arange(6.0), 10 * np.arange(6.0), -np.arange(6.0)])
    limits = np.array([[-5.0, 5.0], [-50.0, 50.0], [-5.0, 5.0]])
    data = framed(values, 2, 3, scale=SIGNED, limits=limits, notes=("a", "b", "c")).payload()
    assert data["frames"] == 3
    assert data["limits"] == limits.tolist()
    assert data["notes"] == ("a", "b", "c")
    assert data["count"] == 6  # of one frame
    assert np.array_equal(read(data, "values", "<f4").reshape(3, 6), values)


def test_many_frames_travel_as_bytes_within_half_a_step_of_their_own_scale() -> None:
    values = RANDOM.normal(size=(3, 100, 80)) * np.array([1.0, 100.0, 0.01])[:, None, None]
    assert values.size > MAX_FLOAT_CELLS
    limits = np.array([SIGNED.limits(frame) for frame in values])
    data = framed(values, 100, 80, scale=SIGNED, limits=limits).payload()
    assert data["coarse"] is True
    levels = read(data, "values", np.uint8).reshape(3, 100, 80)
    for frame, (low, high), wanted in zip(levels, data["limits"], values, strict=True):
        step = (high - low) / 255
        assert np.abs(low + frame * step - wanted).max() <= step / 2 * 1.0001


@pytest.mark.parametrize("columns", [3, MAX_FLOAT_CELLS])
def test_frames_without_limits_share_the_scale_of_all(columns: int) -> None:
    values = np.stack([np.full(columns, 1.0), np.full(columns, 4.0)])
    data = framed(values, 1, columns, scale=MAGNITUDE).payload()
    assert data["limits"] == [[0.0, 4.0]]
    if data["coarse"]:
        levels = read(data, "values", np.uint8).reshape(2, columns)
        assert (levels[0, 0], levels[1, 0]) == (64, 255)  # not each frame on its own


def test_frames_must_be_full() -> None:
    with pytest.raises(ValueError, match="11 values do not fill 2 frames of 2 x 3 cells"):
        Grid(title="", rows=2, columns=3, description="", values=np.ones(11), frames=2, scale=SIGNED).payload()
