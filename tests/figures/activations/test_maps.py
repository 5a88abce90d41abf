"""Pictures and curves of the Per-layer activations page: each number at its own place and on the scale that is said."""

from __future__ import annotations

import base64
import warnings

import matplotlib
import numpy as np
import pytest

from mixer_viz.figures.activations import charts
from mixer_viz.figures.activations import maps as figures
from mixer_viz.figures.activations.print import draw_activations
from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL, SCALES
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
NAMES = ["embedding", *(f"block {block} {mixing} mixing" for block in (1, 2) for mixing in ("token", "channel"))]
LABELS = [("Embedding", ""), ("Block 1", "tokens +9 %"), ("", "channels +3 %"), ("Block 2", "a"), ("", "b")]
MAPS = (RANDOM.normal(size=(5, 2, 2)) * np.array([1, 2, 30, 0.4, 5])[:, None, None]).astype(np.float32)
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
PEAKS = np.abs(MAPS).max(axis=(1, 2))


def test_strip_has_a_picture_for_each_layer_and_each_stands_for_its_layer() -> None:
    strip = figures.layer_strip(LABELS, NAMES, MAPS, "channel")
    assert [grid.ids.tolist() for grid in strip] == [[0], [1], [2], [3], [4]]
    assert {grid.select for grid in strip} == {"picture"}
    assert [(grid.title, grid.shape) for grid in strip] == LABELS
    for grid, values, name in zip(strip, MAPS, NAMES, strict=True):
        assert np.array_equal(grid.values, values)
        assert name in grid.description
        assert "channel value" in grid.description
        grid.payload()


def test_strip_is_on_one_scale_or_each_layer_on_its_own() -> None:
    shared = figures.layer_strip(LABELS, NAMES, MAPS, "channel")
    top = float(PEAKS.max())
    assert {grid.limits for grid in shared} == {(-top, top)}
    assert [grid.show_scale for grid in shared] == [True, False, False, False, False]
    own = figures.layer_strip(LABELS, NAMES, MAPS, "channel", own_scales=True)
    assert [grid.limits for grid in own] == [(-float(peak), float(peak)) for peak in PEAKS]
    assert all(grid.show_scale for grid in own)
    lengths = figures.layer_strip(LABELS, NAMES, abs(MAPS), "norm")
    assert lengths[3].limits == (0.0, top)


def test_strip_of_colours_draws_them_and_hover_still_reads_the_values() -> None:
    colours = RANDOM.random((5, 2, 2, 3))
    strip = figures.layer_strip(LABELS, NAMES, abs(MAPS), "norm", colours)
    for grid, drawn, values in zip(strip, colours, MAPS, strict=True):
        assert np.array_equal(grid.photo, np.round(drawn * 255).astype(np.uint8))
        assert np.array_equal(grid.values, abs(values))
        assert (grid.opacity, grid.show_scale) == (0, False)


@pytest.mark.parametrize("own", [False, True])
def test_enlarged_has_a_frame_for_each_layer_over_the_grey_crop(own: bool) -> None:
    before = CROP.copy()
    grid = figures.enlarged(CROP, MAPS, "channel", [name.upper() for name in NAMES], own)
    tops = PEAKS if own else np.full(5, PEAKS.max())
    np.testing.assert_allclose(grid.limits, np.stack([-tops, tops], axis=1))
    assert (grid.frames, grid.rows, grid.columns) == (5, 2, 2)
    assert grid.notes == tuple(name.upper() for name in NAMES)
    assert np.array_equal(grid.values, MAPS)
    assert (grid.photo[..., 0] == grid.photo[..., 1]).all()
    assert (grid.photo[..., 0] == grid.photo[..., 2]).all()
    assert abs(grid.photo[..., 0] - before.mean(axis=2)).max() < 1
    assert np.array_equal(CROP, before)
    assert 0.5 < grid.opacity < 1  # photo and values both show
    values = np.frombuffer(base64.b64decode(grid.payload()["values"]), "<f4")
    assert np.array_equal(values, MAPS.ravel())


def test_a_map_of_zeros_is_drawn_and_finite() -> None:
    zeros = np.zeros((5, 2, 2), np.float32)
    grids = [*figures.layer_strip(LABELS, NAMES, zeros, "norm", own_scales=True)]
    grids.append(figures.enlarged(CROP, zeros, "channel", NAMES, own_scales=True))
    for grid in grids:
        limits = np.array(grid.payload()["limits"])
        assert np.isfinite(limits).all()
        assert (limits[:, 1] > limits[:, 0]).all()


