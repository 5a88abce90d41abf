"""Cost and accuracy of the page "Token mixers compared": numbers at their places, networks apart without colour."""

from __future__ import annotations

import json
import warnings

import numpy as np
import plotly.graph_objects as go
import pytest

from mixer_viz.figures.comparison.accuracy import Trained, accuracy_chart, accuracy_in_words
from mixer_viz.figures.comparison.growth import (
    LOOKS,
    Growth,
    growth_chart,
    growth_in_words,
    look_of,
    measured_chart,
    plain,
)
from mixer_viz.figures.theme import LINES

PATCHES = np.array([16, 64, 256])
MLP = Growth("MLP", 0, PATCHES, np.array([100.0, 100.0, 100.0]), PATCHES[:2], np.array([2.0, 3.0]))
ATTENTION = Growth("attention", 1, PATCHES, np.array([50.0, 200.0, 800.0]))
SHIFT = Growth(
    "shift", 3, PATCHES, np.zeros(3), PATCHES[1:], np.array([0.5, 0.4]), (np.array([0.4, 0.3]), np.array([0.9, 0.6]))
)
NAMES = ["<b>x</b>", "$a^2$", "%{y} &lt;", "</extra><a href='x'>"]


def drawn(figure: go.Figure) -> go.Figure:
    json.loads(figure.to_json())
    return figure


def test_first_looks_are_those_of_the_other_pages_and_all_differ_in_colour_dash_and_marker() -> None:
    assert LOOKS[: len(LINES)] == LINES
    assert len(LOOKS) >= 7
    for part in zip(*LOOKS, strict=True):
        assert len(set(part)) == len(LOOKS)
    for place in range(len(LOOKS)):
        (colour, *first), (same_colour, *again) = look_of(place), look_of(place + len(LOOKS))
        assert colour == same_colour
        assert not set(first) & set(again)


def test_computed_costs_are_lines_at_their_places_on_two_logarithmic_axes() -> None:
    figure = drawn(growth_chart([MLP, ATTENTION, SHIFT], "multiply-adds per token"))
    for line, each in zip(figure.data, (MLP, ATTENTION), strict=False):
        assert (line.name, line.mode) == (each.name, "lines")
        assert np.array_equal(line.x, PATCHES)
        assert np.array_equal(line.y, each.computed)
        assert (line.line.color, line.line.dash) == look_of(each.place)[:2]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert figure.layout.yaxis.title.text == "multiply-adds per token"
    low, high = figure.layout.yaxis.range
    assert low < np.log10(50) < np.log10(800) < high


def test_who_costs_nothing_is_named_and_not_drawn() -> None:
    figure = growth_chart([MLP, SHIFT, Growth("no mixing", 6, PATCHES, np.zeros(3))], "")
    (note,) = figure.layout.annotations
    assert note.text == "0, so without a line:<br>shift, no mixing"
    assert [line.showlegend for line in figure.data] == [True, False, False]
    assert np.isnan(figure.data[1].y).all()
    assert growth_chart([MLP], "").layout.annotations == ()
    # Room for the names, below every line.
    assert figure.layout.yaxis.range[0] < growth_chart([MLP], "").layout.yaxis.range[0]


def test_measurements_are_markers_with_their_range() -> None:
    figure = drawn(measured_chart([MLP, ATTENTION, SHIFT], "µs per token"))
    plain_one, ranged = figure.data
    assert (plain_one.name, ranged.name, plain_one.mode) == ("MLP", "shift", "lines+markers")
    assert np.array_equal(plain_one.x, PATCHES[:2])
    assert np.array_equal(plain_one.y, [2, 3])
    assert plain_one.error_y.array is None
    assert (ranged.line.color, ranged.line.dash, ranged.marker.symbol) == look_of(3)
    np.testing.assert_allclose(ranged.y - ranged.error_y.arrayminus, [0.4, 0.3])
    np.testing.assert_allclose(ranged.y + ranged.error_y.array, [0.9, 0.6])
    np.testing.assert_allclose(ranged.customdata, [[0.4, 0.9], [0.3, 0.6]])


