"""Pictures of the Overview page: the way of one image from pixels to classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure

from mixer_viz.figures.common import draw_borders, short_name
from mixer_viz.figures.theme import ACCENT, NEUTRAL, SCALES
from mixer_viz.language import tr


def top_classes_chart(names: Sequence[str], probabilities: np.ndarray) -> go.Figure:
    """Horizontal bars, most probable class on top; probabilities 0 to 1 are printed in percent."""
    percent = 100 * np.asarray(probabilities)
    colours = [ACCENT] + [NEUTRAL] * (len(percent) - 1)
    # By place, not by name: two classes of one short name would share a row.
    places = list(range(len(names)))
    bars = go.Bar(
        x=percent,
        y=places,
        orientation="h",
        marker={"color": colours},
        text=[tr("{value:.1f} %", value=value) for value in percent],
        textposition="auto",  # inside a long bar: on a projector there is no room beside it
        insidetextanchor="end",
        cliponaxis=False,
        hovertext=list(names),
        hovertemplate=tr("%{hovertext}: %{x:.2f} %<extra></extra>"),
    )
    figure = go.Figure(bars)
    labels = [short_name(name) for name in names]
    figure.update_yaxes(autorange="reversed", automargin=True, fixedrange=True, tickvals=places, ticktext=labels)
    figure.update_xaxes(range=[0, 118], visible=False, fixedrange=True)
    figure.update_layout(height=46 * len(percent) + 10, margin={"l": 0, "r": 0, "t": 0, "b": 0}, bargap=0.35)
    return figure


def draw_overview(
    crop: np.ndarray,
    embedding: np.ndarray,
    stages: Sequence[tuple[str, str]],
    colours: np.ndarray,
    names: Sequence[str],
    probabilities: np.ndarray,
    caption: str,
) -> Figure:
    """The page as one figure for print: crop, token matrix, all stages, classes."""
    columns = (len(stages) + 1) // 2
    figure = Figure(figsize=(11, 7), layout="constrained")
    top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=(1.4, 1)))
    photo_axes, matrix_axes, class_axes = top.subplots(1, 3, width_ratios=(1, 1.2, 1.1))
    rows, grid_columns = colours.shape[1:3]
    photo_axes.imshow(crop)
    draw_borders(photo_axes, crop, rows, grid_columns)
    photo_axes.set(title=tr("{rows} × {columns} patches", rows=rows, columns=grid_columns), xticks=[], yticks=[])
    scale = SCALES["embedding"]
    low, high = scale.limits(embedding)
    mappable = matrix_axes.imshow(embedding, cmap=scale.colour_map, vmin=low, vmax=high, aspect="auto")
    matrix_axes.set(title=tr("Tokens"), xlabel=tr("channel"), ylabel=tr("token"))
    top.colorbar(mappable, ax=matrix_axes, label=scale.label)
    places = np.arange(len(names))
    class_axes.set_yticks(places, [short_name(name) for name in names], parse_math=False)
    class_axes.barh(places, 100 * probabilities, color=[ACCENT] + [NEUTRAL] * (len(names) - 1))
    class_axes.invert_yaxis()
    class_axes.set(title=tr("Classes"), xlabel=tr("probability, %"), xlim=(0, 100))
    cells = np.asarray(bottom.subplots(2, columns, squeeze=False))
    for axes in cells.flat:
        axes.set_axis_off()
    for index, (title, note) in enumerate(stages):
        # The embedding stands alone on the left, then token mixing above channel mixing.
        axes = cells[0, 0] if index == 0 else cells[(index - 1) % 2, (index + 1) // 2]
        axes.imshow(colours[index], interpolation="nearest")
        axes.set_title(f"{title}\n{note}", fontsize=6)
    figure.supxlabel(caption, fontsize=8, parse_math=False)
    return figure
