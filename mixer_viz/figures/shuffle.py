"""Pictures of the section that puts the patches in another order."""

from __future__ import annotations

import math

import numpy as np

from mixer_viz.figures.grid import Grid


def shuffled_picture(cells: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Patches (S, P, P, 3) as one picture (H, W, 3) in which place s shows patch order[s]; same type as the patches."""
    count, side = cells.shape[:2]
    grid = math.isqrt(count)
    rows = cells[order].reshape(grid, grid, side, side, 3).swapaxes(1, 2)
    return rows.reshape(grid * side, grid * side, 3)


def shuffled_grid(cells: np.ndarray, order: np.ndarray, width: int = 330) -> Grid:
    """The shuffled picture; a click picks a place, hover tells which patch it shows."""
    count, patch = cells.shape[:2]
    grid = math.isqrt(count)
    moved = int((order != np.arange(count)).sum())
    return Grid(
        title="What the network sees",
        rows=grid,
        columns=grid,
        shape=f"{moved} of {count} patches moved",
        description=f"The picture cut into {count} patches of {patch} by {patch} pixels, {moved} of them moved.",
        photo=shuffled_picture(cells, order),
        hover=tuple(
            f"place {place}: its own patch" if place == shown else f"place {place} shows patch {shown}"
            for place, shown in enumerate(order.tolist())
        ),
        cell="place",
        lines=True,
        width=width,
    )
