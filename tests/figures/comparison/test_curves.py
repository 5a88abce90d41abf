"""Training curves of the page "Token mixers compared": a line per run, networks and orders without colour, too."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from mixer_viz.figures.comparison.curves import DASHES, Curve, last_accuracies, permutation_chart, training_curves
from mixer_viz.figures.comparison.growth import look_of, plain

FIRST, SECOND = np.array([40.0, 60.0, 65.5]), np.array([41.0, 59.0, 66.25])
ORDERS = ("as it is", "patches and pixels", "all pixels")


def test_every_run_is_a_line_from_epoch_one_with_its_values() -> None:
    curves = [Curve("MLP", 0, FIRST), Curve("shift", 3, SECOND)]
    figure = training_curves(curves)
    for line, curve in zip(figure.data, curves, strict=True):
        assert (line.x.tolist(), line.y.tolist(), line.name) == ([1, 2, 3], curve.accuracies.tolist(), curve.name)
        assert (line.line.color, line.line.dash, line.marker.symbol) == look_of(curve.place)
        assert isinstance(line.y, np.ndarray)
    assert figure.layout.yaxis.title.text == "test accuracy, %"
    assert np.array_equal(FIRST, [40, 60, 65.5])


def test_another_seed_has_the_look_of_its_network_paler_and_is_named_once() -> None:
    figure = training_curves([Curve("MLP", 0, FIRST, 0), Curve("shift", 3, FIRST), Curve("MLP", 0, SECOND, 1)])
    first, other, again = figure.data
    assert (first.line, first.marker, first.legendgroup) == (again.line, again.marker, again.legendgroup)
    assert other.legendgroup != first.legendgroup
    assert [line.showlegend for line in figure.data] == [True, True, False]
    assert again.opacity < first.opacity == 1
    assert ("seed 0" in first.hovertemplate, "seed 1" in again.hovertemplate) == (True, True)


def test_seven_networks_differ_in_dash_and_marker() -> None:
    figure = training_curves([Curve(str(place), place, FIRST) for place in range(7)])
    assert len({line.line.dash for line in figure.data}) == 7
    assert len({line.marker.symbol for line in figure.data}) == 7


def test_colour_and_marker_are_the_network_and_dash_is_the_order() -> None:
    curves = [Curve(name, at, FIRST, 0, order) for name, at in (("MLP", 0), ("convolution", 2)) for order in ORDERS]
    figure = permutation_chart(curves)
    for line, curve in zip(figure.data, curves, strict=True):
        assert (line.line.color, line.marker.symbol) == (look_of(curve.place)[0], look_of(curve.place)[2])
        assert line.line.dash == DASHES[ORDERS.index(curve.permutation)]
        assert line.name == f"{curve.name}, {curve.permutation}"
        assert line.showlegend
    assert figure.data[0].line.dash == "solid"
    assert len({(line.line.color, line.line.dash) for line in figure.data}) == 6


@pytest.mark.parametrize("name", ["<b>x</b>", "$a^2$", "%{y}", "</extra><a href='x'>"])
def test_names_are_text(name: str) -> None:
    for figure in (training_curves([Curve(name, 0, FIRST)]), permutation_chart([Curve(name, 0, FIRST, 0, name)])):
        (line,) = figure.data
        assert plain(name) in line.name
        assert name not in line.name
        assert name not in line.hovertemplate


def test_no_run_an_empty_run_and_numbers_that_are_none_draw_without_warnings() -> None:
    empty, unknown = Curve("a", 0, np.ones(0)), Curve("b", 20, np.array([np.nan, 50.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for curves in ([], [empty], [unknown, empty]):
            for figure in (training_curves(curves), permutation_chart(curves)):
                json.loads(figure.to_json())
                assert len(figure.data) == len(curves)
            last_accuracies(curves)


def test_text_alternative_tells_how_each_run_ended() -> None:
    curves = [Curve("MLP", 0, FIRST, 0, "all pixels"), Curve("shift", 1, SECOND, 1)]
    assert last_accuracies(curves) == (
        "Test accuracy by epoch. MLP, all pixels, seed 0: 65.5 % after 3 epochs; shift, seed 1: 66.2 % after 3 epochs."
    )
    assert "no run" in last_accuracies([])
