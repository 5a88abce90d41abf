"""Pictures of what a unit wants: its preferred picture in closed form, and those that gradient ascent finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.grid import Grid
from mixer_viz.language import tr

WIDTH = 150  # of one picture; five stand side by side on a wide screen


def picture_grid(picture: np.ndarray, *, title: str, note: str, width: int = WIDTH) -> Grid:
    """One picture (H, W, 3) uint8 with a line below it."""
    height, wide = picture.shape[:2]
    return Grid(
        title=title,
        rows=1,
        columns=1,
        shape=note,
        description=tr(
            "{title}, {height} by {width} pixels: {note}.", title=title, height=height, width=wide, note=note
        ),
        photo=picture,
        hover=(note,),
        select="none",
        width=width,
        aspect=wide / height,
    )


def preferred_grids(plain: np.ndarray, normed: np.ndarray, unit: int, channel: int) -> list[Grid]:
    """The two closed forms of one unit and channel as pictures (H, W, 3) uint8."""
    title = tr("Unit {unit}, channel {channel}", unit=unit, channel=channel)
    return [
        picture_grid(plain, title=title, note=tr("W₁ row × stem filter")),
        picture_grid(normed, title=tr("With LayerNorm's linear part"), note=tr("W₁ row × (filter − mean) × gain")),
    ]


def maximised_grids(pictures: np.ndarray, activations: Sequence[float]) -> list[Grid]:
    """Pictures (N, H, W, 3) uint8 that gradient ascent found, each with the activation it reaches."""
    return [
        picture_grid(picture, title=tr("Found {number}", number=number), note=tr("reaches {value:.3g}", value=value))
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
