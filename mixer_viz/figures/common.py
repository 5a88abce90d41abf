"""Pictures and names that the figures of several pages share: patches, tokens, vectors, one map per stage."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import SCALES

_LETTERS = re.compile(r"&#\d+;|.", re.DOTALL)


def grid_in(picture: np.ndarray, count: int) -> tuple[int, int]:
    """Rows and columns of `count` square patches that make up a picture (H, W, ...)."""
    height, width = picture.shape[:2]
    side = math.isqrt(height * width // count)
    return height // side, width // side


def draw_borders(axes: Axes, crop: np.ndarray, rows: int, columns: int) -> None:
    """White lines between the patches of a crop (H, W, 3) that is drawn on `axes`."""
    height, width = crop.shape[:2]
    axes.hlines(np.arange(1, rows) * height / rows - 0.5, -0.5, width - 0.5, colors="white", linewidth=0.5)
    axes.vlines(np.arange(1, columns) * width / columns - 0.5, -0.5, height - 0.5, colors="white", linewidth=0.5)


def patch_grid(crop: np.ndarray, grid: int | tuple[int, int], *, title: str = "Patches", width: int = 260) -> Grid:
    """The crop (H, W, 3) with the borders of its patches; `grid` is their rows and columns, or one number for both."""
    rows, columns = (grid, grid) if isinstance(grid, int) else grid
    patch = crop.shape[0] // rows
    return Grid(
        title=title,
        rows=rows,
        columns=columns,
        shape=f"{rows * columns} of {patch} × {patch} × 3",
        description=f"The {crop.shape[0]} by {crop.shape[1]} pixel crop cut into {rows} by {columns} patches.",
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


def pooled_column(vector: np.ndarray, *, width: int) -> Grid:
    """The pooled vector (C,) as a column of colours, between the tokens and the classes."""
    return Grid(
        title="Mean",
        rows=vector.size,
        columns=1,
        shape=f"C = {vector.size}",
        description=f"Pooled vector: {vector.size} numbers from {vector.min():.3g} to {vector.max():.3g}.",
        values=vector,
        scale=SCALES["pooled"],
        cell="channel",
        select="none",
        width=width,
        aspect=0.28,
        two_lines=True,
        show_scale=False,
    )


def wall_columns(num_blocks: int) -> int:
    """How many blocks, and the embedding, stand beside each other: rows of about equal length, 9 at most in one."""
    rows = -(-(num_blocks + 1) // 9)
    return -(-(num_blocks + 1) // rows)


def stage_grids(
    labels: Sequence[tuple[str, str]],
    names: Sequence[str],
    maps: np.ndarray,
    colours: np.ndarray | None = None,
    scale: str = "norm",
    own_scales: bool = False,
) -> list[Grid]:
    """One small picture per stage: colours (T, rows, columns, 3) in 0..1 if given, otherwise maps (T, rows, columns).

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
            two_lines=bool(title),
            width=94,
        )
        for index, ((title, note), name) in enumerate(zip(labels, names, strict=True))
    ]


def short_name(name: str, length: int = 22) -> str:
    """The part of a class name before its first comma, cut at `length` letters; `&#42;` counts as the one it is."""
    letters = _LETTERS.findall(name.split(",")[0])
    return "".join(letters if len(letters) <= length else [*letters[: length - 1], "…"])


def stage_label(name: str, branch_ratio: float) -> tuple[str, str]:
    """Title and note of a stage: "block 1 token mixing", 0.42 -> ("Block 1", "tokens +42 %"), or "tokens +2.1×"."""
    words = name.split()
    if words[0] != "block":
        return name.capitalize(), ""
    # The second half of a block stands below the first, which carries the title of both.
    added = f"+{100 * branch_ratio:.0f} %" if branch_ratio < 1 else f"+{branch_ratio:.1f}×"
    return f"Block {words[1]}" if words[2] == "token" else "", f"{words[2]}s {added}"
