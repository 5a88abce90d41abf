"""Curves of the Per-layer activations page; x is the layer, 0 the embedding, then two half-blocks per block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL


def layer_lines(
    lines: Mapping[str, np.ndarray], names: Sequence[str], layer: int, *, title: str, percent: bool = False
) -> go.Figure:
    """One line per quantity, (T,) each, with the selected layer marked; `percent` draws shares 0 to 1 in percent."""
    figure = go.Figure()
    factor = 100 if percent else 1
    for (name, values), (colour, dash, symbol) in zip(lines.items(), LINES, strict=False):
        figure.add_trace(
            go.Scatter(
                x=np.arange(len(values)),
                y=factor * values,
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol},
                customdata=list(names),
                hovertemplate="%{customdata}: %{y:.3g}" + (" %" if percent else "") + "<extra>" + name + "</extra>",
            )
        )
    figure.add_vline(x=layer, line={"color": ACCENT, "width": 2}, opacity=0.6, layer="below")
    figure.update_yaxes(title=title, fixedrange=True, rangemode="tozero" if percent else "normal")
    figure.update_xaxes(title="layer", fixedrange=True)
    figure.update_layout(
        height=280, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.28}, showlegend=True
    )
    return figure


def contribution_bars(values: np.ndarray, names: Sequence[str], layer: int | None) -> go.Figure:
    """Signed contributions to a logit, one bar per part in order; the part of the selected layer is marked."""
    colours = [ACCENT if index == layer else NEUTRAL for index in range(len(values))]
    bars = go.Bar(
        x=np.arange(len(values)),
        y=values,
        marker={"color": colours},
        customdata=list(names),
        hovertemplate="%{customdata}: %{y:+.3f}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(title="part of the logit", fixedrange=True)
    figure.update_xaxes(
        fixedrange=True, tickvals=np.arange(len(values)), ticktext=[_short(name) for name in names], tickangle=-60
    )
    figure.update_layout(height=320, margin={"l": 0, "r": 0, "t": 10, "b": 0}, bargap=0.25)
    return figure


def _short(name: str) -> str:
    """ "block 3 token mixing" -> "3 tokens"."""
    words = name.split()
    return f"{words[1]} {words[2]}s" if words[0] == "block" else name
