"""Test accuracy during training, of the page "Token mixers compared"; networks look as in `growth`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.comparison.growth import LEGEND, look_of, plain
from mixer_viz.language import tr

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # one for each order of the pixels, as often as there are some


@dataclasses.dataclass(frozen=True)
class Curve:
    """One training run: test accuracy after each of E epochs."""

    name: str
    place: int  # in the table of token mixers, for its look
    accuracies: np.ndarray  # (E,) in percent
    seed: int = 0
    permutation: str = ""  # in words


def training_curves(curves: Sequence[Curve]) -> go.Figure:
    """A line for each run; other seeds of a network have its look, are paler, and go on and off with it."""
    return _chart(curves, [look_of(curve.place)[1] for curve in curves])


def permutation_chart(curves: Sequence[Curve]) -> go.Figure:
    """A line for each run of networks trained on images whose pixels are in another order.

    Colour and marker tell the network, the dash tells the order, by its first appearance: the first is solid.
    """
    orders = list(dict.fromkeys(curve.permutation for curve in curves))
    return _chart(curves, [DASHES[orders.index(curve.permutation) % len(DASHES)] for curve in curves])


def last_accuracies(curves: Sequence[Curve]) -> str:
    """The text alternative of both charts: the accuracy at the end of every run, in their order."""
    ends = [
        tr(
            "{name}, seed {seed}: {share:.1f} % after {epochs} epochs",
            name=_label(curve),
            seed=curve.seed,
            share=curve.accuracies[-1],
            epochs=len(curve.accuracies),
        )
        for curve in curves
        if len(curve.accuracies)
    ]
    if not ends:
        return tr("Test accuracy by epoch; there is no run yet.")
    return tr("Test accuracy by epoch. {list}.", list=tr("; ").join(ends))


def _chart(curves: Sequence[Curve], dashes: Sequence[str]) -> go.Figure:
    figure = go.Figure()
    named: set[str] = set()
    for curve, dash in zip(curves, dashes, strict=True):
        line = _line(curve, dash)
        another_seed = line.legendgroup in named
        figure.add_trace(line.update(showlegend=not another_seed, opacity=0.5 if another_seed else 1.0))
        named.add(line.legendgroup)
    few = max((len(curve.accuracies) for curve in curves), default=0) <= 12
    figure.update_xaxes(title=tr("epoch"), fixedrange=True, rangemode="tozero", dtick=1 if few else None)
    figure.update_yaxes(title=tr("test accuracy, %"), fixedrange=True)
    figure.update_layout(height=420, margin={"l": 0, "r": 14, "t": 10, "b": 0}, legend=LEGEND, showlegend=True)
    return figure


def _line(curve: Curve, dash: str) -> go.Scatter:
    colour, _, symbol = look_of(curve.place)
    name = plain(_label(curve))
    return go.Scatter(
        x=np.arange(1, len(curve.accuracies) + 1),
        y=np.asarray(curve.accuracies),
        name=name,
        legendgroup=f"{curve.place} {name}",
        mode="lines+markers",
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 8, "maxdisplayed": 8},
        hovertemplate=tr("seed {seed}, epoch %{{x}}: %{{y:.2f}} %", seed=curve.seed)
        + "<extra>%{fullData.name}</extra>",
    )


def _label(curve: Curve) -> str:
    return tr("{name}, {order}", name=curve.name, order=curve.permutation) if curve.permutation else curve.name
