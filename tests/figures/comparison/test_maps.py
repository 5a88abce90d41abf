"""Pictures of the page "Token mixers compared": every value at its place, all networks in one scale."""

from __future__ import annotations

import base64
import json
import warnings

import numpy as np
import pytest

from mixer_viz.figures.comparison import maps as figures
from mixer_viz.figures.grid import Grid

RANDOM = np.random.default_rng(0)
CROP = RANDOM.integers(0, 256, (16, 16, 3), dtype=np.uint8)
TITLES = ["MLP over tokens", "no mixing", "attention"]


def shares(tokens: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random((tokens, tokens))
    return values / values.sum(axis=1, keepdims=True)


MATRICES = [shares(16), np.eye(16), shares(16, 2) ** 3 / (shares(16, 2) ** 3).sum(axis=1, keepdims=True)]


def sent(grid: Grid) -> np.ndarray:
    data = grid.payload()
    json.dumps(data, allow_nan=False)
    assert not data["coarse"]
    return np.frombuffer(base64.b64decode(data["values"]), "<f4")


def test_matrices_arrive_in_percent_and_a_click_picks_the_token_of_the_row() -> None:
    before = [matrix.copy() for matrix in MATRICES]
    for grid, title, matrix in zip(figures.matrix_grids(TITLES, MATRICES), TITLES, before, strict=True):
        np.testing.assert_allclose(sent(grid), 100 * matrix.ravel(), rtol=1e-6)
        assert (grid.title, grid.rows, grid.columns) == (title, 16, 16)
        assert (grid.select, grid.across, grid.scale.label) == ("row", "listens to token", "share of listening (%)")
        assert (title in grid.description, "rows sum to 100 %" in grid.description) == (True, True)
        assert grid.shape == "16 × 16, rows sum to 100 %"
    assert all(np.array_equal(matrix, old) for matrix, old in zip(MATRICES, before, strict=True))


def test_all_matrices_share_limits_that_a_network_without_mixing_does_not_widen() -> None:
    grids = figures.matrix_grids(TITLES, MATRICES)
    (limits,) = {grid.limits for grid in grids}
    assert limits == figures.shared_limits(MATRICES) == figures.shared_limits([MATRICES[0], MATRICES[2]])
    others = np.concatenate([np.sort(matrix)[:, :-1].ravel() for matrix in (MATRICES[0], MATRICES[2])])
    assert limits == (0.0, pytest.approx(100 * np.percentile(others, 99.5)))
    above = [grid.payload()["beyond"] for grid in grids]
    assert above[1] == [False, True]  # the scale says that the diagonal lies beyond it
    assert f"0 to {limits[1]:.3g}" in grids[0].description


def test_signed_limits_are_symmetric_and_in_the_unit_of_the_values() -> None:
    rows = [np.array([-3.0, 1.0, 9.0, 0.0]), np.array([0.5, -0.5, 0.0, 0.0])]
    low, high = figures.shared_limits(rows, signed=True)
    assert low == -high
    assert high == pytest.approx(np.percentile([3.0, 1.0, 0.5], 99.5))


def test_rows_that_sum_to_less_say_so() -> None:
    matrix = shares(4)
    matrix[2] = 0
    (grid,) = figures.matrix_grids(["a"], [matrix])
    assert grid.shape == "4 × 4, rows sum to 0 to 100 %"


@pytest.mark.parametrize("signed", [False, True])
def test_listening_lies_over_the_grey_crop_in_the_limits_of_the_matrices(signed: bool) -> None:
    before = CROP.copy()
    rows = [matrix[5] * (-1 if signed else 1) for matrix in MATRICES]
    grids = figures.jacobian_grids(CROP, TITLES, rows, 5, limits=(-7.0 if signed else 0.0, 7.0), signed=signed)
    for grid, title, row in zip(grids, TITLES, rows, strict=True):
        np.testing.assert_allclose(sent(grid), row if signed else 100 * row, rtol=1e-6)
        assert (grid.rows, grid.columns, grid.title, grid.limits[1]) == (4, 4, title, 7.0)
        assert grid.scale.kind == ("signed" if signed else "magnitude")
        assert (grid.photo == grid.photo[..., :1]).all()
        assert (grid.select, grid.ids, grid.pick_side) == ("cell", None, 1)
        assert "token 5" in grid.description
    assert [grid.shape for grid in grids][1] == ("itself -1" if signed else "itself 100 %, sum 100 %")
    assert np.array_equal(CROP, before)
    own = figures.jacobian_grids(CROP, TITLES, rows, 5, signed=signed)
    assert {grid.limits for grid in own} == {figures.shared_limits(rows, signed=signed)}


def test_field_has_a_tile_for_each_block_that_sums_to_100_and_says_where_half_of_it_is() -> None:
    maps = np.stack([np.eye(16)[5], np.full(16, 1 / 16)]).reshape(2, 4, 4)
    first, second = figures.field_grids(CROP, "attention", maps, np.array([1 / 16, 0.5]), limits=(0.0, 20.0))
    np.testing.assert_allclose(sent(first).sum(), 100)
    np.testing.assert_allclose(sent(second), 6.25)
    assert [first.title, second.title] == ["Block 1", "Block 2"]
    assert [first.shape, second.shape] == ["half in 6.25 %", "half in 50 %"]
    assert all("sum 100 %" in each.description for each in (first, second))
    assert (first.limits, second.limits) == ((0.0, 20.0), (0.0, 20.0))
    assert [first.payload()["beyond"][1], second.payload()["beyond"][1]] == [True, False]
    assert "attention" in second.description
    assert [first.show_scale, second.show_scale] == [True, False]
    assert figures.field_grids(CROP, "", maps, np.zeros(2))[0].limits == (0.0, pytest.approx(6.25))


def test_a_click_in_a_field_of_pixels_picks_a_patch() -> None:
    maps = np.full((2, 16, 16), 1 / 256)
    (grid, _) = figures.field_grids(CROP, "a", maps, np.full(2, 0.5), grid_size=4)
    assert (grid.rows, grid.columns, grid.pick_side) == (16, 16, 4)
    grid.payload()


def test_a_block_without_gradient_says_so() -> None:
    (grid,) = figures.field_grids(CROP, "a", np.full((1, 4, 4), np.nan), np.array([np.nan]))
    assert (grid.shape, grid.limits) == ("no gradient", (0.0, 1.0))
    assert (sent(grid) == 0).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 0.25])
