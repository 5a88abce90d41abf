"""Pictures and curves of the Learned token-mixing weights page: each number under its own name and at its own place."""

from __future__ import annotations

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from mixer_viz.analysis.spectrum import power_spectrum
from mixer_viz.figures.theme import ACCENT, NEUTRAL
from mixer_viz.figures.token_mixing import charts, matrices
from mixer_viz.figures.token_mixing import maps as figures

RANDOM = np.random.default_rng(0)
MAPS = RANDOM.normal(size=(5, 2, 3)).astype(np.float32)
ORDER = np.array([3, 0, 4, 2, 1])
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def part(name: str = "W₁", limit: float | None = None) -> figures.AtlasPart:
    return figures.AtlasPart("made", name, MAPS, ORDER, [f"unit {unit}: text" for unit in range(5)], limit)


def test_atlas_has_maps_ids_and_texts_in_one_order() -> None:
    grid = figures.atlas_grid(part())
    assert np.array_equal(grid.values, MAPS[ORDER])
    assert grid.ids.tolist() == ORDER.tolist()
    assert grid.hover == tuple(f"unit {unit}: text" for unit in ORDER)
    assert (grid.tile, grid.count, grid.group) == ((2, 3), 5, 2)
    assert figures.atlas_grid(part(), paired=False).group == 1
    grid.payload()  # the sizes fit


def test_atlas_prints_the_limits_of_its_scale() -> None:
    own = figures.atlas_grid(part())
    peaks = np.abs(MAPS).max(axis=(1, 2))
    assert own.limits is None
    assert f"from {peaks.min():.2g} to {peaks.max():.2g}" in own.shape
    shared = figures.atlas_grid(part("W₂", limit=2.5))
    assert shared.limits == (-2.5, 2.5)
    assert "±2.5" in shared.shape
    assert (own.scale.quantity, shared.scale.quantity) == ("weight of W₁", "weight of W₂")
    assert ("row of W₁" in own.description, "column of W₂" in shared.description) == (True, True)


@pytest.mark.parametrize("width", [figures.ATLAS_WIDTH, figures.HALF_WIDTH])
@pytest.mark.parametrize("count", [1, 2, 5, 16, 128, 256, 384, 512, 640])
def test_atlas_keeps_pairs_in_one_row_and_tiles_large_enough(count: int, width: int) -> None:
    columns = figures.atlas_columns(count, width)
    assert columns % 2 == 0
    assert width / columns > 37
    maps = np.ones((count, 2, 2))
    grid = figures.atlas_grid(figures.AtlasPart("", "W₁", maps, np.arange(count), [""] * count, None), width)
    assert grid.rows * grid.columns >= count > (grid.rows - 1) * grid.columns
    assert grid.aspect == pytest.approx(grid.columns / grid.rows)


def test_spectrum_reads_cycles_from_the_middle_and_shares_of_all_power() -> None:
    rows, columns = np.mgrid[0:8, 0:8]
    power = power_spectrum(np.cos(2 * np.pi * (2 * columns + rows) / 8))  # 2 cycles across, 1 down
    grid = figures.spectrum_map(power, 0.28)
    assert grid.values.sum() == pytest.approx(100)
    loud = [text for text in grid.hover if float(re.search(r"([\d.e+-]+) %", text)[1]) > 1]
    assert loud == ["-1 cycles down, -2 across: 50 % of the power", "1 cycles down, 2 across: 50 % of the power"]
    assert grid.hover[4 * 8 + 4].startswith("0 cycles down, 0 across")
    assert "0.280" in grid.shape


def test_spectrum_of_a_constant_unit_is_empty_and_finite() -> None:
    grid = figures.spectrum_map(power_spectrum(np.ones((3, 5))), 0.0)
    assert (grid.values == 0).all()
    assert (grid.rows, grid.columns, len(grid.hover)) == (3, 5, 15)


