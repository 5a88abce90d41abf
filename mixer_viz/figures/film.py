"""Curves through a finished training, with one moment of it marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL
from mixer_viz.figures.wrapping import wrapped
from mixer_viz.language import mark, tr

_TITLE_LETTERS = 16  # in a line above a chart: on a phone, a third of the screen
_MOMENTS = mark("moments, about evenly spaced in log(epoch)")


def film_chart(
    labels: Sequence[str], accuracy: np.ndarray, frequency: np.ndarray, opposed: np.ndarray, marked: Sequence[int]
) -> go.Figure:
    """Three small charts over the moments of a training, evenly spaced as they come; `marked` are pointed at.

    Args:
        labels: of the T moments.
        accuracy: (T,) in percent, nan where none was measured.
        frequency: (T,) mean radial frequency of the units over that of white noise.
        opposed: (T,) share of units with an opposing unit, 0 to 1.
        marked: numbers of moments.
    """
    titles = (
        tr("validation accuracy, %"),
        tr("frequency of the units / white noise"),
        tr("units with an opposing unit, %"),
    )
    lines = ["<br>".join(wrapped(title, _TITLE_LETTERS)) for title in titles]
    figure = make_subplots(1, 3, subplot_titles=lines, horizontal_spacing=0.07)
    places = np.arange(len(labels))
    for column, values in enumerate((accuracy, frequency, 100 * opposed), start=1):
        figure.add_trace(
            go.Scatter(
                x=places,
                y=values,
                mode="lines+markers",
                line={"color": LINES[0][0]},
                customdata=list(labels),
                hovertemplate="%{customdata}: %{y:.3g}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=column,
        )
        for moment in marked:
            figure.add_vline(x=moment, line={"color": ACCENT, "width": 1.5}, row=1, col=column)
    figure.add_hline(y=1, line={"color": NEUTRAL, "dash": "dot"}, row=1, col=2)
    figure.update_xaxes(showticklabels=False, fixedrange=True)
    figure.update_xaxes(title=tr(_MOMENTS), title_font_size=11, col=2)  # once, for it is wider than a narrow chart
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    figure.update_annotations(font_size=12)
    figure.update_layout(height=240, margin={"l": 0, "r": 0, "t": 54, "b": 0})
    return figure


def answers_chart(
    labels: Sequence[str], places: Sequence[int], curves: Mapping[str, np.ndarray], marked: Sequence[int]
) -> go.Figure:
    """Probabilities of a few classes at the moments whose answer is known, on the axis of `film_chart`.

    Args:
        labels: of the T moments.
        places: (A,) numbers of the moments with an answer.
        curves: class name, for plotly, to its probabilities (A,), 0 to 1.
        marked: numbers of moments.
    """
    figure = go.Figure()
    for (name, values), (colour, dash, symbol) in zip(curves.items(), LINES, strict=False):
        figure.add_trace(
            go.Scatter(
                x=np.array(places),
                y=100 * values,
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"size": 9, "symbol": symbol},
                customdata=[labels[place] for place in places],
                hovertemplate=tr("%{{customdata}}: {name} %{{y:.3g}} %", name=name) + "<extra></extra>",
            )
        )
    for moment in marked:
        figure.add_vline(x=moment, line={"color": ACCENT, "width": 1.5})
    figure.update_xaxes(
        showticklabels=False, fixedrange=True, title=tr(_MOMENTS), title_font_size=11, range=[-0.5, len(labels) - 0.5]
    )
    figure.update_yaxes(range=[-3, 103], fixedrange=True, title=tr("probability, %"), title_font_size=11)
    figure.update_layout(height=240, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return figure
