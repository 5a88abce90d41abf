"""Pictures and names that the figures of several pages share: patches, tokens, vectors, one map per stage."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import mark, noted, shown, tr

PATCHES, TOKENS = noted("Patches"), noted("Tokens")
EMBEDDING = (mark("embedding"), mark("Embedding"))  # the first stage, in sentences and as a title
_HALF_BLOCK = re.compile(r"block (\d+) (token|channel) mixing")
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


def patch_grid(crop: np.ndarray, grid: int | tuple[int, int], *, title: str = PATCHES, width: int = 260) -> Grid:
    """The crop (H, W, 3) with the borders of its patches; `grid` is their rows and columns, or one number for both.

    Titles here are noted, or said already.
    """
    rows, columns = (grid, grid) if isinstance(grid, int) else grid
    patch = crop.shape[0] // rows
    return Grid(
        title=shown(title),
        rows=rows,
        columns=columns,
        shape=tr("{count} of {side} × {side} × 3", count=rows * columns, side=patch),
        description=tr(
            "The {height} by {width} pixel crop cut into {rows} by {columns} patches.",
            height=crop.shape[0],
            width=crop.shape[1],
            rows=rows,
            columns=columns,
        ),
        photo=crop,
        lines=True,
        width=width,
    )


def token_matrix(embedding: np.ndarray, *, title: str = TOKENS, width: int = 300) -> Grid:
    """The token matrix X (S, C): one row per patch."""
    tokens, channels = embedding.shape
    return Grid(
        title=shown(title),
        rows=tokens,
        columns=channels,
        shape=f"S × C = {tokens} × {channels}",
        description=tr(
            "Token matrix with {tokens} rows, one per patch, and {channels} columns, one per channel.",
            tokens=tokens,
            channels=channels,
        ),
        values=embedding,
        scale=SCALES["embedding"],
        select="row",
        width=width,
        aspect=width / min(width, 260),
    )


def vector_strip(vector: np.ndarray, *, title: str, shape: str, scale: str, width: int = 1000) -> Grid:
    """A vector as one row of colours."""
    return Grid(
        title=shown(title),
        rows=1,
        columns=vector.size,
        shape=shape,
        description=numbers_in_words(title, vector),
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
        title=tr("Mean"),
        rows=vector.size,
        columns=1,
        shape=f"C = {vector.size}",
        description=numbers_in_words(noted("Pooled vector"), vector),
        values=vector,
        scale=SCALES["pooled"],
        cell="channel",
        select="none",
        width=width,
        aspect=0.28,
        two_lines=True,
        show_scale=False,
    )


def numbers_in_words(title: str, vector: np.ndarray) -> str:
    """The text alternative of a vector; `title` is noted, or said already."""
    return tr(
        "{title}: {count} numbers from {least:.3g} to {most:.3g}.",
        title=shown(title),
        count=vector.size,
        least=vector.min(),
        most=vector.max(),
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

    `labels` are (title, note) pairs to print, said already, `names` the stages in full, in English. The maps share one
    scale over all stages, so that growth can be seen, or have their own; hover reads them in both cases.
    """
    chosen = SCALES[scale]
    limits = chosen.limits(maps)
    return [
        Grid(
            title=title,
            rows=maps.shape[1],
            columns=maps.shape[2],
            shape=note,
            description=_stage_described(name, note),
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


def stage_in_words(name: str) -> str:
    """A stage's English name, such as "block 1 token mixing" or "embedding", in the language of whoever is looking."""
    found = _HALF_BLOCK.fullmatch(name)
    if found is None:
        return tr(name)
    if found[2] == "token":
        return tr("block {number} token mixing", number=found[1])
    return tr("block {number} channel mixing", number=found[1])


def _stage_described(name: str, note: str) -> str:
    said = stage_in_words(name)
    if note:
        return tr("Tokens on the patch grid: {stage}, {note}.", stage=said, note=note)
    return tr("Tokens on the patch grid: {stage}.", stage=said)


def short_name(name: str, length: int = 22) -> str:
    """The part of a class name before its first comma, cut at `length` letters; `&#42;` counts as the one it is."""
    letters = _LETTERS.findall(name.split(",")[0])
    return "".join(letters if len(letters) <= length else [*letters[: length - 1], "…"])


def stage_label(name: str, branch_ratio: float) -> tuple[str, str]:
    """Title and note of a stage: "block 1 token mixing", 0.42 -> ("Block 1", "tokens +42 %"), or "tokens +2.1×"."""
    found = _HALF_BLOCK.fullmatch(name)
    if found is None:
        return tr(name.capitalize()), ""
    added = f"+{branch_ratio:.1f}×"
    if branch_ratio < 1:
        added = tr("+{percent:.0f} %", percent=100 * branch_ratio)
    # The second half of a block stands below the first, which carries the title of both.
    if found[2] == "token":
        return tr("Block {number}", number=found[1]), tr("tokens {added}", added=added)
    return "", tr("channels {added}", added=added)
