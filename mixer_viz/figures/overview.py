"""Pictures of the Overview page: the way of one image from pixels to classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import ACCENT, NEUTRAL, SCALES


def patch_grid(crop: np.ndarray, grid_size: int, *, title: str = "Patches", width: int = 260) -> Grid:
    """The crop (H, W, 3) with the borders of its patches."""
    side = crop.shape[0]
    patch = side // grid_size
    return Grid(
        title=title,
        rows=grid_size,
        columns=grid_size,
        shape=f"{grid_size**2} of {patch} × {patch} × 3",
        description=f"The {side} by {side} pixel crop cut into {grid_size} by {grid_size} patches.",
        photo=crop,
        lines=True,
        width=width,
    )


def token_matrix(embedding: np.ndarray, *, title: str = "Tokens", width: int = 300) -> Grid:
    """The token matrix X (S, C): one row per patch."""
    tokens, channels = embedding.shape
    return Grid(
        title=title,
        rows=tokens,
        columns=channels,
        shape=f"S × C = {tokens} × {channels}",
        description=f"Token matrix with {tokens} rows, one per patch, and {channels} columns, one per channel.",
        values=embedding,
        scale=SCALES["embedding"],
        select="row",
        width=width,
        aspect=width / min(width, 260),
    )


def vector_strip(vector: np.ndarray, *, title: str, shape: str, scale: str, width: int = 1000) -> Grid:
    """A vector as one row of colours."""
    return Grid(
        title=title,
        rows=1,
        columns=vector.size,
        shape=shape,
        description=f"{title}: {vector.size} numbers from {vector.min():.3g} to {vector.max():.3g}.",
        values=vector,
        scale=SCALES[scale],
        cell="channel",
        select="none",
        width=width,
        aspect=width / 36,
    )


def stage_grids(
    labels: Sequence[tuple[str, str]],
    names: Sequence[str],
    maps: np.ndarray,
    colours: np.ndarray | None = None,
    scale: str = "norm",
    own_scales: bool = False,
) -> list[Grid]:
    """One small picture per stage: colours (T, grid, grid, 3) in 0..1 if given, otherwise maps (T, grid, grid).

    `labels` are (title, note) pairs to print, `names` the stages in full. The maps share one scale over all stages, so
    that growth can be seen, or have their own; hover reads them in both cases.
    """
    chosen = SCALES[scale]
    limits = chosen.limits(maps)
    return [
        Grid(
            title=title,
            rows=maps.shape[1],
            columns=maps.shape[2],
            shape=note,
            description=f"Tokens on the patch grid: {name}{f', {note}' if note else ''}.",
            photo=None if colours is None else np.round(colours[index] * 255).astype(np.uint8),
            values=maps[index],
            scale=chosen,
            limits=chosen.limits(maps[index]) if own_scales else limits,
            opacity=1.0 if colours is None else 0.0,
            show_scale=colours is None and (own_scales or index == 0),
            width=94,
        )
        for index, ((title, note), name) in enumerate(zip(labels, names, strict=True))
    ]


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
        text=[f"{value:.1f} %" for value in percent],
        textposition="outside",
        cliponaxis=False,
        hovertext=list(names),
        hovertemplate="%{hovertext}: %{x:.2f} %<extra></extra>",
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
    grid_size = colours.shape[1]
    photo_axes.imshow(crop)
    edges = np.arange(1, grid_size) * crop.shape[0] / grid_size - 0.5
    photo_axes.hlines(edges, -0.5, crop.shape[1] - 0.5, colors="white", linewidth=0.5)
    photo_axes.vlines(edges, -0.5, crop.shape[0] - 0.5, colors="white", linewidth=0.5)
    photo_axes.set(title=f"{grid_size} × {grid_size} patches", xticks=[], yticks=[])
    scale = SCALES["embedding"]
    low, high = scale.limits(embedding)
    mappable = matrix_axes.imshow(embedding, cmap=scale.colour_map, vmin=low, vmax=high, aspect="auto")
    matrix_axes.set(title="Tokens", xlabel="channel", ylabel="token")
    top.colorbar(mappable, ax=matrix_axes, label=scale.quantity)
    places = np.arange(len(names))
    class_axes.set_yticks(places, [short_name(name) for name in names], parse_math=False)
    class_axes.barh(places, 100 * probabilities, color=[ACCENT] + [NEUTRAL] * (len(names) - 1))
    class_axes.invert_yaxis()
    class_axes.set(title="Classes", xlabel="probability, %", xlim=(0, 100))
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


def short_name(name: str, length: int = 22) -> str:
    """The part of a class name before its first comma, cut at `length` letters."""
    first = name.split(",")[0]
    return first if len(first) <= length else first[: length - 1] + "…"


def stage_label(name: str, branch_ratio: float) -> tuple[str, str]:
    """Title and note of a stage: "block 1 token mixing", 0.42 -> ("Block 1", "tokens +42 %")."""
    words = name.split()
    if words[0] != "block":
        return name.capitalize(), ""
    # The second half of a block stands below the first, which carries the title of both.
    return f"Block {words[1]}" if words[2] == "token" else "", f"{words[2]}s +{100 * branch_ratio:.0f} %"