@pytest.mark.parametrize("side", [1, 2, 16])
def test_pictures_with_nothing_to_see_and_of_any_size_draw_without_warnings(value: float, side: int) -> None:
    matrix = np.full((side**2, side**2), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grids = figures.matrix_grids(["a"], [matrix])
        for signed in (False, True):
            grids += figures.jacobian_grids(CROP, ["a"], [matrix[0]], 0, signed=signed)
        for grid in grids:
            assert grid.limits[0] < grid.limits[1] < np.inf
            json.dumps(grid.payload(), allow_nan=False)
            assert np.isfinite(value) or not grid.values.any()


def test_rounding_on_the_way_puts_nothing_beyond_the_limits() -> None:
    for side in (3, 5, 6, 7, 9):
        (grid,) = figures.matrix_grids(["a"], [np.full((side, side), 1 / side)])
        assert grid.payload()["beyond"] == [False, False]


@pytest.mark.parametrize("name", ["<b>&", "$x^2$", "%{y}", "word " * 40, ""])
def test_names_stay_as_they_are(name: str) -> None:
    grids = figures.matrix_grids([name], MATRICES[:1]) + figures.jacobian_grids(CROP, [name], [MATRICES[0][0]], 0)
    assert {grid.payload()["title"] for grid in grids} == {name}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="not square"):
        figures.matrix_grids(["a"], [np.ones((2, 3))])
    with pytest.raises(ValueError, match=r"longer|shorter"):
        figures.matrix_grids(["a"], MATRICES)
    with pytest.raises(ValueError, match="no square grid"):
        figures.jacobian_grids(CROP, ["a"], [np.ones(5)], 0)
    with pytest.raises(ValueError, match="token 16 is not between 0 and 15"):
        figures.jacobian_grids(CROP, ["a"], [np.ones(16)], 16)
    with pytest.raises(ValueError, match="2 maps and 1 areas"):
        figures.field_grids(CROP, "a", np.ones((2, 4, 4)), np.ones(1))