def test_unit_and_partner_maps_name_what_they_show() -> None:
    one = figures.unit_map(MAPS[2], title="Unit 2 reads", part="W₂", note="length 3")
    assert (one.rows, one.columns, one.shape, one.scale.quantity) == (2, 3, "length 3", "weight of W₂")
    assert np.array_equal(one.values, MAPS[2])
    opposing = figures.partner_map(MAPS[1], 1, -0.91, opposing=True)
    left_over = figures.partner_map(MAPS[1], 1, 0.12, opposing=False)
    assert ("partner, unit 1" in opposing.title, opposing.shape) == (True, "cosine -0.91")
    assert ("partner" in left_over.title, "unit 1" in left_over.title, left_over.shape) == (False, True, "cosine +0.12")


def test_activation_strip_has_one_cell_per_channel() -> None:
    values = RANDOM.normal(size=12)
    data = figures.activation_strip(values, 3).payload()
    assert (data["rows"], data["columns"], data["cell"], data["select"]) == (1, 12, "channel", "none")
    assert data["aspect"] > 12


def test_listening_has_a_frame_and_a_scale_for_each_block() -> None:
    before = CROP.copy()
    values = RANDOM.normal(size=(3, 16)) * np.array([1.0, 50.0, 0.02])[:, None]
    signed, length = figures.jacobian_grids(
        CROP, 5, [("Reads", "mixing", values), ("In norm", "jacobian norm", abs(values))]
    )
    tops = np.abs(values).max(axis=1)
    np.testing.assert_allclose(signed.limits, np.stack([-tops, tops], axis=1))
    np.testing.assert_allclose(length.limits, np.stack([0 * tops, tops], axis=1))
    assert [(grid.rows, grid.columns, grid.frames) for grid in (signed, length)] == [(4, 4, 3)] * 2
    assert np.array_equal(signed.values, values.astype(np.float32))
    assert "patch 5" in signed.description
    assert (signed.photo[..., 0] == signed.photo[..., 2]).all()
    assert np.array_equal(CROP, before)
    signed.payload()


def test_field_is_in_percent_with_a_note_for_each_stage() -> None:
    maps = np.stack([np.eye(1, 16, 3)[0], np.full(16, 1 / 16), np.full(16, np.nan)])
    grid = figures.field_grid(CROP, maps, ("a", "b", "no gradient"))
    np.testing.assert_allclose(grid.values.sum(axis=1), [100, 100, 0], rtol=1e-6)
    assert (grid.frames, grid.notes, grid.title) == (3, ("a", "b", "no gradient"), "")
    np.testing.assert_allclose(grid.limits, [[0, 100], [0, 6.25], [0, 1]])
    grid.payload()


def test_convolution_grids_share_one_scale_and_say_what_is_left() -> None:
    matrix, kernel, residual = RANDOM.normal(size=(6, 6)), RANDOM.normal(size=(3, 5)), RANDOM.normal(size=(6, 6)) / 9
    whole, middle, left = matrices.convolution_grids(matrix, kernel, residual, 0.3)
    limit = np.abs(matrix).max()
    assert whole.limits == left.limits == (-limit, limit)
    assert np.array_equal(left.values, residual)
    assert ("30 %" in middle.shape, "70 %" in left.shape) == (True, True)
    assert (whole.select, whole.across) == ("row", "reads token")
    zero = matrices.convolution_grids(0 * matrix, 0 * kernel, 0 * residual, 0.0)
    assert all(np.isfinite(grid.payload()["limits"]).all() for grid in zero)


def test_kernel_reads_its_displacements() -> None:
    kernel = np.arange(15.0).reshape(3, 5)
    hover = matrices.kernel_grid(kernel, 0.5).hover
    assert hover[0] == "1 up, 2 left: +0"
    assert hover[7] == "0 down, 0 right: +7"
    assert hover[14] == "1 down, 2 right: +14"


def test_rows_of_a_matrix_stand_at_the_place_of_the_patch_they_write() -> None:
    matrix = RANDOM.normal(size=(6, 6)).astype(np.float32)
    grid = matrices.rows_grid(matrix, (2, 3))
    assert (grid.rows, grid.columns, grid.tile) == (2, 3, (2, 3))
    assert grid.hover[4] == "patch 4 reads"
    assert grid.payload()["limits"] is None
    assert matrices.rows_grid(matrix, (2, 3), limit=2.0).payload()["limits"] == [[-2.0, 2.0]]


