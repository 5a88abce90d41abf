"""Curves and bars of the Attributions page: each line at its place, the random orders behind them."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from mixer_viz.figures.attribution.charts import CurveSet, answers_chart, curves_chart
from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL

SHARES = np.linspace(0, 1, 5)


def made(name: str = "map", seed: int = 0, controls: int = 3) -> CurveSet:
    random = np.random.default_rng(seed)
    return CurveSet(
        name,
        SHARES,
        deletion=random.random(5),
        insertion=random.random(5),
        random_deletion=random.random((controls, 5)),
        random_insertion=random.random((controls, 5)),
    )


def traces(figure: go.Figure, panel: str) -> list[go.Scatter]:
    axis = {"deletion": "x", "insertion": "x2"}[panel]
    return [trace for trace in figure.data if (trace.xaxis or "x") == axis]


@pytest.mark.parametrize("percent", [False, True])
@pytest.mark.parametrize("panel", ["deletion", "insertion"])
def test_a_line_for_each_map_before_one_band_of_the_first_maps_random_orders(panel: str, percent: bool) -> None:
    sets = [made("a", 0), made("b", 1), made("c", 2), made("d", 3)]
    least, most, mean, *lines = traces(curves_chart(sets, "score", 0.25, percent=percent), panel)
    factor = 100 if percent else 1
    scores = factor * getattr(sets[0], f"random_{panel}")
    for trace, wanted in ((least, scores.min(axis=0)), (most, scores.max(axis=0)), (mean, scores.mean(axis=0))):
        np.testing.assert_allclose(trace.y, wanted)
        np.testing.assert_allclose(trace.x, 100 * SHARES)
    assert (least.fill, most.fill, least.line.width, most.line.width) == (None, "tonexty", 0, 0)
    assert mean.line.color == NEUTRAL
    np.testing.assert_allclose(mean.customdata, np.stack([scores.min(axis=0), scores.max(axis=0)], axis=1))
    assert [line.name for line in lines] == ["a", "b", "c", "d"]
    for line, each, (colour, dash, symbol) in zip(lines, sets, LINES, strict=False):
        np.testing.assert_allclose(line.y, factor * getattr(each, panel))
        np.testing.assert_allclose(line.x, 100 * SHARES)
        assert (line.line.color, line.line.dash, line.marker.symbol) == (colour, dash, symbol)
        assert ("%{y:.3g} %" in line.hovertemplate) == percent


def test_legend_names_each_map_and_the_random_orders_once() -> None:
    figure = curves_chart([made("a"), made("b")], "score", None, percent=True)
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == ["3 random orders, mean and range", "a", "b"]
    groups = {trace.name: trace.legendgroup for trace in figure.data if trace.name}
    assert len(set(groups.values())) == 3  # a click hides a map in both panels


def test_maps_of_one_name_are_told_apart() -> None:
    lines = traces(curves_chart([made("a"), made("a", 1)], "score", None, percent=True), "deletion")[3:]
    assert lines[0].legendgroup != lines[1].legendgroup


def test_panels_have_titles_shares_in_percent_and_one_y_axis() -> None:
    figure = curves_chart([made()], "probability of cat, %", None, percent=True)
    assert [note.text for note in figure.layout.annotations] == ["Deletion", "Insertion"]
    assert figure.layout.yaxis.title.text == "probability of cat, %"
    assert figure.layout.yaxis2.matches == "y"
    assert [axis.title.text for axis in (figure.layout.xaxis, figure.layout.xaxis2)] == [
        "patches deleted, %",
        "patches inserted, %",
    ]
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.xaxis2.range) == (0, 100)
    assert figure.layout.yaxis.rangemode == "tozero"
    assert curves_chart([made()], "logit of cat", None, percent=False).layout.yaxis.rangemode == "normal"


def test_the_share_is_marked_in_both_panels_or_in_none() -> None:
    shapes = curves_chart([made()], "score", 0.3, percent=True).layout.shapes
    assert [(shape.x0, shape.x1, shape.xref, shape.line.color) for shape in shapes] == [
        (30, 30, "x", ACCENT),
        (30, 30, "x2", ACCENT),
    ]
    assert curves_chart([made()], "score", None, percent=True).layout.shapes == ()
    assert len(curves_chart([made()], "score", 0.0, percent=True).layout.shapes) == 2


def test_one_random_order_is_a_band_without_width() -> None:
    least, most, mean, _ = traces(curves_chart([made(controls=1)], "score", None, percent=False), "insertion")
    np.testing.assert_array_equal(least.y, most.y)
    np.testing.assert_array_equal(least.y, mean.y)


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_four_maps_can_be_drawn(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} maps are not between 1 and 4"):
        curves_chart([made()] * count, "score", None, percent=True)


def test_plotly_gets_arrays_and_they_stay_as_they_were() -> None:
    given, again = made(), made()
    figure = curves_chart([given], "score", 0.5, percent=True)
    for trace in figure.data:
        assert isinstance(trace.x, np.ndarray)
        assert isinstance(trace.y, np.ndarray)
    for field in ("shares", "deletion", "insertion", "random_deletion", "random_insertion"):
        assert np.array_equal(getattr(given, field), getattr(again, field))
    json.loads(figure.to_json())


NAMES = ["cat", "dog", "a class with a name of many letters, and more"]
SERIES = {
    "as it is": np.array([0.7, 0.2, 0.1]),
    "without the top 5": np.array([0.1, 0.85, 0.05]),
    "without 5 at random": np.array([0.6, 0.25, 0.1]),
}
RANGES = {"without 5 at random": (np.array([0.5, 0.2, 0.0]), np.array([0.68, 0.4, 0.15]))}


def test_answers_have_a_bar_per_class_and_series_in_percent() -> None:
    figure = answers_chart(NAMES, SERIES, RANGES)
    assert [bar.name for bar in figure.data] == list(SERIES)
    for bar, values in zip(figure.data, SERIES.values(), strict=True):
        np.testing.assert_allclose(bar.x, 100 * values)
        assert bar.y.tolist() == [0, 1, 2]
        assert list(bar.hovertext) == NAMES
        assert (bar.orientation, isinstance(bar.x, np.ndarray)) == ("h", True)
    assert list(figure.data[1].text) == ["10.0 %", "85.0 %", "5.0 %"]
    labels = figure.layout.yaxis.ticktext
    assert (labels[0], figure.layout.yaxis.autorange) == ("cat", "reversed")  # the first class on top
    assert len(labels[2]) <= 22
    assert figure.layout.barmode in (None, "group")


def test_random_answers_are_grey_with_their_least_and_most() -> None:
    *plain, random = answers_chart(NAMES, SERIES, RANGES).data
    assert random.marker.color == NEUTRAL
    np.testing.assert_allclose(random.x - random.error_x.arrayminus, [50, 20, 0])
    np.testing.assert_allclose(random.x + random.error_x.array, [68, 40, 15])
    np.testing.assert_allclose(random.customdata, [[50, 68], [20, 40], [0, 15]])
    assert random.text is None
    assert all(bar.error_x.array is None for bar in plain)
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in plain} | {(NEUTRAL, None)}) == 3


def test_answers_without_ranges() -> None:
    figure = answers_chart(NAMES, SERIES)
    assert [bar.error_x.array for bar in figure.data] == [None] * 3
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 3  # not by colour alone


def test_classes_of_one_short_name_keep_their_own_bars() -> None:
    figure = answers_chart(["crane, bird", "crane, machine"], {"as it is": np.array([0.6, 0.4])})
    assert figure.data[0].y.tolist() == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["crane", "crane"]
