"""Pictures of the Attributions page: which colours a value gets, which patch a pixel belongs to."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from mixer_viz.figures.attribution import maps as figures
from mixer_viz.figures.attribution.maps import MapPicture
from mixer_viz.figures.grid import Grid

RANDOM = np.random.default_rng(0)
GRID, SIDE = 4, 12
CROP = RANDOM.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def picture(values: np.ndarray, in_logits: bool = True, title: str = "made") -> MapPicture:
    return MapPicture(title, "sum +1.00", values, in_logits)


def patches(factor: float = 1.0, in_logits: bool = True) -> MapPicture:
    return picture(factor * RANDOM.normal(size=(GRID, GRID)), in_logits)


def pixels(factor: float = 1.0, in_logits: bool = True) -> MapPicture:
    return picture(factor * RANDOM.normal(size=(SIDE, SIDE)), in_logits)


def drawn(pictures: list[MapPicture], **settings: object) -> list[Grid]:
    return figures.map_grids(CROP, pictures, grid_size=GRID, **settings)  # type: ignore[arg-type]


def largest(map_picture: MapPicture) -> float:
    return float(np.abs(map_picture.values).max())


def limits_in(grid: Grid) -> list[float]:
    return grid.payload()["limits"][0]  # type: ignore[no-any-return]


def test_maps_lie_over_the_grey_crop_with_their_values_unchanged() -> None:
    maps = [patches(), pixels()]
    before, crop_before = [each.values.copy() for each in maps], CROP.copy()
    for grid, wanted in zip(drawn(maps, opacity=0.6, width=210), before, strict=True):
        assert (grid.rows, grid.columns) == wanted.shape
        sent = np.frombuffer(base64.b64decode(grid.payload()["values"]), "<f4")
        np.testing.assert_array_equal(sent, wanted.astype(np.float32).ravel())
        assert (grid.photo == grid.photo[..., :1]).all()
        assert np.abs(grid.photo[..., 0] - CROP.mean(axis=2)).max() < 1
        assert (grid.opacity, grid.width, grid.title, grid.shape) == (0.6, 210, "made", "sum +1.00")
    for each, wanted in zip(maps, before, strict=True):
        assert np.array_equal(each.values, wanted)
    assert np.array_equal(CROP, crop_before)


def test_a_click_picks_a_patch_at_both_levels() -> None:
    by_patch, by_pixel = drawn([patches(), pixels()])
    assert (by_patch.pick_side, by_pixel.pick_side) == (1, SIDE // GRID)
    for grid in (by_patch, by_pixel):
        data = grid.payload()
        assert (data["select"], data["ids"], data["cell"]) == ("cell", None, "patch")


def test_limits_are_symmetric_about_zero_and_reach_the_largest_patch() -> None:
    positive, negative = patches(), patches()
    positive.values[1, 2], negative.values[3, 0] = 7.5, -8.25
    assert [limits_in(grid) for grid in drawn([positive, negative])] == [[-7.5, 7.5], [-8.25, 8.25]]


def test_rounding_on_the_way_puts_no_patch_beyond_the_limits() -> None:
    for value in RANDOM.normal(size=50):
        (grid,) = drawn([picture(np.full((GRID, GRID), value))])
        assert grid.payload()["beyond"] == [False, False]


def test_few_single_pixels_do_not_bleach_the_map() -> None:
    values = RANDOM.uniform(-1, 1, (100, 100))
    values[0, :10] = 1000.0
    (grid,) = figures.map_grids(np.zeros((100, 100, 3), np.uint8), [picture(values)], grid_size=10)
    low, high = limits_in(grid)
    assert low == -high
    assert 0.95 < high < 1
    beyond = np.abs(values) > high
    assert beyond.mean() == pytest.approx(0.005)
    assert grid.payload()["beyond"] == [True, True]  # and the scale says so


@pytest.mark.parametrize("positive", [False, True])
def test_when_only_a_few_pixels_are_not_zero_they_are_seen(positive: bool) -> None:
    values = np.zeros((100, 100))
    values[3, 3] = 2.0
    (grid,) = figures.map_grids(np.zeros((100, 100, 3), np.uint8), [picture(values)], grid_size=10, positive=positive)
    assert limits_in(grid) == [0.0 if positive else -2.0, 2.0]


def test_shared_limits_are_the_widest_of_the_maps_in_logits_alone() -> None:
    maps = [patches(1), patches(100, in_logits=False), patches(5), patches(0.01, in_logits=False)]
    tops = [largest(each) for each in maps]
    widest = max(tops[0], tops[2])
    assert widest < tops[1]
    for shared, wanted in ((False, tops), (True, [widest, tops[1], widest, tops[3]])):
        found = np.array([limits_in(grid) for grid in drawn(maps, shared=shared)])
        np.testing.assert_allclose(found, np.stack([np.negative(wanted), wanted], axis=1), rtol=1e-6)


def test_limits_per_patch_and_per_pixel_are_not_shared() -> None:
    maps = [patches(50), pixels(1), pixels(2)]
    found = [limits_in(grid)[1] for grid in drawn(maps, shared=True)]
    alone = [limits_in(grid)[1] for grid in drawn(maps)]
    assert found == [alone[0], alone[2], alone[2]]


def test_an_empty_map_does_not_widen_the_shared_limits() -> None:
    maps = [picture(np.zeros((GRID, GRID))), picture(np.full((GRID, GRID), 0.25))]
    assert [limits_in(grid) for grid in drawn(maps, shared=True)] == [[-0.25, 0.25]] * 2
    assert limits_in(drawn(maps)[0]) == [-1.0, 1.0]


@pytest.mark.parametrize("shape", [(GRID, GRID), (SIDE, SIDE)])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("value", [0.0, -3.0, np.nan])
def test_maps_with_nothing_to_see_still_draw(shape: tuple[int, int], positive: bool, value: float) -> None:
    for shared in (False, True):
        (grid,) = drawn([picture(np.full(shape, value))], positive=positive, shared=shared)
        low, high = limits_in(grid)
        assert np.isfinite([low, high]).all()
        assert low < high


def test_positive_maps_begin_at_zero_and_forget_what_is_below() -> None:
    values = np.array([[-9.0, 1.0, 2.0, 0.0]] * GRID)
    (grid,) = drawn([picture(values)], positive=True)
    data = grid.payload()
    assert data["limits"] == [[0.0, 2.0]]
    assert data["beyond"] == [True, False]  # the scale's lower end says that negative values look like 0
    assert np.array_equal(grid.values, values)  # and hover reads them
    assert (grid.scale.kind, drawn([picture(values)])[0].scale.kind) == ("magnitude", "signed")
    shared = drawn([picture(values), picture(-values)], positive=True, shared=True)
    assert [limits_in(each) for each in shared] == [[0.0, 9.0]] * 2


@pytest.mark.parametrize("positive", [False, True])
def test_scale_names_the_quantity_and_the_level(positive: bool) -> None:
    grids = drawn([patches(), pixels(), patches(in_logits=False), pixels(in_logits=False)], positive=positive)
    assert [grid.scale.unit for grid in grids] == ["logits per patch", "logits per pixel"] + ["in its own unit"] * 2
    assert [grid.scale.quantity.split(",")[0] for grid in grids] == ["contribution"] * 2 + ["sensitivity"] * 2
    assert {"negative drawn as 0" in grid.scale.quantity for grid in grids} == {positive}


def test_description_has_title_level_and_limits() -> None:
    values = np.full((GRID, GRID), 0.125)
    grids = drawn([picture(values, title="Occlusion"), pixels()])
    for words in ("Occlusion", "sum +1.00", "each patch", "logits per patch", "from -0.125 to 0.125"):
        assert words in grids[0].description
    assert "each pixel" in grids[1].description
    assert "from 0 to 0.125" in drawn([picture(values)], positive=True)[0].description


@pytest.mark.parametrize("shape", [(SIDE, GRID), (6, 6), (2, 2), (0, 0), (SIDE + 1, SIDE + 1)])
def test_maps_must_fit_the_patches(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"a map of {shape[0]} x {shape[1]} does not fit 4 x 4 patches"):
        drawn([picture(np.ones(shape))])


def test_only_these_patches_are_replaced() -> None:
    baseline = 255 - CROP
    before, baseline_before = CROP.copy(), baseline.copy()
    mixed = figures.without_patches(CROP, baseline, [0, 6, 15], GRID)
    replaced = (mixed == baseline).all(axis=2).reshape(GRID, 3, GRID, 3).all(axis=(1, 3))
    kept = (mixed == CROP).all(axis=2).reshape(GRID, 3, GRID, 3).all(axis=(1, 3))
    assert np.flatnonzero(replaced).tolist() == [0, 6, 15]
    assert np.array_equal(kept, ~replaced)
    assert (mixed.dtype, mixed.shape) == (np.uint8, CROP.shape)
    assert np.array_equal(figures.without_patches(CROP, baseline, [], GRID), CROP)
    assert np.array_equal(figures.without_patches(CROP, baseline, range(16), GRID), baseline)
    assert np.array_equal(CROP, before)
    assert np.array_equal(baseline, baseline_before)


@pytest.mark.parametrize("patch", [-1, 16])
def test_a_patch_that_is_not_there_cannot_be_removed(patch: int) -> None:
    with pytest.raises(ValueError, match=f"patch {patch} is not between 0 and 15"):
        figures.without_patches(CROP, CROP, [patch], GRID)
    with pytest.raises(ValueError, match="do not fit"):
        figures.without_patches(CROP, CROP[:1], [0], GRID)


def test_removed_picture_has_patches_to_click() -> None:
    grid = figures.removed_grid(CROP, GRID, "Without the top 3", "3 of 16", width=200)
    data = grid.payload()
    assert (data["rows"], data["columns"], data["select"], data["pick_side"]) == (GRID, GRID, "cell", 1)
    assert (data["title"], data["shape"], data["width"]) == ("Without the top 3", "3 of 16", 200)
    assert "Without the top 3 (3 of 16)" in data["description"]
    assert np.array_equal(grid.photo, CROP)


def test_agreement_reads_pairs_and_says_where_there_is_no_order() -> None:
    matrix = np.array([[1.0, -0.25, np.nan], [0.5, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    before = matrix.copy()
    grid = figures.agreement_grid(matrix, ["A", "B", "C"])
    data = grid.payload()
    assert data["limits"] == [[-1.0, 1.0]]
    assert data["select"] == "none"
    assert data["hover"][1] == "A and B: rank correlation -0.25"
    assert data["hover"][3] == "B and A: rank correlation +0.50"
    assert data["hover"][5] == "B and C: no order"
    assert grid.values.tolist() == [[1.0, -0.25, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert np.array_equal(matrix, before, equal_nan=True)
    pairs = re.findall(r"[ABC] and [ABC]: [^;.]*(?:\.\d+)?", data["description"])
    assert pairs == ["A and B: rank correlation -0.25", "A and C: no order", "B and C: no order"]
    figures.agreement_grid(np.ones((1, 1)), ["A"]).payload()