def test_charts_of_nothing_and_of_numbers_that_are_none_draw_without_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for series in (
            [],
            [SHIFT],
            [Growth("a", 0, PATCHES, np.full(3, np.nan))],
            [Growth("a", 9, PATCHES[:1], PATCHES[:1])],
        ):
            drawn(growth_chart(series, ""))
            drawn(measured_chart(series, ""))
        for networks in (
            [],
            [Trained("a", 0, 0.0, np.zeros(1))],
            [Trained("a", 0, np.nan, np.full(2, np.nan)), Trained("b", 1, 5.0, np.array([50.0]))],
        ):
            drawn(accuracy_chart(networks, ""))
    with pytest.raises(ValueError, match="b has no accuracy"):
        accuracy_chart([Trained("b", 0, 1.0, np.ones(0))], "")


def test_every_seed_is_a_point_and_the_bar_reaches_from_the_least_to_the_most() -> None:
    given = np.array([80.0, 83.0, 81.0])
    seeds, mean = drawn(accuracy_chart([Trained("MLP", 0, 1e7, given)], "multiply-adds per image")).data
    assert (seeds.x.tolist(), seeds.y.tolist(), seeds.mode) == ([1e7] * 3, [80, 83, 81], "markers")
    assert (mean.x.tolist(), mean.y.tolist(), mean.text[0].strip()) == ([1e7], [given.mean()], "MLP")
    assert mean.y[0] - mean.error_y.arrayminus[0] == pytest.approx(80)
    assert mean.y[0] + mean.error_y.array[0] == pytest.approx(83)
    assert "mean of 3 seeds" in mean.hovertemplate
    assert np.array_equal(given, [80, 83, 81])


def test_one_seed_has_no_spread() -> None:
    seeds, name = accuracy_chart([Trained("MLP", 0, 1e7, np.array([80.0]))], "").data
    assert (seeds.y.tolist(), name.mode, name.error_y.array) == ([80], "text", None)


def test_networks_differ_in_marker_and_labels_keep_apart_where_costs_are_equal() -> None:
    networks = [Trained(f"network {at}", at, 12.78e6, np.array([80.0 - 0.1 * at])) for at in range(4)]
    figure = accuracy_chart([*networks, Trained("far", 4, 15e6, np.array([60.0]))], "multiply-adds")
    assert len({points.marker.symbol for points in figure.data[0::2]}) == 5
    assert len({name.textposition for name in figure.data[1:8:2]}) > 1
    assert figure.data[9].textposition == "middle right"
    low, high = figure.layout.xaxis.range
    assert low < np.log10(12.78e6) < np.log10(15e6) < high
    assert figure.layout.xaxis.type == "log"


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text(name: str) -> None:
    escaped = plain(name)
    assert not {"<", "$"} & set(escaped)
    assert "%{" not in escaped
    figures = [
        growth_chart([Growth(name, 0, PATCHES, PATCHES), Growth(name, 1, PATCHES, 0 * PATCHES)], ""),
        measured_chart([Growth(name, 0, PATCHES, PATCHES, PATCHES, PATCHES)], ""),
        accuracy_chart([Trained(name, 0, 1.0, np.ones(2))], ""),
    ]
    for figure in figures:
        assert {trace.name for trace in figure.data} == {escaped}
        assert not any(name in trace.hovertemplate for trace in figure.data if trace.hovertemplate)
        assert not any(name in note.text for note in figure.layout.annotations)


def test_text_alternatives_hold_the_numbers() -> None:
    words = growth_in_words([MLP, ATTENTION], "multiply-adds per token")
    assert words.startswith("Computed multiply-adds per token.")
    assert "attention: 50 at 16 patches, 800 at 256." in words
    words = accuracy_in_words([Trained("MLP", 0, 1.28e7, np.array([80.0, 82.55]))], "multiply-adds per image")
    assert words == "Test accuracy against multiply-adds per image. MLP: 80.0 and 82.5 % at 1.28e+07."


def test_plotly_gets_arrays() -> None:
    figures = [
        growth_chart([MLP], ""),
        measured_chart([MLP], ""),
        accuracy_chart([Trained("a", 0, 1.0, np.ones(2))], ""),
    ]
    assert all(isinstance(trace.y, np.ndarray) for figure in figures for trace in figure.data)
