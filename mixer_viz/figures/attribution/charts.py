"""Curves and bars of the Attributions page: what the answer does when patches go or come."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixer_viz.figures.attribution.maps import MOST_MAPS
from mixer_viz.figures.common import short_name
from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL
from mixer_viz.language import mark, tr

_BAND = "rgba(122, 130, 140, 0.25)"  # NEUTRAL, for what is behind to show through
# Name, title, and title of the x axis.
_PANELS = (
    ("deletion", mark("Deletion"), mark("patches deleted, %")),
    ("insertion", mark("Insertion"), mark("patches inserted, %")),
)


@dataclasses.dataclass(frozen=True)
class CurveSet:
    """Scores of one map at K + 1 shares of the patches, and those of R random orders."""

    name: str
    shares: np.ndarray  # (K + 1,) 0 to 1
    deletion: np.ndarray  # (K + 1,)
    insertion: np.ndarray  # (K + 1,)
    random_deletion: np.ndarray  # (R, K + 1)
    random_insertion: np.ndarray  # (R, K + 1)


def curves_chart(curves: Sequence[CurveSet], measure: str, share: float | None, *, percent: bool) -> go.Figure:
    """Deletion and insertion side by side, a line per map before the band of the random orders.

    The band goes from the least to the most of the first set's random orders: with one seed they are those of all sets.

    Args:
        measure: title of the y axis, as "probability of cat, %".
        share: of the patches, 0 to 1, marked by a line; None for no mark.
        percent: draw scores 0 to 1 in percent.
    Raises ValueError for no or too many maps.
    """
    if not 1 <= len(curves) <= MOST_MAPS:
        raise ValueError(f"{len(curves)} maps are not between 1 and {MOST_MAPS}")
    titles = [tr(title) for _, title, _ in _PANELS]
    figure = make_subplots(1, 2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.05)
    for column, (panel, _, axis) in enumerate(_PANELS, start=1):
        for trace in [*_control(curves[0], panel, percent), *_lines(curves, panel, percent)]:
            figure.add_trace(trace.update(showlegend=trace.showlegend and column == 1), row=1, col=column)
        figure.update_xaxes(title=tr(axis), range=[0, 100], fixedrange=True, row=1, col=column)
        if share is not None:
            line = {"color": ACCENT, "width": 1.5}
            figure.add_vline(x=100 * share, line=line, opacity=0.6, layer="below", row=1, col=column)
    figure.update_yaxes(fixedrange=True, rangemode="tozero" if percent else "normal")
    figure.update_yaxes(title=measure, row=1, col=1)
    figure.update_annotations(font_size=13)
    figure.update_layout(height=340, margin={"l": 0, "r": 14, "t": 30, "b": 0}, legend={"orientation": "h", "y": -0.22})
    return figure


def answers_chart(
    names: Sequence[str],
    series: Mapping[str, np.ndarray],
    ranges: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> go.Figure:
    """Horizontal bars of class probabilities 0 to 1, grouped by class: a bar per series, printed in percent.

    Args:
        series: name -> (classes,), the first one on top of each group.
        ranges: name -> least and most (classes,) of a series that is a mean; drawn as error bars, and its bars in grey.
    """
    # By place, not by name: two classes of one short name would share a row.
    places = np.arange(len(names))
    figure = go.Figure()
    for (name, values), (colour, _, _), pattern in zip(series.items(), LINES, ("", "/", ".", "x", "-"), strict=False):
        spread = (ranges or {}).get(name)
        look = {"color": NEUTRAL} if spread else {"color": colour, "pattern": {"shape": pattern, "size": 6}}
        figure.add_trace(_bars(list(names), places, name, 100 * np.asarray(values), spread).update(marker=look))
    labels = [short_name(name) for name in names]
    figure.update_yaxes(autorange="reversed", automargin=True, fixedrange=True, tickvals=places, ticktext=labels)
    figure.update_xaxes(range=[0, 112], visible=False, fixedrange=True)
    figure.update_layout(
        height=(22 * len(series) + 18) * len(names) + 50,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        bargap=0.25,
        legend={"orientation": "h", "y": -0.05},
        showlegend=True,
    )
    return figure


def _control(first: CurveSet, panel: str, percent: bool) -> list[go.Scatter]:
    """The random orders: least, most with the band between both, and mean."""
    scores = _in_unit(getattr(first, f"random_{panel}"), percent)
    shares = 100 * first.shares
    least = go.Scatter(x=shares, y=scores.min(axis=0), mode="lines", line={"width": 0})
    most = go.Scatter(x=shares, y=scores.max(axis=0), mode="lines", line={"width": 0}, fill="tonexty", fillcolor=_BAND)
    for edge in (least, most):
        edge.update(showlegend=False, hoverinfo="skip", legendgroup="random")
    mean = go.Scatter(
        x=shares,
        y=scores.mean(axis=0),
        name=tr("{count} random orders, mean and range", count=len(scores)),
        legendgroup="random",
        mode="lines",
        showlegend=True,
        line={"color": NEUTRAL, "width": 1.5},
        customdata=np.stack([scores.min(axis=0), scores.max(axis=0)], axis=1),
        hovertemplate=_hover(percent, tr("random, %{customdata[0]:.3g} to %{customdata[1]:.3g}")),
    )
    return [least, most, mean]


def _lines(curves: Sequence[CurveSet], panel: str, percent: bool) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=100 * each.shares,
            y=_in_unit(getattr(each, panel), percent),
            name=each.name,
            legendgroup=f"map {index}",
            mode="lines+markers",
            showlegend=True,
            line={"color": colour, "dash": dash},
            marker={"symbol": symbol},
            hovertemplate=_hover(percent, each.name),
        )
        for index, (each, (colour, dash, symbol)) in enumerate(zip(curves, LINES, strict=False))
    ]


def _in_unit(scores: np.ndarray, percent: bool) -> np.ndarray:
    return 100 * scores if percent else np.asarray(scores)


def _hover(percent: bool, name: str) -> str:
    words = tr("%{x:.0f} % of the patches: %{y:.3g} %") if percent else tr("%{x:.0f} % of the patches: %{y:.3g}")
    return f"{words}<extra>{name}</extra>"


def _bars(
    names: list[str], places: np.ndarray, series: str, percent: np.ndarray, spread: tuple[np.ndarray, np.ndarray] | None
) -> go.Bar:
    bars = go.Bar(
        x=percent,
        y=places,
        name=series,
        orientation="h",
        hovertext=names,
        hovertemplate="%{hovertext}: %{x:.2f} %<extra>" + series + "</extra>",
    )
    if spread is None:
        text = [tr("{share:.1f} %", share=value) for value in percent]
        return bars.update(text=text, textposition="outside", cliponaxis=False)
    least, most = (100 * np.asarray(end) for end in spread)
    return bars.update(
        error_x={"type": "data", "array": most - percent, "arrayminus": percent - least, "thickness": 1.5},
        customdata=np.stack([least, most], axis=1),
        hovertemplate=tr("%{hovertext}: %{x:.2f} % on average, %{customdata[0]:.2f} to %{customdata[1]:.2f} %")
        + f"<extra>{series}</extra>",
    )
