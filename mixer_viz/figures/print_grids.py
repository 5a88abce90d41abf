"""Any grid of the app as a matplotlib figure: the same values, colours and limits, without a browser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import colourise

_INCHES = 2.4  # width of a picture that is 260 CSS pixels wide
_GAP = 2  # pixels between tiles, drawn white


def draw_grids(grids: Sequence[Grid], frame: int = -1, caption: str = "", *, down: bool = False) -> Figure:
    """The grids side by side, or one below the other, each with its title and scale; of those with frames, one of them.

    Raises ValueError for no grid, or a frame that is not there.
    """
    if not grids:
        raise ValueError("there is no grid to draw")
    widths = [max(0.6, _INCHES * grid.width / 260) for grid in grids]
    heights = [width / _aspect(grid) for width, grid in zip(widths, grids, strict=True)]
    if down:
        figure = Figure(figsize=(max(widths) + 0.3, sum(heights) + 0.95 * len(grids)), layout="constrained")
        cells = figure.subplots(len(grids), 1, height_ratios=[height + 0.6 for height in heights], squeeze=False)[:, 0]
    else:
        figure = Figure(figsize=(sum(widths) + 0.3, max(heights) + 0.95), layout="constrained")
        cells = figure.subplots(1, len(grids), width_ratios=widths, squeeze=False)[0]
    for axes, grid in zip(cells, grids, strict=True):
        picture, limits = grid_picture(grid, frame)
        axes.imshow(picture, interpolation="nearest", aspect="auto" if grid.aspect else "equal")
        note = grid.notes[frame] if grid.notes else grid.shape
        axes.set_title("\n".join(part for part in (grid.title, note) if part), fontsize=8, parse_math=False)
        axes.set(xticks=[], yticks=[])
        if grid.scale is not None and limits is not None and grid.show_scale:
            shades = axes.inset_axes((0.1, -0.09, 0.8, 0.035))
            ramp = colourise(np.linspace(*limits, 256)[None], grid.scale, limits)
            shades.imshow(ramp, aspect="auto", extent=(*limits, 0, 1))
            shades.set_yticks([])
            shades.tick_params(labelsize=6, length=2)
            shades.set_xlabel(grid.scale.label, fontsize=7)
    if caption:
        figure.supxlabel(caption, fontsize=7, parse_math=False)
    return figure


def grid_picture(grid: Grid, frame: int = -1) -> tuple[np.ndarray, tuple[float, float] | None]:
    """A grid's pixels (H, W, 3) uint8, and the limits of its colours; None where each cell has its own, or none has.

    Raises ValueError for a frame that is not there.
    """
    if not -grid.frames <= frame < grid.frames:
        raise ValueError(f"frame={frame} is not one of the {grid.frames} frames of {grid.title!r}")
    if grid.values is None or grid.scale is None:
        if grid.photo is None:
            raise ValueError(f"the grid {grid.title!r} has neither values nor a photo")
        return grid.photo, None
    if grid.tile is not None:
        return _tiles(grid, grid.values), None if grid.limits is None else _pair(grid, grid.values, 0)
    values = grid.values.reshape(grid.frames, grid.rows, grid.columns)[frame]
    limits = _pair(grid, grid.values, frame)
    colours = colourise(values, grid.scale, limits)
    if grid.photo is None:
        return colours, limits
    photo = grid.photo
    down, across = (max(1, photo.shape[at] // size) for at, size in ((0, grid.rows), (1, grid.columns)))
    large = colours.repeat(down, axis=0).repeat(across, axis=1)[: photo.shape[0], : photo.shape[1]]
    shown = photo[: large.shape[0], : large.shape[1]]
    mixed = np.round(grid.opacity * large + (1 - grid.opacity) * shown).astype(np.uint8)
    return mixed, limits if grid.opacity else None


def _pair(grid: Grid, values: np.ndarray, frame: int) -> tuple[float, float]:
    if grid.scale is None:
        raise ValueError(f"the grid {grid.title!r} has values but no scale")
    limits = np.atleast_2d(grid.scale.limits(values) if grid.limits is None else grid.limits)
    low, high = limits[frame if len(limits) > 1 else 0].tolist()
    return low, high


def _tiles(grid: Grid, values: np.ndarray) -> np.ndarray:
    if grid.tile is None or grid.scale is None:
        raise ValueError(f"the grid {grid.title!r} has no tiles")
    count, (height, width) = grid.count or grid.rows * grid.columns, grid.tile
    maps = values.reshape(count, height, width)
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    limit = np.where(peaks == 0, 1.0, peaks) if grid.limits is None else np.asarray(grid.limits).ravel()[-1]
    low = -1.0 if grid.scale.kind == "signed" else 0.0
    cells = np.full((grid.rows * grid.columns, height + _GAP, width + _GAP, 3), 255, np.uint8)
    cells[:count, :-_GAP, :-_GAP] = colourise(maps / limit, grid.scale, (low, 1.0))
    laid = cells.reshape(grid.rows, grid.columns, height + _GAP, width + _GAP, 3).swapaxes(1, 2)
    return laid.reshape(grid.rows * (height + _GAP), grid.columns * (width + _GAP), 3)[:-_GAP, :-_GAP]


def _aspect(grid: Grid) -> float:
    return grid.aspect or grid.columns / grid.rows
