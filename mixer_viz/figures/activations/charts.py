"""Charts of the Per-layer activations page; x is the layer, 0 the embedding, then two half-blocks, or the block.

Names of layers are noted; those of lines and titles of axes are said already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL
from mixer_viz.language import shown, tr


def layer_lines(
    lines: Mapping[str, np.ndarray],
    names: Sequence[str],
    layer: int,
    *,
    title: str,
    percent: bool = False,
    highest: float | None = None,
) -> go.Figure:
    """One line per quantity, (T,) each, with the selected layer marked; `percent` draws shares 0 to 1 in percent.

    `highest` is the end of the axis from 0, in the unit of the values, for charts that are to be compared.
    """
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
                customdata=[shown(layer) for layer in names],
                hovertemplate="%{customdata}: %{y:.3g}" + (" %" if percent else "") + "<extra>" + name + "</extra>",
            )
        )
    figure.add_vline(x=layer, line={"color": ACCENT, "width": 2}, opacity=0.6, layer="below")
    figure.update_yaxes(title=title, fixedrange=True, rangemode="tozero" if percent else "normal")
    if highest is not None:
        figure.update_yaxes(range=[0, factor * highest])
    figure.update_xaxes(title=tr("layer"), fixedrange=True)
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
        customdata=[shown(name) for name in names],
        hovertemplate="%{customdata}: %{y:+.3f}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(title=tr("part of the logit"), fixedrange=True)
    figure.update_xaxes(
        fixedrange=True, tickvals=np.arange(len(values)), ticktext=[_short(name) for name in names], tickangle=-60
    )
    figure.update_layout(height=320, margin={"l": 0, "r": 0, "t": 10, "b": 0}, bargap=0.25)
    return figure


def _short(name: str) -> str:
    """ "block 3 token mixing" -> "3 tokens"."""
    words = name.split()  # of the English name, in every language
    if words[0] != "block":
        return shown(name)
    if words[2] == "token":
        return tr("{block} tokens", block=words[1])
    return tr("{block} channels", block=words[1])


def each_alone_chart(changes: np.ndarray, names: Sequence[str], answers: Sequence[str], followed: str) -> go.Figure:
    """Change of one class's probability in percentage points, (2 L,), with each half-block alone switched off.

    Args:
        names: of the half-blocks in order, token mixing first.
        answers: the most probable class of each pass, for the hover text.
        followed: the class whose probability it is.
    """
    figure = go.Figure()
    blocks = np.arange(1, len(changes) // 2 + 1)
    for start, mixing, (colour, _, _), pattern in (
        (0, tr("token mixing"), LINES[0], ""),
        (1, tr("channel mixing"), LINES[1], "/"),
    ):
        figure.add_trace(
            go.Bar(
                x=blocks,
                y=changes[start::2],
                name=mixing,
                marker={"color": colour, "pattern": {"shape": pattern}},
                customdata=np.array([[shown(name) for name in names], list(answers)], dtype=object).T[start::2],
                hovertemplate=tr("without %{customdata[0]}: %{y:+.1f} points, answer: %{customdata[1]}")
                + "<extra></extra>",
            )
        )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(title=tr("change of {name}, points", name=followed), fixedrange=True)
    figure.update_xaxes(title=tr("block"), fixedrange=True, dtick=1 if len(blocks) <= 12 else None)
    figure.update_layout(
        height=280,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        barmode="group",
        bargap=0.3,
        legend={"orientation": "h", "y": -0.28},
    )
    return figure
