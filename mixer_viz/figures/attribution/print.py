"""The Attributions page as one figure for print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mixer_viz.figures.attribution.maps import MOST_MAPS, OPACITY, GridSize, MapPicture, map_limits, map_scale
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import Scale
from mixer_viz.figures.wrapping import filled
from mixer_viz.language import tr

INCHES = 2.6  # width of one picture; three of them fit on A4
_LETTERS = 46  # of a caption's line below one picture
_LINE = 0.13  # height of such a line, in inches
_SCALE_POINTS = 38  # height of a colour scale with its numbers and its label, 72 to an inch
_ENDS = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}


def draw_attributions(
    crop: np.ndarray,
    pictures: Sequence[MapPicture],
    captions: Sequence[str],
    *,
    grid_size: GridSize,
    shared: bool,
    positive: bool,
    caption: str,
    opacity: float = OPACITY,
) -> Figure:
    """The crop (H, W, 3), then up to four maps over it in grey, in the colours and limits of `map_grids`.

    `captions` stand below the maps, one each, `caption` below all. Raises ValueError for no or too many maps, and as
    `map_limits` does.
    """
    if not 1 <= len(pictures) <= MOST_MAPS:
        raise ValueError(f"{len(pictures)} maps are not between 1 and {MOST_MAPS}")
    limits = map_limits(pictures, grid_size=grid_size, shared=shared, positive=positive)
    texts = [filled(text, _LETTERS) for text in captions]
    columns = 2 if len(pictures) in (1, 3) else 3
    below = filled(caption, 42 * columns)
    figure, cells = _cells(1 + len(pictures), columns, texts, below)
    cells[0].imshow(crop)
    cells[0].set_title(tr("picture"), fontsize=8)
    grey = greyed(crop)
    for axes, picture, text, pair in zip(cells[1:], pictures, texts, limits, strict=True):
        axes.imshow(grey)
        _draw_map(axes, picture, map_scale(picture, grid_size, positive), pair, opacity)
        title = f"{picture.title}\n{filled(picture.note, _LETTERS)}"
        axes.set_title(title, fontsize=8, parse_math=False)
        below_scale = ((0.5, 0), (0, -_SCALE_POINTS), "axes fraction", "offset points")
        axes.annotate(text, *below_scale, ha="center", va="top", fontsize=6.5, parse_math=False)
    # Not matplotlib's own wrapping: it measures text as TeX, whatever parse_math says, and a file name may hold "$".
    figure.supxlabel(below, fontsize=7, parse_math=False)
    return figure


def _cells(count: int, columns: int, texts: Sequence[str], below: str) -> tuple[Figure, list[Axes]]:
    """A figure and the first `count` of its places, high enough for the texts; the others stay empty."""
    rows = -(-count // columns)
    heights = [1 + text.count("\n") for text in ("", *texts)]
    lines = sum(max(heights[start : start + columns]) for start in range(0, count, columns))
    height = rows * (0.95 * INCHES + 0.4 + _SCALE_POINTS / 72) + _LINE * (lines + 3 + below.count("\n"))
    figure = Figure(figsize=(columns * INCHES, height), layout="constrained")
    cells = list(np.asarray(figure.subplots(rows, columns, squeeze=False)).ravel())
    for axes in cells:
        axes.set(xticks=[], yticks=[], frame_on=False, anchor="N")
    return figure, cells[:count]


def _draw_map(axes: Axes, picture: MapPicture, scale: Scale, limits: tuple[float, float], opacity: float) -> None:
    left, right, bottom, top = axes.get_images()[0].get_extent()  # of the crop below, which has other pixels
    norm, values = Normalize(*limits), picture.values.astype(np.float32)  # as on the page, see map_limits
    axes.imshow(
        values,
        cmap=scale.colour_map,
        norm=norm,
        alpha=opacity,
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    # Its colours are as they are, not as they look over the crop. Pointed ends: values lie beyond the limits.
    low, high = limits
    bar = axes.figure.colorbar(
        ScalarMappable(norm, scale.colour_map),
        cax=axes.inset_axes((0.05, -0.085, 0.9, 0.04)),
        orientation="horizontal",
        extend=_ENDS[bool((values < low).any()), bool((values > high).any())],
        extendfrac=0.04,
    )
    ticks = [low, 0.0, high] if low else [0.0, high]
    bar.set_ticks(ticks, labels=[f"{tick:.3g}".replace("-", "−") for tick in ticks], fontsize=6.5)
    bar.ax.tick_params(length=2, pad=1.5)
    bar.set_label(scale.label, fontsize=6.5, labelpad=1.5)