def test_vectors_have_a_row_for_each_layer() -> None:
    vectors = RANDOM.normal(size=(5, 7)).astype(np.float32)
    grid = figures.vectors_by_stage(vectors, 3)
    assert (grid.rows, grid.columns, grid.select) == (5, 7, "row")
    assert ("Patch 3" in grid.title, "5 × 7" in grid.shape) == (True, True)
    assert np.array_equal(grid.values, vectors)
    grid.payload()
    deep = figures.vectors_by_stage(np.zeros((49, 7), np.float32), 0)
    assert deep.width / deep.aspect > 49 * 5  # rows high enough to be clicked


@pytest.mark.parametrize("count", [1, 2, 6, 128, 768, 1024])
def test_channel_atlas_has_maps_ids_and_texts_in_one_order(count: int) -> None:
    maps = RANDOM.normal(size=(count, 2, 2)).astype(np.float32)
    order = RANDOM.permutation(count)
    grid = figures.channel_atlas(maps, order, [f"channel {index}" for index in range(count)], "embedding")
    assert np.array_equal(grid.values, maps[order])
    assert grid.ids.tolist() == order.tolist()
    assert grid.hover == tuple(f"channel {index}" for index in order)
    assert grid.rows * grid.columns >= count > (grid.rows - 1) * grid.columns
    assert grid.width / grid.columns >= 36
    assert grid.payload()["limits"] is None  # each on its own scale
    assert ("embedding" in grid.title, f"{count} maps" in grid.shape) == (True, True)


@pytest.mark.parametrize(("rows", "select"), [("token", "row"), ("channel", "none")])
def test_only_rows_of_tokens_can_be_picked(rows: str, select: str) -> None:
    values = RANDOM.normal(size=(6, 9)).astype(np.float32)
    grid = figures.hidden_grid(values, title="Hidden", rows=rows, note="6 × 9")
    assert (grid.rows, grid.columns, grid.select, grid.across, grid.shape) == (6, 9, select, "unit", "6 × 9")
    assert f"6 rows, one per {rows}" in grid.description
    assert np.array_equal(grid.values, values)


def test_similarities_are_on_the_scale_from_minus_one_to_one() -> None:
    values = RANDOM.uniform(-0.2, 0.2, (4, 4))
    grid = figures.similarity_matrix(values, "block 1 token mixing")
    assert grid.payload()["limits"] == [[-1.0, 1.0]]
    assert ("4 × 4" in grid.shape, "block 1 token mixing" in grid.shape) == (True, True)
    np.testing.assert_allclose(grid.values, values, rtol=1e-6)


def test_cka_reads_row_and_column_and_goes_from_zero_to_one() -> None:
    cka = np.array([[1.0, 0.25], [0.5, np.nan], [0.75, 0.125]])
    grid = figures.cka_matrix(cka, ["embedding", "one", "two"], ["other start", "other end"], title="Across", note="n")
    assert (grid.rows, grid.columns, grid.select) == (3, 2, "none")
    assert grid.hover[1] == "embedding and other end: CKA 0.250"
    assert grid.hover[4] == "two and other start: CKA 0.750"
    assert "nan" in grid.hover[3]
    assert grid.payload()["limits"] == [[0.0, 1.0]]
    assert np.isfinite(grid.values).all()


def test_class_maps_have_limits_for_each_layer() -> None:
    values = RANDOM.normal(size=(5, 16)) * np.array([1, 9, 0.2, 4, 7])[:, None]
    grid = figures.class_maps(CROP, values, "What each patch says", "logit", NAMES)
    tops = np.abs(values).max(axis=1)
    np.testing.assert_allclose(grid.limits, np.stack([-tops, tops], axis=1), rtol=1e-6)
    assert (grid.frames, grid.rows, grid.columns, grid.notes) == (5, 4, 4, tuple(NAMES))
    assert np.array_equal(grid.values.reshape(5, 16), values.astype(np.float32))
    assert ("What each patch says" in grid.title, "What each patch says" in grid.description) == (True, True)


@pytest.mark.parametrize("percent", [False, True])
def test_lines_are_by_layer_with_the_selected_one_marked(percent: bool) -> None:
    lines = {"cat": np.array([0.1, 0.2, 0.3, 0.4, 0.5]), "dog": np.array([0.5, np.nan, 0.3, 0.2, 0.1])}
    figure = charts.layer_lines(lines, NAMES, 3, title="y", percent=percent)
    factor = 100 if percent else 1
    for drawn, (name, values) in zip(figure.data, lines.items(), strict=True):
        assert drawn.name == name
        assert drawn.x.tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(drawn.y, factor * values)
        assert list(drawn.customdata) == NAMES
        assert (" %<extra>" in drawn.hovertemplate) == percent
    assert [(shape.x0, shape.x1, shape.line.color) for shape in figure.layout.shapes] == [(3, 3, ACCENT)]
    assert (figure.layout.yaxis.rangemode == "tozero") == percent


