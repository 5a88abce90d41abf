"""The curves of a training."""

from __future__ import annotations

import pytest

from mixer_viz.figures.learning import learning_chart


def test_accuracy_in_percent_beside_loss_with_guessing_marked() -> None:
    figure = learning_chart(
        [(1, 2.0), (2, 1.5)], [(1, 0.2), (2, 0.4)], [(0, 2.2), (2, 1.6)], [(0, 0.1), (2, 0.35)], 0.1, 50
    )
    traces = {(trace.name, trace.yaxis): (list(trace.x), list(trace.y)) for trace in figure.data}
    assert traces["training", "y"] == ([1, 2], [20.0, 40.0])
    assert traces["test", "y"] == ([0, 2], [10.0, 35.0])
    assert traces["training", "y2"] == ([1, 2], [2.0, 1.5])
    assert traces["test", "y2"] == ([0, 2], [2.2, 1.6])
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == pytest.approx(10)
    assert tuple(figure.layout.xaxis.range) == (0, 50)


def test_a_single_point_can_be_seen() -> None:
    figure = learning_chart([], [], [(0, 1.6)], [(0, 0.2)], 0.2, 50)
    assert [trace.mode for trace in figure.data if trace.name == "test"] == ["lines+markers"] * 2
