"""Pictures of the Attributions page: maps over the photo, the photo without patches, agreement of the methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import SCALES, Scale
from mixer_viz.language import mark, tr

MOST_MAPS = 4  # side by side, on the page and in print
OPACITY = 0.78
# A few single pixels are far above all others, and would leave the rest of the map without colour.
PIXEL_PERCENTILE = 99.5
_UNITS = {"patch": mark("logits per patch"), "pixel": mark("logits per pixel")}
GridSize = int | tuple[int, int]  # rows and columns of patches, or one number for both


def shape_of(grid_size: GridSize) -> tuple[int, int]:
    """Rows and columns."""
    return (grid_size, grid_size) if isinstance(grid_size, int) else grid_size


@dataclasses.dataclass(frozen=True)
class MapPicture:
    """One attribution to be drawn, at patch level (rows, columns) or at pixel level (H, W)."""

    title: str
    note: str  # printed small beside the title, as "sum +6.31"; said already, as the title
    values: np.ndarray  # signed
    in_logits: bool  # else in a unit of the method's own


def map_grids(
    crop: np.ndarray,
    pictures: Sequence[MapPicture],
    *,
    grid_size: GridSize,
    shared: bool = False,
    positive: bool = False,
    opacity: float = OPACITY,
    width: int = 260,
) -> list[Grid]:
    """Maps over the greyed crop (H, W, 3); a click picks a patch, at pixel level too.

    Args:
        shared: one scale for all maps in logits; the others are in units of their own and never share one.
        positive: colours for positive values alone, negative ones look like 0; hover still reads them.
        opacity: of the maps over the crop, 0 to 1.
    Raises ValueError for a map that fits neither the patches nor pixels of them.
    """
    limits = map_limits(pictures, grid_size=grid_size, shared=shared, positive=positive)
    grey = greyed(crop)
    return [
        Grid(
            title=picture.title,
            rows=picture.values.shape[0],
            columns=picture.values.shape[1],
            shape=picture.note,
            description=_description(picture, grid_size, positive, pair),
            photo=grey,
            values=picture.values.astype(np.float32),
            scale=map_scale(picture, grid_size, positive),
            limits=pair,
            open_ended=True,
            opacity=opacity,
            pick_side=picture.values.shape[0] // shape_of(grid_size)[0],
            width=width,
            two_lines=True,
        )
        for picture, pair in zip(pictures, limits, strict=True)
    ]


def map_scale(picture: MapPicture, grid_size: GridSize, positive: bool) -> Scale:
    """The colour scale of one map, its unit "logits per patch" or "logits per pixel", marked."""
    name = "attribution" if picture.in_logits else "sensitivity"
    scale = SCALES[f"{name} positive" if positive else name]
    unit = _UNITS[map_level(picture.values, grid_size)]
    return dataclasses.replace(scale, unit=unit) if picture.in_logits else scale


def map_level(values: np.ndarray, grid_size: GridSize) -> Literal["patch", "pixel"]:
    """Whether a map has one value per patch or per pixel; ValueError when it fits neither."""
    height, width = values.shape
    rows, columns = shape_of(grid_size)
    if height == 0 or height % rows or height * columns != width * rows:
        raise ValueError(f"a map of {height} x {width} does not fit {rows} x {columns} patches")
    return "patch" if height == rows else "pixel"


def map_limits(
    pictures: Sequence[MapPicture], *, grid_size: GridSize, shared: bool, positive: bool
) -> list[tuple[float, float]]:
    """Lowest and highest value of each map's colours: symmetric about zero, or from zero if `positive`.

    They reach the largest magnitude at patch level and the 99.5th percentile of magnitudes at pixel level. If `shared`,
    those in logits have the widest limits of them, those per patch and those per pixel apart, as units differ.
    """
    levels = [map_level(picture.values, grid_size) for picture in pictures]
    tops = [_top(picture.values, level, positive) for picture, level in zip(pictures, levels, strict=True)]
    if shared:
        widest: dict[str, float] = {}
        for picture, level, top in zip(pictures, levels, tops, strict=True):
            widest[level] = max(widest.get(level, 0.0), top if picture.in_logits else 0.0)
        tops = [widest[levels[index]] if picture.in_logits else tops[index] for index, picture in enumerate(pictures)]
    # An all-zero map still draws.
    return [(0.0 if positive else -(top or 1.0), top or 1.0) for top in tops]


def without_patches(crop: np.ndarray, baseline: np.ndarray, patches: Sequence[int], grid_size: GridSize) -> np.ndarray:
    """The crop (H, W, 3) uint8 with these patches taken from the baseline, of the same shape and type.

    Raises ValueError for a patch that is not there and for pictures of different shapes.
    """
    if crop.shape != baseline.shape:
        raise ValueError(f"a crop of shape {crop.shape} and a baseline of shape {baseline.shape} do not fit")
    rows, columns = shape_of(grid_size)
    gone = np.zeros(rows * columns, dtype=bool)
    for patch in patches:
        if not 0 <= patch < len(gone):
            raise ValueError(f"patch {patch} is not between 0 and {len(gone) - 1}")
        gone[patch] = True
    side = crop.shape[0] // rows
    mask = gone.reshape(rows, columns).repeat(side, axis=0).repeat(side, axis=1)
    return np.where(mask[..., None], baseline, crop)


def removed_grid(picture: np.ndarray, grid_size: GridSize, title: str, note: str, width: int = 260) -> Grid:
    """What the network sees once patches are replaced, (H, W, 3) uint8; a click picks a patch."""
    rows, columns = shape_of(grid_size)
    return Grid(
        title=title,
        rows=rows,
        columns=columns,
        shape=note,
        description=tr(
            "{title} ({note}): the picture with some of its {rows} by {columns} patches replaced.",
            title=title,
            note=note,
            rows=rows,
            columns=columns,
        ),
        photo=picture,
        lines=True,
        width=width,
        two_lines=True,
    )


def agreement_grid(matrix: np.ndarray, names: Sequence[str], width: int = 260) -> Grid:
    """Rank correlations (M, M) between the patch maps of M methods; NaN, of a map without an order, is drawn as 0."""
    count = len(names)
    pairs = tuple(_pair(names[row], names[column], float(value)) for (row, column), value in np.ndenumerate(matrix))
    above = [pairs[row * count + column] for row, column in zip(*np.triu_indices(count, 1), strict=True)]
    return Grid(
        title=tr("Agreement"),
        rows=count,
        columns=count,
        shape=tr("{count} × {count}, in the order of the maps", count=count),
        description=tr("Agreement of patch maps. {pairs}.", pairs=tr("; ").join(above)),
        values=np.nan_to_num(matrix).astype(np.float32),
        scale=SCALES["agreement"],
        hover=pairs,
        select="none",
        width=width,
    )


def _pair(first: str, second: str, value: float) -> str:
    if np.isnan(value):
        return tr("{first} and {second}: no order", first=first, second=second)
    return tr("{first} and {second}: rank correlation {value:+.2f}", first=first, second=second, value=value)


def _top(values: np.ndarray, level: str, positive: bool) -> float:
    """The magnitude at which the colours of one map end; 0 when nothing is to be seen."""
    drawn = values.astype(np.float32)  # as it is sent: rounded, the largest value must not lie beyond the limits
    sizes = np.maximum(drawn, 0) if positive else np.abs(drawn)
    sizes = sizes[np.isfinite(sizes)]
    if not sizes.size:
        return 0.0
    top = float(np.percentile(sizes, PIXEL_PERCENTILE)) if level == "pixel" else 0.0
    return top or float(sizes.max())  # also when no more than a few pixels are not 0


def _description(picture: MapPicture, grid_size: GridSize, positive: bool, limits: tuple[float, float]) -> str:
    scale, level = map_scale(picture, grid_size, positive), map_level(picture.values, grid_size)
    low, high = limits
    return tr(
        "{title} ({note}), one value for each {level} over the picture: {scale}, colours from {low:.3g} to {high:.3g}.",
        title=picture.title,
        note=picture.note,
        level=tr(level),
        scale=scale.label,
        low=low,
        high=high,
    )
