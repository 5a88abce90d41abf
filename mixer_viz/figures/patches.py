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

MAX_TILE_COLUMNS = 32


def similarity_grid(crop: np.ndarray, similarity: np.ndarray, token: int) -> Grid:
    """Cosine similarity (S,) of one patch's embedding to every patch's, over the greyed crop."""
    rows, columns = grid_in(crop, similarity.size)
    return Grid(
        title=f"Like patch {token}?",
        rows=rows,
        columns=columns,
        shape="cosine of the tokens",
        description=f"Cosine similarity of the embedding of patch {token} to that of every patch.",
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
        f"row {row}, column {column}: red {red}, green {green}, blue {blue}"
        for row, line in enumerate(patch.tolist())
        for column, (red, green, blue) in enumerate(line)
    )
    return Grid(
        title=f"Patch {token}",
        rows=side,
        columns=side,
        shape=f"{side} × {side} × 3",
        description=f"Patch {token} enlarged: {side} by {side} pixels.",
        photo=patch,
        hover=hover,
        select="none",
        width=218,
    )


def patch_vector(patch: np.ndarray, pixels: np.ndarray, token: int) -> Grid:
    """The flattened patch (3 * P * P,), colour by colour; hover reads the place in `pixels` (P, P, 3) and its value."""
    side = pixels.shape[0]
    hover = tuple(
        f"number {i}: {('red', 'green', 'blue')[i // side**2]}, row {i % side**2 // side}, column {i % side}, "
        f"value {value:+.3f}"
        for i, value in enumerate(patch.tolist())
    )
    return Grid(
        title=f"Patch {token} as a vector",
        rows=1,
        columns=patch.size,
        shape=f"{side} × {side} × 3 = {patch.size} numbers: red, green, blue",
        description=f"The {patch.size} normalised pixel values of patch {token}.",
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
        title="Rebuilt from its tokens",
        rows=rows,
        columns=columns,
        shape=describe_error(error),
        description=f"The crop rebuilt patch by patch from the embedding; relative error {100 * error:.2g} percent.",
        photo=rebuilt,
        hover=tuple(f"patch {i}: relative error {100 * value:.2g} %" for i, value in enumerate(patch_error)),
        lines=True,
        width=218,
    )


def describe_error(error: float) -> str:
    """A relative error in percent, or "exact" where it is rounding alone."""
    return "exact" if error < 1e-6 else f"error {100 * error:.2g} %"


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
    title: str = "Patch-embedding filters",
    width: int = 620,
) -> Grid:
    """All patch-embedding filters as RGB tiles; hover reads channel, length, frequency and, if given, response."""
    count, side = filters.shape[:2]
    columns = min(MAX_TILE_COLUMNS, 2 ** math.ceil(math.log2(math.sqrt(count)) + 0.5))
    picture = tile_filters(filters, order, columns, gap=max(1, side // 8))
    hover = tuple(
        f"channel {c}: length {norm[c]:.3g}, frequency {frequency[c]:.3f} cycles/pixel"
        + ("" if response is None else f", response {response[c]:+.3g}")
        for c in order
    )
    return Grid(
        title=title,
        rows=-(-count // columns),
        columns=columns,
        shape=f"{count} of {side} × {side} × 3, each on its own scale, grey is 0",
        description=f"{count} learned filters of {side} by {side} pixels in colour.",
        photo=picture,
        hover=hover,
        count=count,
        select="none",
        width=width,
    )


def patch_size_chart(sizes: Sequence[int], tokens: Sequence[int], parameters: Sequence[int], own: int) -> go.Figure:
    """Token-mixing parameters of the whole network against the patch side P; the model's own is marked."""
    colours = [ACCENT if size == own else NEUTRAL for size in sizes]
    labels = [f"P = {size}<br>S = {count}" for size, count in zip(sizes, tokens, strict=True)]
    text = [f"{value:,}" for value in parameters]
    figure = go.Figure(go.Bar(x=labels, y=parameters, marker={"color": colours}, text=text, textposition="outside"))
    figure.update_traces(hovertemplate="%{x}: %{text} parameters<extra></extra>", cliponaxis=False)
    figure.update_yaxes(title="token-mixing parameters", showticklabels=False, showgrid=False, fixedrange=True)
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
    axes["a"].set_title(f"{rows} × {columns} patches")
    axes["b"].imshow(patch, interpolation="nearest")
    axes["b"].set_title(f"Patch {token} (row {row}, column {column})")
    cosine = SCALES["similarity"]
    mapped = axes["c"].imshow(similarity.reshape(rows, columns), cmap=cosine.colour_map, vmin=-1, vmax=1)
    axes["c"].set_title("Similarity of embeddings")
    figure.colorbar(mapped, ax=axes["c"], label=cosine.quantity)
    scale = SCALES["embedding"]
    low, high = scale.limits(embedding)
    mapped = axes["d"].imshow(embedding, cmap=scale.colour_map, vmin=low, vmax=high, aspect="auto")
    axes["d"].axhline(token, color=ACCENT, linewidth=1)
    axes["d"].set(title="Tokens", xlabel="channel", ylabel="token")
    figure.colorbar(mapped, ax=axes["d"], label=scale.quantity)
    axes["e"].imshow(tiles, interpolation="nearest")
    axes["e"].set_title("Patch-embedding filters")
    for name in "abce":
        axes[name].set(xticks=[], yticks=[])
    figure.supxlabel(caption, fontsize=8, parse_math=False)
    return figure
