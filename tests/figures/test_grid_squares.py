"""Grids whose clicks pick squares of cells, and whose scales have open ends, as the browser gets them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mixer_viz.figures.grid import MAX_FLOAT_CELLS, Grid
from mixer_viz.figures.theme import SCALES, Scale

SIGNED, MAGNITUDE = SCALES["attribution"], SCALES["attribution positive"]
RANDOM = np.random.default_rng(0)


def pixels(rows: int = 4, columns: int = 6, **settings: object) -> Grid:
    given = {"values": RANDOM.normal(size=(rows, columns)), "scale": SIGNED, "pick_side": 2} | settings
    return Grid(title="made", rows=rows, columns=columns, description="made", **given)  # type: ignore[arg-type]


def test_the_side_of_the_squares_travels_instead_of_an_id_for_each_pixel() -> None:
    data = pixels(224, 224, pick_side=16).payload()
    assert (data["pick_side"], data["ids"], data["count"]) == (16, None, 224 * 224)
    assert json.loads(json.dumps(data)) == data
    assert len(json.dumps(data)) < 1.5 * 224 * 224


def test_other_grids_pick_cells_and_have_closed_ends() -> None:
    data = pixels(pick_side=1, values=np.full((4, 6), 7.0), limits=(-1.0, 1.0)).payload()
    assert (data["pick_side"], data["beyond"]) == (1, [False, False])


@pytest.mark.parametrize(("rows", "columns", "side"), [(4, 6, 3), (6, 4, 3), (4, 6, 0), (4, 6, -2), (4, 6, 8)])
def test_cells_must_make_whole_squares(rows: int, columns: int, side: int) -> None:
    with pytest.raises(ValueError, match=f"{rows} x {columns} cells are no whole squares of pick_side={side}"):
        pixels(rows, columns, pick_side=side).payload()


@pytest.mark.parametrize(
    "other",
    [
        {"ids": np.arange(24)},
        {"count": 23},
        {"select": "row"},
        {"select": "picture", "ids": np.array([3])},
        {"select": "none"},
        {"tile": (1, 1)},
    ],
    ids=str,
)
def test_squares_are_of_plain_cells(other: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="pick_side=2 needs"):
        pixels(**other).payload()


@pytest.mark.parametrize(
    ("scale", "limits", "beyond"),
    [
        (SIGNED, (-5.0, 5.0), [False, False]),
        (SIGNED, (-2.0, 2.0), [False, True]),
        (SIGNED, (-0.5, 0.5), [True, True]),
        (MAGNITUDE, (0.0, 3.0), [True, False]),
    ],
)
@pytest.mark.parametrize("columns", [3, MAX_FLOAT_CELLS + 1])
def test_open_ends_say_where_values_lie_beyond(
    scale: Scale, limits: tuple[float, float], beyond: list[bool], columns: int
) -> None:
    values = np.resize([-1.0, 0.0, 3.0], (1, columns))
    grid = pixels(1, columns, values=values, scale=scale, limits=limits, pick_side=1, open_ended=True)
    data = grid.payload()
    assert data["beyond"] == beyond
    assert json.loads(json.dumps(data)) == data


def test_open_ends_of_frames_are_about_each_frame_and_its_limits() -> None:
    values = np.array([[1.0, -1.0], [10.0, -30.0]])
    limits = np.array([[-1.0, 1.0], [-20.0, 20.0]])
    settings = {"values": values, "limits": limits, "frames": 2, "pick_side": 1, "open_ended": True}
    assert pixels(1, 2, **settings).payload()["beyond"] == [True, False]


def test_label_of_a_scale_has_its_unit() -> None:
    assert SIGNED.label == "contribution (logits)"
    assert Scale("length", "magnitude", "viridis").label == "length"
