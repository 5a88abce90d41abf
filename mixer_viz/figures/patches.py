"""Pictures of the Patch tokenization page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mixer_viz.figures.common import draw_borders, grid_in
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import ACCENT, NEUTRAL, SCALES
from mixer_viz.language import mark, noted, shown, tr

MAX_TILE_COLUMNS = 32
FILTERS = noted("Patch-embedding filters")
_COLOURS = (mark("red"), mark("green"), mark("blue"))


def similarity_grid(crop: np.ndarray, similarity: np.ndarray, token: int) -> Grid:
    """Cosine similarity (S,) of one patch's embedding to every patch's, over the greyed crop."""
    rows, columns = grid_in(crop, similarity.size)
    return Grid(
        title=tr("Like patch {token}?", token=token),
        rows=rows,
        columns=columns,
        shape=tr("cosine of the tokens"),
        description=tr("Cosine similarity of the embedding of patch {token} to that of every patch.", token=token),
        photo=greyed(crop),
        values=similarity,
        scale=SCALES["similarity"],
        opacity=0.8,
        width=218,
    )


def patch_picture(patch: np.ndarray, token: int) -> Grid:
    """One patch (P, P, 3) uint8 enlarged, with the three colour values of each pixel on hover."""
    side = patch.shape[0]
    hover = tuple(
        tr(
            "row {row}, column {column}: red {red}, green {green}, blue {blue}",
            row=row,
            column=column,
            red=red,
            green=green,
            blue=blue,
        )
        for row, line in enumerate(patch.tolist())
        for column, (red, green, blue) in enumerate(line)
    )
    return Grid(
        title=tr("Patch {token}", token=token),
        rows=side,
        columns=side,
        shape=f"{side} × {side} × 3",
        description=tr("Patch {token} enlarged: {side} by {side} pixels.", token=token, side=side),
        photo=patch,
        hover=hover,
        select="none",
        width=218,
    )


def patch_vector(patch: np.ndarray, pixels: np.ndarray, token: int) -> Grid:
    """The flattened patch (3 * P * P,), colour by colour; hover reads the place in `pixels` (P, P, 3) and its value."""
    side = pixels.shape[0]
    hover = tuple(
        tr(
            "number {number}: {colour}, row {row}, column {column}, value {value:+.3f}",
            number=i,
            colour=tr(_COLOURS[i // side**2]),
            row=i % side**2 // side,
            column=i % side,
            value=value,
        )
        for i, value in enumerate(patch.tolist())
    )
    return Grid(
        title=tr("Patch {token} as a vector", token=token),
        rows=1,
        columns=patch.size,
        shape=tr("{side} × {side} × 3 = {count} numbers: red, green, blue", side=side, count=patch.size),
        description=tr("The {count} normalised pixel values of patch {token}.", count=patch.size, token=token),
        values=patch,
        scale=SCALES["pixel"],
        hover=hover,
        select="none",
        width=1000,
        aspect=1000 / 30,
    )


def rebuilt_grid(rebuilt: np.ndarray, patch_error: np.ndarray, error: float) -> Grid:
    """The image rebuilt from its tokens, (H, W, 3) uint8, with each patch's relative error (S,) on hover."""
    rows, columns = grid_in(rebuilt, patch_error.size)
    return Grid(
        title=tr("Rebuilt from its tokens"),
        rows=rows,
        columns=columns,
        shape=describe_error(error),
        description=tr(
            "The crop rebuilt patch by patch from the embedding; relative error {error:.2g} percent.", error=100 * error
        ),
        photo=rebuilt,
        hover=tuple(
            tr("patch {token}: relative error {error:.2g} %", token=i, error=100 * value)
            for i, value in enumerate(patch_error)
        ),
        lines=True,
        width=218,
    )


def describe_error(error: float) -> str:
    """A relative error in percent, or "exact" where it is rounding alone."""
    return tr("exact") if error < 1e-6 else tr("error {error:.2g} %", error=100 * error)


