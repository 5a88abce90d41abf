"""Mixing matrices: whole, row by row, and beside the kernel that explains most of them."""

from __future__ import annotations

import numpy as np

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import mark, tr


def convolution_grids(matrix: np.ndarray, kernel: np.ndarray, residual: np.ndarray, explained: float) -> list[Grid]:
    """A mixing matrix (S, S), the kernel that explains most of it, and what is left over, on the matrix's scale."""
    limit = float(np.abs(matrix).max()) or 1.0
    tokens = matrix.shape[0]
    left = tr("{share:.0f} % not explained, same scale", share=100 * (1 - explained))
    return [
        matrix_grid(matrix, title=tr("Mixing matrix"), note=f"S × S = {tokens} × {tokens}", limit=limit),
        kernel_grid(kernel, explained),
        matrix_grid(residual, title=tr("Left over"), note=left, limit=limit),
    ]


def kernel_grid(kernel: np.ndarray, explained: float, width: int = 260) -> Grid:
    """The best shift-invariant kernel of a mixing matrix, displacement 0 in the middle."""
    height, wide = kernel.shape
    hover = tuple(
        tr(
            "{down}, {right}: {weight:+.3g}",
            down=_rows_down(row - height // 2),
            right=_columns_right(column - wide // 2),
            weight=value,
        )
        for (row, column), value in np.ndenumerate(kernel)
    )
    return Grid(
        title=tr("Best kernel"),
        rows=height,
        columns=wide,
        shape=tr("{height} × {width}, explains {share:.0f} %", height=height, width=wide, share=100 * explained),
        description=tr(
            "The kernel of {height} by {width} weights that explains most of the mixing matrix.",
            height=height,
            width=wide,
        ),
        values=kernel,
        scale=SCALES["mixing"],
        hover=hover,
        select="none",
        width=width,
    )


def matrix_grid(matrix: np.ndarray, *, title: str, note: str, limit: float, width: int = 260) -> Grid:
    """A mixing matrix (S, S): row = patch that is written, column = patch that is read."""
    tokens = matrix.shape[0]
    return Grid(
        title=title,
        rows=tokens,
        columns=tokens,
        shape=note,
        description=tr(
            "{title}: {tokens} by {tokens} weights; row: patch written, column: patch read.", title=title, tokens=tokens
        ),
        values=matrix,
        scale=SCALES["mixing"],
        limits=(-limit, limit),
        select="row",
        across=mark("reads token"),
        width=width,
    )


def rows_grid(matrix: np.ndarray, grid: tuple[int, int], limit: float | None = None, width: int = 620) -> Grid:
    """Every row of a mixing matrix (S, S) as a map, drawn at the place of the patch that it writes (as in ResMLP)."""
    height, wide = grid
    return Grid(
        title=tr("Rows of the mixing matrix"),
        rows=height,
        columns=wide,
        shape=tr(
            "{count} maps of {height} × {width} weights, each at the place of the patch it writes",
            count=height * wide,
            height=height,
            width=wide,
        ),
        description=tr(
            "{count} maps of {height} by {width} weights: what each patch reads from every patch.",
            count=height * wide,
            height=height,
            width=wide,
        ),
        values=matrix,
        scale=SCALES["mixing"],
        limits=None if limit is None else (-limit, limit),
        hover=tuple(tr("patch {patch} reads", patch=patch) for patch in range(height * wide)),
        tile=grid,
        width=width,
    )


def _rows_down(count: int) -> str:
    return tr("{count} down", count=count) if count >= 0 else tr("{count} up", count=-count)


def _columns_right(count: int) -> str:
    return tr("{count} right", count=count) if count >= 0 else tr("{count} left", count=-count)