def marked(figure: go.Figure) -> list[int]:
    return [shape.x0 for shape in figure.layout.shapes if shape.line.color == ACCENT and shape.x0 == shape.x1]


def test_depth_chart_has_each_curve_in_its_own_place_and_names_it_once() -> None:
    own, second, start = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
    figure = charts.depth_chart({"frequency": (own, None, start), "length": (own + 10, second, start + 10)}, block=1)
    drawn = [(line.xaxis, line.name, line.y.tolist()) for line in figure.data]
    assert drawn == [
        ("x", "W₁", [1, 2]),
        ("x", "W₁ before training", [5, 6]),
        ("x2", "W₁", [11, 12]),
        ("x2", "W₂", [3, 4]),
        ("x2", "W₁ before training", [15, 16]),
    ]
    assert sorted(line.name for line in figure.data if line.showlegend) == ["W₁", "W₁ before training", "W₂"]
    assert all(line.x.tolist() == [1, 2] for line in figure.data)
    assert marked(figure) == [2, 2]  # blocks are counted from 1 on the page
    assert [text.text for text in figure.layout.annotations] == ["frequency", "length"]
    assert {line.line.color for line in figure.data if "before" in line.name} == {NEUTRAL}


def test_lines_differ_in_more_than_colour() -> None:
    figure = charts.convolution_chart({name: np.zeros(3) for name in "abcd"}, [0.0] * 4, 0)
    for looks in (
        [line.line.dash for line in figure.data],
        [line.marker.symbol for line in figure.data],
        [line.line.color for line in figure.data],
    ):
        assert len(set(looks)) == 4


def test_convolution_chart_is_in_percent_with_its_null_values() -> None:
    names, nulls = ("best kernel", "3 × 3 kernel", "one-step shift", "identity"), [0.1, 0.05, 0.04, 0.02]
    shares = {name: np.array([0.5, 1.0]) / (at + 1) for at, name in enumerate(names)}
    figure = charts.convolution_chart(shares, nulls, block=0)
    assert [(line.name, line.y.tolist()) for line in figure.data] == [
        (name, (100 * values).tolist()) for name, values in shares.items()
    ]
    lines = [(shape.y0, shape.line.dash) for shape in figure.layout.shapes if shape.line.color == NEUTRAL]
    assert lines == [(pytest.approx(100 * null), line.line.dash) for null, line in zip(nulls, figure.data, strict=True)]
    assert marked(figure) == [1]
    with pytest.raises(ValueError, match=r"longer|shorter"):
        charts.convolution_chart(shares, nulls[:3], block=0)


def test_singular_values_are_numbered_from_one() -> None:
    figure = charts.singular_value_chart(np.array([3.0, 1.0]), np.array([2.0, 0.5]), np.array([1.0, 0.9]))
    assert [(line.name, line.y.tolist()) for line in figure.data] == [
        ("W₁", [3, 1]),
        ("W₂", [2, 0.5]),
        ("W₁ before training", [1, 0.9]),
    ]
    assert figure.data[0].x.tolist() == [1, 2]


def test_distance_chart_begins_at_distance_zero() -> None:
    figure = charts.distance_chart(np.arange(3), {"W₂W₁": np.array([5.0, 2.0, 1.0])}, np.array([64, 9, 1]))
    (line,) = figure.data
    assert (line.x.tolist(), line.y.tolist(), line.name) == ([0, 1, 2], [5, 2, 1], "W₂W₁")


def test_area_chart_has_a_line_for_each_share_by_stage() -> None:
    area = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    figure = charts.area_chart(area)
    assert [line.name.split()[0] for line in figure.data] == ["20", "50", "99"]
    np.testing.assert_allclose([line.y for line in figure.data], 100 * area.T)
    assert figure.data[0].x.tolist() == [0, 1]  # 0 is the embedding