def tile_filters(filters: np.ndarray, order: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Filters (C, P, P, 3) in `order` as one picture (H, W, 3) uint8 with `gap` white pixels after each tile.

    Each filter has its own scale, symmetric about zero: mid-grey is weight 0.
    """
    count, side = filters.shape[:2]
    rows = -(-count // columns)
    peak = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    scaled = np.round(127.5 + 127.5 * filters / np.where(peak == 0, 1.0, peak)).astype(np.uint8)
    tiles = np.full((rows * columns, side + gap, side + gap, 3), 255, np.uint8)
    tiles[:count, :side, :side] = scaled[order]
    cell = side + gap
    return tiles.reshape(rows, columns, cell, cell, 3).swapaxes(1, 2).reshape(rows * cell, columns * cell, 3)


def filter_grid(
    filters: np.ndarray,
    order: np.ndarray,
    norm: np.ndarray,
    frequency: np.ndarray,
    response: np.ndarray | None = None,
    *,
    title: str = FILTERS,
    width: int = 620,
) -> Grid:
    """All patch-embedding filters as RGB tiles; hover reads channel, length, frequency and, if given, response.

    `title` is noted, or said already.
    """
    count, side = filters.shape[:2]
    columns = min(MAX_TILE_COLUMNS, 2 ** math.ceil(math.log2(math.sqrt(count)) + 0.5))
    picture = tile_filters(filters, order, columns, gap=max(1, side // 8))
    return Grid(
        title=shown(title),
        rows=-(-count // columns),
        columns=columns,
        shape=tr("{count} of {side} × {side} × 3, each on its own scale, grey is 0", count=count, side=side),
        description=tr("{count} learned filters of {side} by {side} pixels in colour.", count=count, side=side),
        photo=picture,
        hover=tuple(_filter_in_words(c, norm, frequency, response) for c in order),
        count=count,
        select="none",
        width=width,
    )


def _filter_in_words(c: int, norm: np.ndarray, frequency: np.ndarray, response: np.ndarray | None) -> str:
    if response is None:
        return tr(
            "channel {channel}: length {length:.3g}, frequency {frequency:.3f} cycles/pixel",
            channel=c,
            length=norm[c],
            frequency=frequency[c],
        )
    return tr(
        "channel {channel}: length {length:.3g}, frequency {frequency:.3f} cycles/pixel, response {response:+.3g}",
        channel=c,
        length=norm[c],
        frequency=frequency[c],
        response=response[c],
    )


def patch_size_chart(sizes: Sequence[int], tokens: Sequence[int], parameters: Sequence[int], own: int) -> go.Figure:
    """Token-mixing parameters of the whole network against the patch side P; the model's own is marked."""
    colours = [ACCENT if size == own else NEUTRAL for size in sizes]
    labels = [f"P = {size}<br>S = {count}" for size, count in zip(sizes, tokens, strict=True)]
    text = [f"{value:,}" for value in parameters]
    figure = go.Figure(go.Bar(x=labels, y=parameters, marker={"color": colours}, text=text, textposition="outside"))
    figure.update_traces(hovertemplate=tr("%{x}: %{text} parameters<extra></extra>"), cliponaxis=False)
    figure.update_yaxes(title=tr("token-mixing parameters"), showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_xaxes(fixedrange=True)
    figure.update_layout(height=300, margin={"l": 0, "r": 0, "t": 24, "b": 0}, bargap=0.4)
    return figure


def draw_patches(
    crop: np.ndarray,
    patch: np.ndarray,
    similarity: np.ndarray,
    embedding: np.ndarray,
    tiles: np.ndarray,
    token: int,
    caption: str,
) -> Figure:
    """The page as one figure for print: crop and patch, similarity, token matrix, filters."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplot_mosaic("aabbcc;ddddee", height_ratios=(1, 1))
    rows, columns = grid_in(crop, similarity.size)
    side = crop.shape[0] / rows
    row, column = divmod(token, columns)
    axes["a"].imshow(crop)
    draw_borders(axes["a"], crop, rows, columns)
    corner = (column * side - 0.5, row * side - 0.5)
    axes["a"].add_patch(Rectangle(corner, side, side, fill=False, edgecolor=ACCENT, linewidth=2))
    axes["a"].set_title(tr("{rows} × {columns} patches", rows=rows, columns=columns))
    axes["b"].imshow(patch, interpolation="nearest")
    axes["b"].set_title(tr("Patch {token} (row {row}, column {column})", token=token, row=row, column=column))
    cosine = SCALES["similarity"]
    mapped = axes["c"].imshow(similarity.reshape(rows, columns), cmap=cosine.colour_map, vmin=-1, vmax=1)
    axes["c"].set_title(tr("Similarity of embeddings"))
    figure.colorbar(mapped, ax=axes["c"], label=cosine.label)
    scale = SCALES["embedding"]
    low, high = scale.limits(embedding)
    mapped = axes["d"].imshow(embedding, cmap=scale.colour_map, vmin=low, vmax=high, aspect="auto")
    axes["d"].axhline(token, color=ACCENT, linewidth=1)
    axes["d"].set(title=tr("Tokens"), xlabel=tr("channel"), ylabel=tr("token"))
    figure.colorbar(mapped, ax=axes["d"], label=scale.label)
    axes["e"].imshow(tiles, interpolation="nearest")
    axes["e"].set_title(shown(FILTERS))
    for name in "abce":
        axes[name].set(xticks=[], yticks=[])
    figure.supxlabel(caption, fontsize=8, parse_math=False)
    return figure