def test_five_lines_differ_in_more_than_colour() -> None:
    figure = charts.layer_lines({name: np.zeros(5) for name in "abcde"}, NAMES, 0, title="y")
    assert len(figure.data) == 5
    for looks in ([line.line.dash for line in figure.data], [line.marker.symbol for line in figure.data]):
        assert len(set(looks)) == 5


@pytest.mark.parametrize("layer", [None, 0, 4])
def test_bars_are_the_parts_in_order_and_one_is_marked(layer: int | None) -> None:
    values = np.array([1.0, -2.0, 3.0, -0.5, 0.25])
    figure = charts.contribution_bars(values, NAMES, layer)
    (bars,) = figure.data
    assert (bars.x.tolist(), bars.y.tolist()) == ([0, 1, 2, 3, 4], values.tolist())
    assert [at for at, colour in enumerate(bars.marker.color) if colour == ACCENT] == ([] if layer is None else [layer])
    assert list(figure.layout.xaxis.ticktext) == ["embedding", "1 tokens", "1 channels", "2 tokens", "2 channels"]
    assert list(bars.customdata) == NAMES


def printed(blocks: int = 2, classes: int = 5, **changes: object) -> matplotlib.figure.Figure:
    stages = 1 + 2 * blocks
    names = ["embedding"]
    names += [f"block {block + 1} {mixing} mixing" for block in range(blocks) for mixing in ("token", "channel")]
    given = {
        "norms": np.random.default_rng(1).random((stages, 2, 2)) * np.arange(1, stages + 1)[:, None, None],
        "probabilities": {f"class {index}": np.linspace(0, 1 / (index + 1), stages) for index in range(classes)},
        "parts": np.linspace(-1, 2, stages),
        "target": "class 0",
        "caption": "made, picture: Cat",
    }
    return draw_activations(CROP, names, **(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("blocks", [1, 2, 12])
def test_print_has_every_layer_below_its_name_on_one_scale(blocks: int) -> None:
    norms = np.random.default_rng(1).random((1 + 2 * blocks, 2, 2)) + np.arange(1 + 2 * blocks)[:, None, None]
    drawn = [axes for axes in printed(blocks, norms=norms).axes if axes.get_images()]
    titles = [" ".join(axes.get_title().split()) for axes in drawn]
    assert sorted(titles) == sorted(
        ["picture", "embedding", *(f"block {b + 1} {m} mixing" for b in range(blocks) for m in ("token", "channel"))]
    )
    by_title = dict(zip(titles, (axes.get_images()[0] for axes in drawn), strict=True))
    assert np.array_equal(by_title.pop("picture").get_array(), CROP)
    for title, picture in by_title.items():
        words = title.split()
        stage = 0 if words[0] == "embedding" else 2 * int(words[1]) - (words[2] == "token")
        assert np.array_equal(picture.get_array(), norms[stage])
        assert picture.get_clim() == SCALES["norm"].limits(norms)


def test_print_has_the_answers_in_percent_and_the_parts() -> None:
    figure = printed()
    (answers,) = [axes for axes in figure.axes if axes.get_title() == "Answer at every layer"]
    (writers,) = [axes for axes in figure.axes if axes.get_title() == "Parts of the logit of class 0"]
    legend = answers.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [f"class {index}" for index in range(5)]
    assert [line.get_color() for line in legend.get_lines()] == [colour for colour, _, _ in LINES]
    assert len(answers.get_lines()) == 5
    for index, line in enumerate(answers.get_lines()):
        np.testing.assert_allclose(line.get_ydata(), 100 * np.linspace(0, 1 / (index + 1), 5))
        assert line.get_color() == LINES[index][0]
    np.testing.assert_allclose([bar.get_height() for bar in writers.patches], np.linspace(-1, 2, 5))
    assert {matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in writers.patches} == {NEUTRAL}
    assert figure.get_supxlabel() == "made, picture: Cat"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((r"a $\frac{$ b", kind) for kind in ("png", "svg", "pdf")),
        *((name, "svg") for name in ("$x^2$", "<b>&", "word " * 40, "x" * 300, "")),
    ],
)
def test_names_are_text_and_no_formula(name: str, kind: str) -> None:
    values = np.linspace(0, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = printed(probabilities={name: values, "cat": values / 2}, target=name, caption=f"{name}, picture: Cat")
        assert len(figure_bytes(figure, kind)) > 10_000


def test_every_answer_is_in_the_legend() -> None:
    values = np.linspace(0, 1, 5)
    (answers,) = [axes for axes in printed(probabilities={"_cat": values, "dog": values}).axes if axes.get_legend()]
    assert [text.get_text() for text in answers.get_legend().get_texts()] == ["_cat", "dog"]
