"""One unit on many pictures: the histogram of its activation, its mean in each class, and the pictures themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.activations.maps import enlarged
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL, SCALES
from mixer_viz.language import mark, tr

_BINS = 40
_MOST_CLASSES = 20


def histogram_chart(
    sample: np.ndarray, value: float, quantity: str = mark("activation, mean over the channels")
) -> go.Figure:
    """Activations (M,) of sampled pictures, with the one of the visitor's picture marked; `quantity` is a message."""
    finite = sample[np.isfinite(sample)].astype(np.float64)
    counts, edges = np.histogram(finite, bins=_BINS)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            marker_color=LINES[0][0],
            hovertemplate=tr("%{x:.3g}: %{y} pictures") + "<extra></extra>",
        )
    )
    figure.add_vline(value, line_color=ACCENT, line_width=2, annotation_text=tr("your picture"))
    figure.update_xaxes(title=tr(quantity), fixedrange=True)
    # The empty value keeps it apart from what a progress bar counts, which has a measure word in Chinese.
    figure.update_yaxes(title=tr("pictures{column}", column=""), fixedrange=True)
    figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 24, "b": 0}, bargap=0)
    return figure


def class_chart(means: np.ndarray, names: Sequence[str], overall: float) -> go.Figure:
    """Mean activation (K,) in each class, largest first, the ends alone where there are many; the line is over all.

    A class without a picture is nan and is left out.
    """
    order = np.argsort(-means, kind="stable")[: np.isfinite(means).sum()]
    if len(order) > _MOST_CLASSES:
        order = np.concatenate([order[: _MOST_CLASSES // 2], order[-_MOST_CLASSES // 2 :]])
    figure = go.Figure(
        go.Bar(
            x=means[order],
            y=[names[index] for index in order],
            orientation="h",
            marker_color=LINES[0][0],
            hovertemplate="%{y}: %{x:.3g}<extra></extra>",
        )
    )
    figure.add_vline(overall, line_color=NEUTRAL, line_dash="dot")
    figure.update_xaxes(title=tr("mean activation"), fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 24, "b": 0})
    return figure


def confusion_grid(confusion: np.ndarray, names: Sequence[str], width: int = 420) -> Grid:
    """How often pictures of each class (row) got each answer (column), (K, K) shares of the row, 0 to 1; nan for none.

    `names` are as they are, for hover.
    """
    count = len(names)
    words = tr("{shown} answered as {answer}: {share:.3g} %"), tr("{shown} answered as {answer}: no pictures")
    hover = tuple(
        words[bool(np.isnan(share))].format(shown=names[row], answer=names[column], share=100 * share)
        for (row, column), share in np.ndenumerate(confusion)
    )
    return Grid(
        title=tr("Confusions"),
        rows=count,
        columns=count,
        shape=tr("{count} × {count}, a row per class, a column per answer", count=count),
        description=tr("Share of the pictures of each of {count} classes that got each answer.", count=count),
        values=(100 * np.nan_to_num(confusion)).astype(np.float32),
        scale=dataclasses.replace(SCALES["power"], quantity=mark("share of the class"), unit="%", fixed=(0.0, 100.0)),
        hover=hover,
        select="none",
        width=width,
    )


def mapped_pictures(
    pictures: np.ndarray, maps: np.ndarray, titles: Sequence[str], notes: Sequence[str], width: int = 150
) -> list[Grid]:
    """Whole pictures (N, H, W, 3) with the unit's map (N, S) over each: what each patch adds to its activation."""
    return [
        dataclasses.replace(
            enlarged(picture, values[None], "contribution to the unit", [note], width=width),
            title=title,
            select="none",
            description=tr(
                "{title}: {note}; what each patch adds to the unit's activation, over the picture.",
                title=title,
                note=note,
            ),
        )
        for picture, values, title, note in zip(pictures, maps, titles, notes, strict=True)
    ]
