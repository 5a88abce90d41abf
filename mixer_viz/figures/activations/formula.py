"""Pictures of the formula in numbers: small maps over the patch grid, strips over the units, partial sums as lines."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL, SCALES
from mixer_viz.language import mark, tr

MAP_WIDTH = 218
STRIP_WIDTH = 1000
_ADDED = {
    "patch": mark("patches added, in order"),
    "unit": mark("units added, in order"),
    "pixel": mark("pixels added, in order"),
    "channel": mark("channels added, in order"),
}
_TERMS = (mark("patch"), mark("unit"), mark("pixel"), mark("channel"))


def patch_map(values: np.ndarray, *, title: str, note: str, scale: str, width: int = MAP_WIDTH) -> Grid:
    """One number per patch, (rows, columns), or (S,) of a square grid; a click picks the patch."""
    rows, columns = values.shape if values.ndim == 2 else (math.isqrt(values.size), math.isqrt(values.size))
    return Grid(
        title=title,
        rows=rows,
        columns=columns,
        shape=note,
        description=_description(values, title, "patch"),
        values=values,
        scale=SCALES[scale],
        width=width,
    )


def _description(values: np.ndarray, title: str, cell: str) -> str:
    return tr(
        "{title}: {count} numbers, one per {cell}, from {lowest:.3g} to {highest:.3g}.",
        title=title,
        count=values.size,
        cell=tr(cell),
        lowest=values.min(),
        highest=values.max(),
    )


def unit_strip(
    values: np.ndarray, *, title: str, note: str, scale: str, width: int = STRIP_WIDTH, cell: str = "unit"
) -> Grid:
    """One number per hidden unit (or another `cell`), (D_S,), in a row; a click picks the unit, and nothing else."""
    return Grid(
        title=title,
        rows=1,
        columns=values.size,
        shape=note,
        description=_description(values, title, cell),
        values=values,
        scale=SCALES[scale],
        cell=cell,
        select="cell" if cell == "unit" else "none",
        width=width,
        aspect=width / 34,
    )


def partial_sums_chart(
    products: np.ndarray, sums: np.ndarray, bias: float, *, term: str, bias_name: str, mark: int | None = None
) -> go.Figure:
    """Partial sums (n,) of the products (n,) as a line from 0, and the whole with its bias as the last point.

    Args:
        term: what is counted, "patch", "unit", "pixel" or "channel".
        mark: the number of the term to mark.
    """
    colour, dash, _ = LINES[0]
    words, word = tr("{term} {number} adds {product:+.3g}: {total:+.4g} so far"), tr(term)  # for thousands of terms
    steps = go.Scatter(
        x=np.arange(-1, len(sums)),
        y=np.concatenate([[0.0], sums]),
        name=tr("sum so far"),
        mode="lines",
        line={"color": colour, "dash": dash, "shape": "hv"},
        hovertext=[
            tr("at first: 0"),
            *(
                words.format(term=word, number=number, product=product, total=total)
                for number, (product, total) in enumerate(zip(products.tolist(), sums.tolist(), strict=True))
            ),
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    end = float(sums[-1])
    last = go.Scatter(
        x=np.array([len(sums) - 1, len(sums) - 1]),
        y=np.array([end, end + bias]),
        name=f"+ {bias_name}",
        mode="lines+markers",
        line={"color": ACCENT, "dash": "dot"},
        marker={"symbol": ["circle-open", "circle"], "size": 9},
        hovertemplate="%{y:+.4g}<extra></extra>",
    )
    figure = go.Figure([steps, last])
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    if mark is not None:
        figure.add_vline(x=mark, line={"color": ACCENT, "width": 2}, opacity=0.6, layer="below")
    figure.update_yaxes(title=tr("sum so far"), fixedrange=True)
    figure.update_xaxes(title=tr(_ADDED[term]), fixedrange=True)
    figure.update_layout(height=230, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.38})
    return figure


def gelu_chart(
    inputs: np.ndarray, outputs: np.ndarray, preactivations: np.ndarray, hiddens: np.ndarray, unit: int
) -> go.Figure:
    """The GELU as a curve, all units (D_S,) of one channel on it, and the selected one marked."""
    colour, dash, _ = LINES[0]
    curve = go.Scatter(
        x=inputs, y=outputs, name="GELU", mode="lines", line={"color": colour, "dash": dash}, hoverinfo="skip"
    )
    units = go.Scatter(
        x=preactivations,
        y=hiddens,
        name=tr("all units of this channel"),
        mode="markers",
        marker={"color": NEUTRAL, "size": 6, "opacity": 0.55},
        customdata=np.arange(len(hiddens)),
        hovertemplate=tr("unit %{customdata}: %{x:+.3g} becomes %{y:+.3g}") + "<extra></extra>",
    )
    own = go.Scatter(
        x=preactivations[unit : unit + 1],
        y=hiddens[unit : unit + 1],
        name=tr("unit {number}", number=unit),
        mode="markers",
        marker={"color": ACCENT, "size": 12, "symbol": "diamond"},
        customdata=[unit],
        hovertemplate=tr("unit %{customdata}: %{x:+.4g} becomes %{y:+.4g}") + "<extra></extra>",
    )
    figure = go.Figure([curve, units, own])
    figure.update_yaxes(title=tr("after GELU"), fixedrange=True)
    figure.update_xaxes(title=tr("before GELU"), fixedrange=True)
    figure.update_layout(height=250, margin={"l": 0, "r": 0, "t": 10, "b": 0}, legend={"orientation": "h", "y": -0.34})
    return figure
