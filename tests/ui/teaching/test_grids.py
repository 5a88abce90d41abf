"""Grids in a file have the colours and the numbers that the page's grids have."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mixer_viz.figures.block_player import player_payload
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import SCALES, colourise
from mixer_viz.ui.teaching.grids import as_text, coloured, grid_html, panel_html, values_of
from mixer_viz.ui.teaching.player import player_panel


def made_grid(values: np.ndarray, **how: object) -> Grid:
    rows, columns = values.shape[-2:]
    settings = {"title": "T", "rows": rows, "columns": columns, "description": "D", "scale": SCALES["embedding"]}
    return Grid(**{**settings, "values": values, **how})  # type: ignore[arg-type]


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in found]


def test_a_picture_has_the_colours_of_its_values() -> None:
    values = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    (picture,) = pictures(grid_html(made_grid(values, width=100).payload(), None))
    step = (picture.shape[0] // 3, picture.shape[1] // 4)
    middles = picture[step[0] // 2 :: step[0], step[1] // 2 :: step[1]]
    np.testing.assert_array_equal(middles, colourise(values, SCALES["embedding"]))


def test_numbers_are_those_of_the_grid() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    found = values_of(made_grid(values, frames=2).payload())
    assert found is not None
    np.testing.assert_array_equal(found, values)


def test_coarse_numbers_are_right_within_half_a_level() -> None:
    values = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    found = values_of(made_grid(values).payload())
    assert found is not None
    assert np.abs(found[0] - values).max() <= np.abs(values).max() / 255 + 1e-6


def test_every_tile_has_the_colours_of_its_own_scale() -> None:
    tiles = np.stack([np.full((2, 2), 1.0), np.full((2, 2), -5.0)]).astype(np.float32)
    payload = made_grid(tiles, rows=1, columns=2, tile=(2, 2), hover=("a", "b")).payload()
    colours = coloured(payload)
    assert colours is not None
    ends = colourise(np.array([1.0, -1.0]), SCALES["embedding"], (-1.0, 1.0))
    np.testing.assert_array_equal(colours[:, 0, 0], ends)


def test_each_frame_has_its_picture_and_one_is_seen() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    data = {"grids": [made_grid(values, frames=3).payload()], "stacks": [1], "frames": ["a", "<b>", "c"], "frame": 1}
    html = panel_html({**data, "layout": "row"}, None)
    assert len(pictures(html)) == 3
    assert html.count(" hidden>") == 2
    assert "<b></b>" not in html
    assert "<output>&lt;b&gt;</output>" in html


def test_all_grids_of_all_stacks_are_there() -> None:
    grids = [made_grid(np.ones((2, 2), np.float32), title=f"grid {number}").payload() for number in range(5)]
    html = panel_html({"grids": grids, "stacks": [1, 2, 2], "frames": [], "frame": 0, "layout": "wall"}, None)
    assert [html.count(f"<b>grid {number}</b>") for number in range(5)] == [1] * 5


def test_small_grids_have_a_table_and_large_ones_have_none() -> None:
    small, large = (made_grid(np.full(shape, -0.5, np.float32)).payload() for shape in ((2, 2), (30, 30)))
    around = {"stacks": [1], "frames": [], "frame": 0, "layout": "row"}
    assert panel_html({"grids": [small], **around}, None).count("<td>−0.500</td>") == 4
    assert "<table>" not in panel_html({"grids": [large], **around}, None)


def test_the_selected_cell_is_marked() -> None:
    payload = made_grid(np.ones((3, 4), np.float32), lines=True).payload()
    assert '<rect class="mark" x="1" y="2" width="1" height="1"/>' in grid_html(payload, 9)
    assert 'class="mark"' not in grid_html(payload, None)
    assert 'class="mark"' not in grid_html(payload, 12)  # of a larger model


def test_words_of_files_are_text_wherever_they_stand() -> None:
    hostile = "</script><script>alert(1)</script>"
    grid = made_grid(
        np.ones((1, 2), np.float32), title=hostile, description=hostile, shape=hostile, hover=(hostile, "")
    )
    html = grid_html(grid.payload(), None)
    assert "<script>" not in html
    assert html.count("</script>") == 1  # of the grid's own data


def test_the_player_has_three_matrices_with_their_numbers() -> None:
    matrices = [np.random.default_rng(seed).normal(size=(6, 5)) for seed in range(3)]
    half = (np.array([0]), np.ones((1, 5)), np.ones((1, 4)), np.ones((1, 5)))
    panel = player_panel(player_payload(matrices, [half, half]))
    limit = float(np.percentile(np.abs(np.stack(matrices)), 99))
    for grid, matrix in zip(panel["grids"], matrices, strict=True):
        values = values_of(grid)
        assert values is not None
        np.testing.assert_allclose(values[0], np.clip(matrix, -limit, limit), atol=limit / 127)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00"), (-0.5, "−0.500"), (12345.0, "1.23e+04"), (0.001, "1.00e-03"), (123.4, "123")]
)
def test_numbers_are_written_as_the_page_writes_them(value: float, text: str) -> None:
    assert as_text(value) == text
