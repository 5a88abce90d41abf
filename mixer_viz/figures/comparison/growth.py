"""How cost grows with the number of patches, of the page "Token mixers compared", and the looks of its charts.

A network has one look in all of them, `look_of` its place in the table of token mixers: colour, dash and marker differ.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.theme import LINES
from mixer_viz.figures.wrapping import wrapped
from mixer_viz.language import tr

# Three more than elsewhere, as there are seven token mixers; mid tones, to be seen on white and on black.
LOOKS = (
    *LINES,
    ("#A6761D", "longdashdot", "star"),
    ("#7B6FD0", "6px,2px", "triangle-down"),
    ("#8A9199", "2px,6px", "cross"),
)
# At the foot of the figure, wherever the axis ends: its rows differ from width to width.
LEGEND = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"}


@dataclasses.dataclass(frozen=True)
class Growth:
    """What one token mixer costs at P numbers of patches, and what of it was measured at M numbers of patches."""

    name: str
    place: int  # in the table of token mixers, for its look
    patches: np.ndarray  # (P,)
    computed: np.ndarray  # (P,) 0 is possible
    measured_patches: np.ndarray | None = None  # (M,)
    measured: np.ndarray | None = None  # (M,) in another unit
    spread: tuple[np.ndarray, np.ndarray] | None = None  # least and most (M,) of several measurements


def growth_chart(series: Sequence[Growth], quantity: str) -> go.Figure:
    """What was computed against the number of patches, as lines on two logarithmic axes.

    A cost of 0 has no place on such an axis: token mixers that cost nothing are named below the lines.

    Args:
        quantity: title of the y axis with its unit, as "multiply-adds per token".
    """
    figure = _chart([_computed(each) for each in series], quantity)
    free = wrapped(tr(", ").join(each.name for each in series if not each.computed.any()), 36)
    drawn = np.concatenate([np.ones(0), *(each.computed[each.computed > 0] for each in series)])
    if drawn.size:
        low, high = np.log10([drawn.min(), drawn.max()])
        foot = 0.06 + (0.08 * (1 + len(free)) if free else 0.0)  # share of the height that the names take
        figure.update_yaxes(range=[low - (high - low or 1.0) * foot / (1 - foot), high + 0.06 * (high - low or 1.0)])
    if free:
        text = "<br>".join(plain(line) for line in [tr("0, so without a line:"), *free])
        place = {"x": 0.02, "y": 0.01, "xref": "x domain", "yref": "y domain", "xanchor": "left", "yanchor": "bottom"}
        figure.add_annotation(text=text, showarrow=False, align="left", font_size=11, **place)
    return figure


def measured_chart(series: Sequence[Growth], quantity: str) -> go.Figure:
    """What was measured against the number of patches, as markers on two logarithmic axes; the others are left out.

    Args:
        quantity: title of the y axis with its unit, as "µs per token".
    """
    return _chart([_measured(each) for each in series if each.measured is not None], quantity)


def growth_in_words(series: Sequence[Growth], computed: str) -> str:
    """The text alternative of the chart: what each token mixer computes at its fewest and its most patches."""
    parts = [
        tr(
            "{name}: {first:.3g} at {fewest} patches, {last:.3g} at {most}",
            name=each.name,
            first=each.computed[0],
            fewest=each.patches[0],
            last=each.computed[-1],
            most=each.patches[-1],
        )
        for each in series
        if len(each.patches)
    ]
    return tr("Computed {quantity}. {list}.", quantity=computed, list=tr("; ").join(parts))


def plain(name: str) -> str:
    """A name as text: plotly would read tags, entities and formulas out of it."""
    return html.escape(name, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")


def look_of(place: int) -> tuple[str, str, str]:
    """Colour, dash and marker of a place in the table; from the ninth on colours come again with other dashes."""
    turn, at = divmod(place, len(LOOKS))
    return LOOKS[at][0], LOOKS[(at + turn) % len(LOOKS)][1], LOOKS[(at + 2 * turn) % len(LOOKS)][2]


def _chart(traces: Sequence[go.Scatter], quantity: str) -> go.Figure:
    figure = go.Figure(list(traces))
    # Patches of grids of 1, 2, 4, 8, ... on a side.
    figure.update_xaxes(type="log", title=tr("patches S"), fixedrange=True, tickvals=4 ** np.arange(10))
    figure.update_yaxes(type="log", title=quantity, fixedrange=True, exponentformat="SI", dtick=1)
    figure.update_layout(height=470, margin={"l": 0, "r": 14, "t": 10, "b": 0}, legend=LEGEND, showlegend=True)
    return figure


def _computed(each: Growth) -> go.Scatter:
    colour, dash, _ = look_of(each.place)
    return go.Scatter(
        x=each.patches,
        # Plotly would complain of nothing and draw nothing; said outright, the gap is meant.
        y=np.where(each.computed > 0, each.computed, np.nan),
        name=plain(each.name),
        mode="lines",
        showlegend=bool(each.computed.any()),
        line={"color": colour, "dash": dash},
        hovertemplate=tr("%{x} patches: %{y:.4s}") + "<extra>%{fullData.name}</extra>",
    )


def _measured(each: Growth) -> go.Scatter:
    colour, dash, symbol = look_of(each.place)
    points = go.Scatter(
        x=each.measured_patches,
        y=each.measured,
        name=plain(each.name),
        mode="lines+markers",
        line={"color": colour, "dash": dash, "width": 1},  # to follow the markers by; nothing was measured between
        marker={"symbol": symbol, "size": 9},
        hovertemplate=tr("%{x} patches: %{y:.4g}") + "<extra>%{fullData.name}</extra>",
    )
    if each.spread is None:
        return points
    least, most = each.spread
    return points.update(
        error_y={"type": "data", "array": most - each.measured, "arrayminus": each.measured - least, "thickness": 1},
        customdata=np.stack([least, most], axis=1),
        hovertemplate=tr("%{x} patches: %{y:.4g}, from %{customdata[0]:.4g} to %{customdata[1]:.4g}")
        + "<extra>%{fullData.name}</extra>",
    )
