"""Pictures of the Overview page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure

from mixer_viz.figures import common
from mixer_viz.figures import overview as figures
from mixer_viz.figures.theme import ACCENT
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
STAGES = [("Embedding", ""), ("Block 1", "tokens +10 %"), ("", "channels +20 %"), ("Block 2", ""), ("", "")]
STAGE_NAMES = ["embedding", "block 1 token mixing", "block 1 channel mixing", "block 2 token mixing", "block 2 channel"]
NAMES = ["tench, Tinca tinca", "goldfish", "a very long name of a class that nobody can print"]
PROBABILITIES = np.array([0.625, 0.25, 0.125])


def test_patch_grid_and_token_matrix_tell_their_shapes() -> None:
    patches = common.patch_grid(CROP, 4).payload()
    assert (patches["rows"], patches["columns"], patches["select"], patches["lines"]) == (4, 4, "cell", True)
    assert "16 of 2 × 2 × 3" in patches["shape"]
    tokens = common.token_matrix(RANDOM.normal(size=(16, 6))).payload()
    assert (tokens["rows"], tokens["columns"], tokens["select"]) == (16, 6, "row")
    assert "16 × 6" in tokens["shape"]
    assert tokens["limits"][0][0] == -tokens["limits"][0][1]


def test_vector_strip_is_one_row() -> None:
    vector = np.array([-2.0, 0.5, 1.0])
    strip = common.vector_strip(vector, title="Pooled", shape="C = 3", scale="pooled").payload()
    assert (strip["rows"], strip["columns"], strip["limits"][0][0], strip["limits"][0][1]) == (1, 3, -2, 2)
    assert "-2" in strip["description"]


def test_stages_by_colour() -> None:
    colours = RANDOM.random((5, 4, 4, 3))
    norms = RANDOM.random((5, 4, 4))
    grids = common.stage_grids(STAGES, STAGE_NAMES, norms, colours)
    for grid, colour, norm, (title, note), name in zip(grids, colours, norms, STAGES, STAGE_NAMES, strict=True):
        np.testing.assert_allclose(grid.photo, 255 * colour, atol=0.5)
        assert np.array_equal(grid.values, norm)  # to read on hover, not to see
        assert (grid.opacity, grid.show_scale) == (0, False)
        assert (grid.title, grid.shape) == (title, note)
        assert name in grid.description


def test_stages_by_length_share_one_scale() -> None:
    norms = np.stack([np.full((4, 4), size) for size in (1.0, 5.0, 2.0, 3.0, 4.0)])
    grids = common.stage_grids(STAGES, STAGE_NAMES, norms)
    assert [grid.show_scale for grid in grids] == [True, False, False, False, False]
    for grid, norm in zip(grids, norms, strict=True):
        data = grid.payload()
        assert (data["limits"][0][0], data["limits"][0][1]) == (0, 5)
        assert np.array_equal(grid.values, norm)
        assert grid.photo is None


@pytest.mark.parametrize(
    ("name", "ratio", "label"),
    [
        ("embedding", float("nan"), ("Embedding", "")),
        ("block 3 token mixing", 0.416, ("Block 3", "tokens +42 %")),
        ("block 3 channel mixing", 1.5, ("", "channels +1.5×")),
    ],
)
def test_stage_labels(name: str, ratio: float, label: tuple[str, str]) -> None:
    assert common.stage_label(name, ratio) == label


def test_bars_show_percent_with_the_first_class_on_top() -> None:
    figure = figures.top_classes_chart(NAMES, PROBABILITIES)
    (bars,) = figure.data
    assert list(bars.x) == [62.5, 25, 12.5]
    assert list(bars.hovertext) == NAMES
    assert figure.layout.yaxis.ticktext[0] == "tench"
    assert bars.text[0].startswith("62.5")
    assert [colour == ACCENT for colour in bars.marker.color] == [True, False, False]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.xaxis.range[0] == 0


@pytest.mark.parametrize(
    "names", [["maillot", "maillot, tank suit"], ["same", "same"], ["x" * 40 + "1", "x" * 40 + "2"]]
)
def test_classes_with_like_names_stay_two_bars(names: Sequence[str]) -> None:
    """plotly and matplotlib put equal labels on one place; ImageNet has two maillots and two cranes."""
    (bars,) = figures.top_classes_chart(names, np.array([0.5, 0.25])).data
    assert len(set(bars.y)) == 2
    classes = printed(names=names).axes[2]
    assert len({bar.get_y() for bar in classes.patches}) == 2


def printed(names: Sequence[str] = NAMES, caption: str = "made") -> Figure:
    colours = RANDOM.random((5, 4, 4, 3))
    probabilities = PROBABILITIES[: len(names)]
    return figures.draw_overview(CROP, RANDOM.normal(size=(16, 6)), STAGES, colours, names, probabilities, caption)


def test_printed_figure_has_every_part_with_its_scale() -> None:
    figure = printed()
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 2 + len(STAGES)
    assert np.array_equal(pictures[0].images[0].get_array(), CROP)
    low, high = pictures[1].images[0].get_clim()
    assert low == -high == -np.abs(pictures[1].images[0].get_array()).max()
    (classes,) = [axes for axes in figure.axes if axes.patches]
    assert sorted(bar.get_width() for bar in classes.patches) == [12.5, 25, 62.5]
    assert classes.get_xlim() == (0, 100)


def test_token_mixing_stands_above_channel_mixing() -> None:
    cells = [axes for axes in printed().axes if axes.images][2:]
    places = {(axes.get_subplotspec().rowspan.start, axes.get_subplotspec().colspan.start) for axes in cells}
    assert places == {(0, 0), (0, 1), (1, 1), (0, 2), (1, 2)}


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_printed_figure_can_be_saved(kind: str, start: bytes) -> None:
    assert figure_bytes(printed(), kind).startswith(start)


@pytest.mark.parametrize("text", ["$", r"a $\frac{$ b", r"$\bad$"])
def test_names_are_text_and_no_formula(text: str) -> None:
    """Captions hold the name of a visitor's file, and classes are named by a visitor's checkpoint."""
    assert figure_bytes(printed(caption=text), "svg").startswith(b"<?xml")
    assert figure_bytes(printed(names=[text, "b", "c"]), "svg").startswith(b"<?xml")
