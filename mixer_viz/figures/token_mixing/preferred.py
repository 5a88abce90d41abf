"""Pictures of what a unit wants: its preferred picture in closed form, and those that gradient ascent finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.grid import Grid

WIDTH = 150  # of one picture; five stand side by side on a wide screen


def picture_grid(picture: np.ndarray, *, title: str, note: str, width: int = WIDTH) -> Grid:
    """One picture (H, W, 3) uint8 with a line below it."""
    height, wide = picture.shape[:2]
    return Grid(
        title=title,
        rows=1,
        columns=1,
        shape=note,
        description=f"{title}, {height} by {wide} pixels: {note}.",
        photo=picture,
        hover=(note,),
        select="none",
        width=width,
        aspect=wide / height,
    )


def preferred_grids(plain: np.ndarray, normed: np.ndarray, unit: int, channel: int) -> list[Grid]:
    """The two closed forms of one unit and channel as pictures (H, W, 3) uint8."""
    return [
        picture_grid(plain, title=f"Unit {unit}, channel {channel}", note="W₁ row × stem filter"),
        picture_grid(normed, title="With LayerNorm's linear part", note="W₁ row × (filter − mean) × gain"),
    ]


def maximised_grids(pictures: np.ndarray, activations: Sequence[float]) -> list[Grid]:
    """Pictures (N, H, W, 3) uint8 that gradient ascent found, each with the activation it reaches."""
    return [
        picture_grid(picture, title=f"Found {number}", note=f"reaches {value:.3g}")
        for number, (picture, value) in enumerate(zip(pictures, activations, strict=True), start=1)
    ]


def draw_pictures(pictures: Sequence[np.ndarray], titles: Sequence[str], caption: str) -> Figure:
    """Pictures (H, W, 3) uint8 in rows of five with their titles, and a caption below, for print."""
    columns = min(5, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.5 * columns, 1.75 * rows + 0.5), layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, picture, title in zip(cells, pictures, titles, strict=False):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=7, parse_math=False)
    figure.supxlabel(caption, fontsize=7, parse_math=False)
    return figure
