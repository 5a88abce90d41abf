"""Pictures of the formula in numbers, and of switched-off half-blocks: each number at its own place."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.figures.activations import formula as figures
from mixer_viz.figures.activations.charts import each_alone_chart
from mixer_viz.figures.theme import ACCENT

RANDOM = np.random.default_rng(0)
PRODUCTS = RANDOM.normal(size=9)
SUMS = np.cumsum(PRODUCTS)


@pytest.mark.parametrize(
    ("scale", "quantity"),
    [("normed", "value after LayerNorm"), ("reads", "weight of W₁"), ("product", "weight times value")],
)
def test_patch_map_has_one_cell_per_patch(scale: str, quantity: str) -> None:
    grid = figures.patch_map(PRODUCTS, title="made", note="note", scale=scale)
    assert (grid.rows, grid.columns, grid.select, grid.shape) == (3, 3, "cell", "note")
    assert np.array_equal(grid.values, PRODUCTS)
    assert grid.scale.quantity == quantity
    low, high = grid.payload()["limits"][0]
    assert (low, high) == (-np.abs(PRODUCTS).max(), np.abs(PRODUCTS).max())


def test_unit_strip_is_one_row_of_units() -> None:
    grid = figures.unit_strip(PRODUCTS, title="made", note="", scale="writes")
    assert (grid.rows, grid.columns, grid.cell, grid.select) == (1, 9, "unit", "cell")
    assert "9 numbers, one per unit" in grid.description
    grid.payload()  # the sizes fit


def test_partial_sums_go_from_zero_to_the_sum_with_its_bias() -> None:
    figure = figures.partial_sums_chart(PRODUCTS, SUMS, 0.5, term="patch", bias_name="b", mark=4)
    steps, end = figure.data
    assert steps.y.tolist() == [0.0, *SUMS]
    assert steps.x.tolist() == list(range(-1, 9))
    assert steps.hovertext[3] == f"patch 2 adds {PRODUCTS[2]:+.3g}: {SUMS[2]:+.4g} so far"
    assert end.y.tolist() == [SUMS[-1], SUMS[-1] + 0.5]
    assert end.name == "+ b"
    assert figure.layout.xaxis.title.text == "patches added, in order"
    marks = [shape for shape in figure.layout.shapes if shape.line.color == ACCENT]
    assert [shape.x0 for shape in marks] == [4]
    assert len(figures.partial_sums_chart(PRODUCTS, SUMS, 0.5, term="unit", bias_name="b").layout.shapes) == 1


def test_gelu_chart_marks_the_selected_unit() -> None:
    before, after = np.array([-1.0, 0.5, 2.0]), np.array([-0.16, 0.35, 1.95])
    inputs = np.linspace(-3, 3, 7)
    curve, units, own = figures.gelu_chart(inputs, inputs / 2, before, after, unit=1).data
    assert (curve.x.tolist(), curve.y.tolist()) == (inputs.tolist(), (inputs / 2).tolist())
    assert (units.x.tolist(), units.y.tolist()) == (before.tolist(), after.tolist())
    assert (own.x.tolist(), own.y.tolist(), own.name, own.marker.color) == ([0.5], [0.35], "unit 1", ACCENT)


def test_each_alone_tells_token_from_channel_mixing() -> None:
    names = ["block 1 token mixing", "block 1 channel mixing", "block 2 token mixing", "block 2 channel mixing"]
    figure = each_alone_chart(np.array([-40.0, 3.0, -2.0, 1.0]), names, ["a", "b", "c", "d"], "cat")
    tokens, channels = figure.data
    assert (tokens.y.tolist(), channels.y.tolist()) == ([-40.0, -2.0], [3.0, 1.0])
    assert (tokens.name, channels.name) == ("token mixing", "channel mixing")
    assert tokens.x.tolist() == channels.x.tolist() == [1, 2]
    assert channels.customdata.tolist() == [[names[1], "b"], [names[3], "d"]]
    assert tokens.marker.color != channels.marker.color
    assert "cat" in figure.layout.yaxis.title.text
