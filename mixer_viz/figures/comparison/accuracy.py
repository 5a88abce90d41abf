"""Accuracy against cost, of the page "Token mixers compared"; networks look as in `growth`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.comparison.growth import look_of, plain
from mixer_viz.figures.wrapping import width_of
from mixer_viz.language import tr

_PLACES = {"middle right": (1, 0), "middle left": (-1, 0), "top center": (0, 1), "bottom center": (0, -1)}
_LETTER, _LINE = 0.018, 0.055  # width and height of a letter as shares of a chart that is 400 pixels wide


@dataclasses.dataclass(frozen=True)
class Trained:
    """One network's accuracies, from one training run for each seed, and what it costs."""

    name: str
    place: int  # in the table of token mixers, for its look
    cost: float  # multiply-adds or images/s
    accuracies: np.ndarray  # (seeds,) in percent, at least one


def accuracy_chart(networks: Sequence[Trained], cost: str) -> go.Figure:
    """Accuracy against cost, logarithmic: a marker for each seed, the name at their mean.

    Across the mean lies a short line, and a bar goes from the least accurate seed to the most accurate one.

    Args:
        cost: title of the x axis with its unit, as "multiply-adds per image".
    Raises ValueError for a network without an accuracy.
    """
    for each in networks:
        if not len(each.accuracies):
            raise ValueError(f"{each.name} has no accuracy")
    figure = go.Figure()
    means = np.array([each.accuracies.mean() for each in networks])
    costs = np.array([each.cost for each in networks], dtype=float)
    sides = _label_places(costs, means, [each.name for each in networks])
    for each, mean, side in zip(networks, means, sides, strict=True):
        figure.add_trace(_seeds(each))
        figure.add_trace(_mean(each, float(mean), side))
    figure.update_xaxes(type="log", title=cost, fixedrange=True, exponentformat="SI", range=_padded(costs))
    figure.update_yaxes(title=tr("test accuracy, %"), fixedrange=True)
    figure.update_layout(height=380, margin={"l": 0, "r": 14, "t": 10, "b": 0}, showlegend=False)
    return figure


def accuracy_in_words(networks: Sequence[Trained], cost: str) -> str:
    """The text alternative of the chart: every network's accuracies and cost, in their order."""
    parts = [
        tr(
            "{name}: {accuracies} % at {cost:.3g}",
            name=each.name,
            accuracies=tr(" and ").join(f"{accuracy:.1f}" for accuracy in each.accuracies),
            cost=each.cost,
        )
        for each in networks
    ]
    return tr("Test accuracy against {cost}. {list}.", cost=cost, list=tr("; ").join(parts))


def _seeds(each: Trained) -> go.Scatter:
    colour, _, symbol = look_of(each.place)
    return go.Scatter(
        x=np.full(len(each.accuracies), each.cost),
        y=each.accuracies,
        name=plain(each.name),
        mode="markers",
        marker={"symbol": symbol, "size": 9, "color": colour},
        hovertemplate=tr("one seed: %{y:.2f} %, %{x:.4s}") + "<extra>%{fullData.name}</extra>",
    )


def _mean(each: Trained, mean: float, side: str) -> go.Scatter:
    seeds = len(each.accuracies)
    name = go.Scatter(
        x=np.array([each.cost]),
        y=np.array([mean]),
        text=[f"\u00a0\u00a0{plain(each.name)}\u00a0\u00a0"],  # off the marker
        name=plain(each.name),
        mode="markers+text" if seeds > 1 else "text",
        textposition=side,
        cliponaxis=False,
        hovertemplate=tr("mean of {seeds} seeds: %{{y:.2f}} %, %{{x:.4s}}", seeds=seeds)
        + "<extra>%{fullData.name}</extra>",
    )
    if seeds == 1:
        return name.update(hoverinfo="skip", hovertemplate=None)
    colour = look_of(each.place)[0]
    least, most = each.accuracies.min(), each.accuracies.max()
    return name.update(
        marker={"symbol": "line-ew", "size": 18, "line": {"width": 1.5, "color": colour}},
        error_y={
            "type": "data",
            "array": np.array([most - mean]),
            "arrayminus": np.array([mean - least]),
            "thickness": 1.5,
            "color": colour,
        },
    )


def _padded(costs: np.ndarray) -> list[float] | None:
    """Ends of the logarithmic axis, with room for labels beside the outermost markers; None where nothing is drawn."""
    powers = np.log10(costs[np.isfinite(costs) & (costs > 0)])
    if not powers.size:
        return None
    room = max(0.05, 0.4 * float(np.ptp(powers)))
    return [float(powers.min()) - room, float(powers.max()) + room]


def _label_places(costs: np.ndarray, means: np.ndarray, names: Sequence[str]) -> list[str]:
    """Where each name stands beside its marker: the first side that is free of the others, inside if possible.

    Lengths are shares of the chart's width and height; what is free in a narrow chart is so in a wide one, too.
    """
    low, high = _padded(costs) or (0.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # what has no cost is not drawn
        across = (np.log10(costs) - low) / (high - low)
    known = means[np.isfinite(means)]
    up = (means - known.min()) / (float(np.ptp(known)) or 1.0) if known.size else means
    taken = [(x - 0.03, y - 0.03, x + 0.03, y + 0.03) for x, y in zip(across, up, strict=True)]
    chosen = []
    for x, y, name in zip(across, up, names, strict=True):
        boxes = {side: _box(x, y, width_of(name), *step) for side, step in _PLACES.items()}
        free = [side for side, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
        inside = [side for side in free if boxes[side][0] >= 0 and boxes[side][2] <= 1]
        chosen.append((inside or free or ["top center"])[0])
        taken.append(boxes[chosen[-1]])
    return chosen


def _box(x: float, y: float, letters: int, right: int, up: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a name beside, above or below a marker at (x, y)."""
    half = letters * _LETTER / 2
    middle_x, middle_y = x + right * (half + 0.031), y + up * (_LINE / 2 + 0.035)
    return (middle_x - half, middle_y - _LINE / 2, middle_x + half, middle_y + _LINE / 2)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
