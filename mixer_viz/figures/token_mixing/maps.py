"""Pictures of the Learned token-mixing weights page."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mixer_viz.figures.activations.maps import enlarged
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import SCALES, Scale
from mixer_viz.language import mark, shown, tr

Part = Literal["W₁", "W₂"]
PARTS: dict[str, tuple[Part, ...]] = {"W₁": ("W₁",), "W₂": ("W₂",), mark("Both"): ("W₁", "W₂")}
ATLAS_WIDTH = 1000
HALF_WIDTH = 450  # two side by side on a wide screen
_DOES = {"W₁": mark("reads, a row of W₁"), "W₂": mark("writes, a column of W₂")}


@dataclasses.dataclass(frozen=True)
class AtlasPart:
    """One atlas to draw: D_S units as maps of height x width weights, drawn in `order`."""

    title: str  # noted where it is a message, as it may be drawn in another language for print
    part: Part
    maps: np.ndarray  # (D_S, height, width)
    order: np.ndarray  # (D_S,) int
    captions: Sequence[str]  # of each unit, by its number
    limit: float | None  # one scale for all units, from -limit to limit; None: each unit its own


def atlas_grid(atlas: AtlasPart, width: int = ATLAS_WIDTH, paired: bool = True) -> Grid:
    """All units of a block as one tiled picture; `paired` puts the units of a pair close together."""
    count, height, wide = atlas.maps.shape
    columns = atlas_columns(count, width)
    peaks = np.abs(atlas.maps).max(axis=(1, 2))
    scale = (
        tr("each on its own scale; largest |w| from {low:.2g} to {high:.2g}", low=peaks.min(), high=peaks.max())
        if atlas.limit is None
        else tr("one scale, ±{limit:.2g}", limit=atlas.limit)
    )
    return Grid(
        title=shown(atlas.title),
        rows=-(-count // columns),
        columns=columns,
        shape=tr(
            "{count} maps of {height} × {width} weights, {scale}", count=count, height=height, width=wide, scale=scale
        ),
        description=tr(
            "{count} learned maps of {height} by {width} weights, {does}.",
            count=count,
            height=height,
            width=wide,
            does=tr(_DOES[atlas.part]),
        ),
        values=atlas.maps[atlas.order],
        scale=part_scale(atlas.part),
        limits=None if atlas.limit is None else (-atlas.limit, atlas.limit),
        hover=tuple(atlas.captions[unit] for unit in atlas.order),
        count=count,
        ids=atlas.order,
        tile=(height, wide),
        group=2 if paired else 1,
        width=width,
        aspect=columns / -(-count // columns),
    )


def part_scale(part: Part) -> Scale:
    return SCALES["reads" if part == "W₁" else "writes"]


def atlas_columns(count: int, width: int) -> int:
    """Tiles in a row: even, so that pairs stay in one row, and each about 40 to 60 pixels wide."""
    wanted = max(2, min(width // 40, round(math.sqrt(count * width / 480))))
    return wanted + wanted % 2


def unit_map(values: np.ndarray, *, title: str, part: Part, note: str = "", width: int = 218) -> Grid:
    """One unit's map (height, width) large, on its own scale."""
    height, wide = values.shape
    return Grid(
        title=title,
        rows=height,
        columns=wide,
        shape=note,
        description=tr(
            "{title}: {height} by {width} weights from {low:.3g} to {high:.3g}.",
            title=title,
            height=height,
            width=wide,
            low=values.min(),
            high=values.max(),
        ),
        values=values,
        scale=part_scale(part),
        width=width,
    )


def spectrum_map(power: np.ndarray, frequency: float, width: int = 218) -> Grid:
    """Share of a unit's power in each bin of its two-dimensional Fourier transform, frequency 0 in the middle."""
    height, wide = power.shape
    total = power.sum()
    share = 100 * power / total if total else power
    rows, columns = np.meshgrid(np.arange(height) - height // 2, np.arange(wide) - wide // 2, indexing="ij")
    words = tr("{down} cycles down, {across} across: {value:.2g} % of the power")
    hover = tuple(
        words.format(down=down, across=across, value=value)
        for down, across, value in zip(rows.ravel(), columns.ravel(), share.ravel(), strict=True)
    )
    return Grid(
        title=tr("Its spectrum"),
        rows=height,
        columns=wide,
        shape=tr("mean frequency {frequency:.3f}", frequency=frequency),
        description=tr(
            "Power spectrum, frequency zero in the middle; mean radial frequency {frequency:.3f}.", frequency=frequency
        ),
        values=share,
        scale=SCALES["power"],
        hover=hover,
        select="none",
        width=width,
    )


def partner_map(values: np.ndarray, partner: int, cosine: float, opposing: bool, width: int = 218) -> Grid:
    """W1 map of the unit that stands beside it in the order by pairs; those left over at the end do not oppose."""
    words = tr("Its partner, unit {unit}") if opposing else tr("Left over for it: unit {unit}")
    note = tr("cosine {cosine:+.2f}", cosine=cosine)
    return unit_map(values, title=words.format(unit=partner), part="W₁", note=note, width=width)


def activation_strip(activation: np.ndarray, unit: int) -> Grid:
    """What one unit answers for each of the C channels of the current picture, after GELU."""
    return Grid(
        title=tr("Unit {unit} on this picture", unit=unit),
        rows=1,
        columns=activation.size,
        shape=tr("C = {count} activations, one per channel, after GELU", count=activation.size),
        description=tr(
            "{count} activations from {low:.3g} to {high:.3g}.",
            count=activation.size,
            low=activation.min(),
            high=activation.max(),
        ),
        values=activation,
        scale=SCALES["activation"],
        cell=mark("channel"),
        select="none",
        width=ATLAS_WIDTH,
        aspect=ATLAS_WIDTH / 30,
    )


def jacobian_grids(
    crop: np.ndarray, token: int, maps: Sequence[tuple[str, str, np.ndarray]], width: int = 218
) -> list[Grid]:
    """Weights over the greyed crop, one frame per block: `maps` are (title, scale, values (L, S)).

    Each block has its own limits, printed below: from block to block the size of the weights changes much.
    """
    return [
        dataclasses.replace(
            enlarged(crop, values, scale, own_scales=True, width=width),
            title=title,
            description=tr(
                "{title}, patch {patch}: weights over the picture, block by block.", title=title, patch=token
            ),
        )
        for title, scale, values in maps
    ]


def field_grid(crop: np.ndarray, maps: np.ndarray, notes: tuple[str, ...], width: int = 218) -> Grid:
    """The effective receptive field (L + 1, S) over the greyed crop, one frame per stage, each with its own limits."""
    return dataclasses.replace(
        enlarged(crop, 100 * np.nan_to_num(maps), "field", notes, own_scales=True, width=width),
        description=tr("Share of the gradient that each patch of the picture has, block by block."),
    )
