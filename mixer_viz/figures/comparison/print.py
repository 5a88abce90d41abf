"""The page "Token mixers compared" as one figure for print."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mixer_viz.figures.comparison.maps import (
    LISTENING,
    OPACITY,
    drawn_values,
    row_in_words,
    shared_limits,
    size_in_words,
)
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import ACCENT
from mixer_viz.figures.wrapping import filled
from mixer_viz.language import tr

COLUMNS = 4  # the photo and seven networks make two rows
INCHES = 1.95  # width of one picture; four of them fit on A4
_LETTERS = 30  # of a title's line above one picture
_LINE = 0.14  # height of such a line, in inches


def draw_comparison(
    crop: np.ndarray, titles: Sequence[str], matrices: Sequence[np.ndarray], token: int, caption: str
) -> Figure:
    """The crop (H, W, 3), then for each network who one token listens to, and below it the matrix (S, S) of all tokens.

    Colours and limits are those of `jacobian_grids` and `matrix_grids` in one scale; the token is marked in both.

    Args:
        matrices: shares 0 to 1 [token that listens, token listened to], all of the same number of tokens.
        caption: stands below all.
    Raises ValueError for no network.
    """
    if not titles:
        raise ValueError("there is no network to draw")
    limits = shared_limits(matrices)
    heads = [filled(title, _LETTERS) for title in titles]
    below = filled(caption, 28 * COLUMNS)
    figure, cells = _cells(1 + len(titles), max(head.count("\n") for head in heads), below.count("\n"))
    cells[0][0].imshow(crop)
    cells[0][0].set_title(tr("picture, patch {token} marked", token=token), fontsize=7)
    _mark_patch(cells[0][0], token, math.isqrt(len(matrices[0])))
    for (upper, lower), head, matrix in zip(cells[1:], heads, matrices, strict=True):
        upper.imshow(greyed(crop))
        _draw_row(upper, matrix[token], token, Normalize(*limits))
        upper.set_title(f"{head}\n{row_in_words(matrix[token], token)}", fontsize=7, parse_math=False)
        lower.imshow(drawn_values(matrix), cmap=LISTENING.colour_map, norm=Normalize(*limits), interpolation="nearest")
        lower.set_title(size_in_words(matrix), fontsize=6.5)
        lower.axhline(token, color=ACCENT, linewidth=0.8)
    _add_scale(figure, matrices, limits)
    # Not matplotlib's own wrapping: it measures text as TeX, whatever parse_math says, and a file name may hold "$".
    figure.supxlabel(below, fontsize=7, parse_math=False)
    return figure


def _cells(count: int, title_breaks: int, caption_breaks: int) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """A figure and `count` pairs of places, one above the other; what is left of the last row stays empty."""
    columns = min(COLUMNS, count)
    bands = -(-count // columns)
    height = bands * (2 * INCHES + 0.5 + _LINE * title_breaks) + 0.75 + _LINE * caption_breaks
    figure = Figure(figsize=(columns * INCHES, height), layout="constrained")
    places = np.asarray(figure.subplots(2 * bands, columns, squeeze=False))
    for axes in places.flat:
        axes.set(xticks=[], yticks=[], frame_on=False, anchor="N")
    pairs = [(places[2 * band, at], places[2 * band + 1, at]) for band in range(bands) for at in range(columns)]
    return figure, pairs[:count]


def _draw_row(axes: Axes, row: np.ndarray, token: int, norm: Normalize) -> None:
    """One token's row (S,) as a map over the picture that is there."""
    side = math.isqrt(row.size)
    left, right, bottom, top = axes.get_images()[0].get_extent()  # of the crop, which has other pixels
    axes.imshow(
        drawn_values(row).reshape(side, side),
        cmap=LISTENING.colour_map,
        norm=norm,
        alpha=OPACITY,
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    _mark_patch(axes, token, side)


def _mark_patch(axes: Axes, token: int, side: int) -> None:
    left, right, bottom, top = axes.get_images()[0].get_extent()
    down, across = divmod(token, side)
    width, height = (right - left) / side, (bottom - top) / side
    corner = (left + across * width, top + down * height)
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=ACCENT, linewidth=1.2))


def _add_scale(figure: Figure, matrices: Sequence[np.ndarray], limits: tuple[float, float]) -> None:
    """One colour scale for all; a pointed end says that values lie beyond it."""
    low, high = limits
    beyond = any(bool((drawn_values(matrix) > high).any()) for matrix in matrices)
    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), LISTENING.colour_map),
        ax=list(figure.axes),
        location="bottom",
        extend="max" if beyond else "neither",
        shrink=0.4,
        aspect=40,
        pad=0.01,
    )
    bar.set_ticks([low, high / 2, high], labels=[f"{tick:.3g}" for tick in (low, high / 2, high)], fontsize=6.5)
    label = tr(
        "{quantity}, the same scale for all; in a matrix the row listens to the columns", quantity=LISTENING.label
    )
    bar.set_label(label, fontsize=7)
