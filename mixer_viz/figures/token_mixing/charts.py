"""Curves of the Learned token-mixing weights page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL
from mixer_viz.language import tr


def depth_chart(curves: Mapping[str, tuple[np.ndarray, np.ndarray | None, np.ndarray]], block: int) -> go.Figure:
    """Up to four small charts: a quantity of W1, of W2 (or None), and of W1 at the start, (L,); `block` is marked."""
    figure = make_subplots(2, 2, subplot_titles=list(curves), horizontal_spacing=0.1, vertical_spacing=0.2)
    styles = (("W₁", LINES[0]), ("W₂", LINES[1]), (tr("W₁ before training"), (NEUTRAL, "dot", "circle")))
    hover = tr("block %{x}: %{y:.3g}")
    named: set[str] = set()
    for place, lines in enumerate(curves.values()):
        row, column = divmod(place, 2)
        for values, (name, (colour, dash, symbol)) in zip(lines, styles, strict=True):
            if values is None:
                continue
            line = go.Scatter(
                x=np.arange(1, len(values) + 1),
                y=values,
                name=name,
                legendgroup=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol},
                showlegend=name not in named,
                hovertemplate=hover + "<extra>" + name + "</extra>",
            )
            named.add(name)
            figure.add_trace(line, row=row + 1, col=column + 1)
        _mark_block(figure, block, row=row + 1, col=column + 1)
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    figure.update_xaxes(fixedrange=True, dtick=1 if len(lines[0]) <= 12 else None)
    figure.update_annotations(font_size=13)
    figure.update_layout(height=440, margin={"l": 0, "r": 0, "t": 30, "b": 0}, legend={"orientation": "h", "y": -0.15})
    return figure


def singular_value_chart(first: np.ndarray, second: np.ndarray, start: np.ndarray) -> go.Figure:
    """Singular values of W1 and W2 of one block, and of W1 at the start, largest first."""
    figure = go.Figure()
    rank = np.arange(1, len(first) + 1)
    for values, name, (colour, dash, _) in zip(
        (first, second, start),
        ("W₁", "W₂", tr("W₁ before training")),
        (LINES[0], LINES[1], (NEUTRAL, "dot", "")),
        strict=True,
    ):
        figure.add_trace(go.Scatter(x=rank, y=values, name=name, mode="lines", line={"color": colour, "dash": dash}))
    figure.update_yaxes(title=tr("singular value"), rangemode="tozero", fixedrange=True)
    figure.update_xaxes(title=tr("number, largest first"), fixedrange=True)
    figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.3})
    return figure


def convolution_chart(shares: Mapping[str, np.ndarray], nulls: Sequence[float], block: int) -> go.Figure:
    """Explained share (L,) of each kind by block, in percent, with a grey line at each null value."""
    figure = go.Figure()
    styles = LINES[: len(shares)]
    hover = tr("block %{x}: %{y:.1f} %")
    for (title, values), null, (colour, dash, symbol) in zip(shares.items(), nulls, styles, strict=True):
        name = tr(title)
        blocks = np.arange(1, len(values) + 1)
        figure.add_trace(
            go.Scatter(
                x=blocks,
                y=100 * values,
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol, "size": 8},
                hovertemplate=hover + "<extra>" + name + "</extra>",
            )
        )
        figure.add_hline(y=100 * null, line={"color": NEUTRAL, "width": 1, "dash": dash})
    _mark_block(figure, block)
    figure.update_yaxes(title=tr("explained, %"), range=[0, 103], fixedrange=True)
    figure.update_xaxes(title=tr("block"), fixedrange=True, dtick=1 if len(blocks) <= 12 else None)
    figure.update_layout(height=300, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.25})
    return figure


def distance_chart(distance: np.ndarray, profiles: Mapping[str, np.ndarray], count: np.ndarray) -> go.Figure:
    """Mean magnitude of a weight by the distance between the two patches; `count` says over how many pairs."""
    figure = go.Figure()
    hover = tr("%{x:.0f} patches: %{y:.3g}, mean of %{customdata:,} pairs")
    for (name, values), (colour, dash, symbol) in zip(profiles.items(), LINES, strict=False):
        figure.add_trace(
            go.Scatter(
                x=distance,
                y=values,
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol},
                customdata=count,
                hovertemplate=hover + "<extra>" + name + "</extra>",
            )
        )
    figure.update_yaxes(title=tr("mean |weight|"), rangemode="tozero", fixedrange=True)
    figure.update_xaxes(title=tr("distance, patches"), fixedrange=True)
    figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.3})
    return figure


def area_chart(area: np.ndarray) -> go.Figure:
    """Share of all patches that holds 20, 50 and 99 % of the gradient: (L + 1, 3) by stage, 0 is the embedding."""
    figure = go.Figure()
    stages = np.arange(len(area))
    hover = tr("{held} % of the gradient in %{y:.0f} % of the patches<extra>block %{x}</extra>")
    for held, values, (colour, dash, symbol) in zip((20, 50, 99), area.T, LINES, strict=False):
        figure.add_trace(
            go.Scatter(
                x=stages,
                y=100 * values,
                name=tr("{held} % of the gradient", held=held),
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"symbol": symbol},
                hovertemplate=hover.replace("{held}", str(held)),
            )
        )
    figure.update_yaxes(title=tr("of all patches, %"), range=[0, 103], fixedrange=True)
    figure.update_xaxes(title=tr("after block (0: embedding)"), fixedrange=True, dtick=1 if len(stages) <= 13 else None)
    figure.update_layout(height=290, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.3})
    return figure


def _mark_block(figure: go.Figure, block: int, **place: int) -> None:
    figure.add_vline(x=block + 1, line={"color": ACCENT, "width": 2}, opacity=0.6, layer="below", **place)
