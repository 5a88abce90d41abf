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

Part = Literal["W₁", "W₂"]
PARTS: dict[str, tuple[Part, ...]] = {"W₁": ("W₁",), "W₂": ("W₂",), "Both": ("W₁", "W₂")}
ATLAS_WIDTH = 1000
HALF_WIDTH = 450  # two side by side on a wide screen
_DOES = {"W₁": "reads, a row of W₁", "W₂": "writes, a column of W₂"}


@dataclasses.dataclass(frozen=True)
class AtlasPart:
    """One atlas to draw: D_S units as maps of height x width weights, drawn in `order`."""

    title: str
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
        f"each on its own scale; largest |w| from {peaks.min():.2g} to {peaks.max():.2g}"
        if atlas.limit is None
        else f"one scale, ±{atlas.limit:.2g}"
    )
    return Grid(
        title=atlas.title,
        rows=-(-count // columns),
        columns=columns,
        shape=f"{count} maps of {height} × {wide} weights, {scale}",
        description=f"{count} learned maps of {height} by {wide} weights, {_DOES[atlas.part]}.",
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
        description=f"{title}: {height} by {wide} weights from {values.min():.3g} to {values.max():.3g}.",
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
    hover = tuple(
        f"{down} cycles down, {across} across: {value:.2g} % of the power"
        for down, across, value in zip(rows.ravel(), columns.ravel(), share.ravel(), strict=True)
    )
    return Grid(
        title="Its spectrum",
        rows=height,
        columns=wide,
        shape=f"mean frequency {frequency:.3f}",
        description=f"Power spectrum, frequency zero in the middle; mean radial frequency {frequency:.3f}.",
        values=share,
        scale=SCALES["power"],
        hover=hover,
        select="none",
        width=width,
    )


def partner_map(values: np.ndarray, partner: int, cosine: float, opposing: bool, width: int = 218) -> Grid:
    """W1 map of the unit that stands beside it in the order by pairs; those left over at the end do not oppose."""
    title = f"Its partner, unit {partner}" if opposing else f"Left over for it: unit {partner}"
    return unit_map(values, title=title, part="W₁", note=f"cosine {cosine:+.2f}", width=width)


def activation_strip(activation: np.ndarray, unit: int) -> Grid:
    """What one unit answers for each of the C channels of the current picture, after GELU."""
    return Grid(
        title=f"Unit {unit} on this picture",
        rows=1,
        columns=activation.size,
        shape=f"C = {activation.size} activations, one per channel, after GELU",
        description=f"{activation.size} activations from {activation.min():.3g} to {activation.max():.3g}.",
        values=activation,
        scale=SCALES["activation"],
        cell="channel",
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
            description=f"{title}, patch {token}: weights over the picture, block by block.",
        )
        for title, scale, values in maps
    ]


def field_grid(crop: np.ndarray, maps: np.ndarray, notes: tuple[str, ...], width: int = 218) -> Grid:
    """The effective receptive field (L + 1, S) over the greyed crop, one frame per stage, each with its own limits."""
    return dataclasses.replace(
        enlarged(crop, 100 * np.nan_to_num(maps), "field", notes, own_scales=True, width=width),
        description="Share of the gradient that each patch of the picture has, block by block.",
    )


def convolution_grids(matrix: np.ndarray, kernel: np.ndarray, residual: np.ndarray, explained: float) -> list[Grid]:
    """A mixing matrix (S, S), the kernel that explains most of it, and what is left over, on the matrix's scale."""
    limit = float(np.abs(matrix).max()) or 1.0
    tokens = matrix.shape[0]
    left = f"{100 * (1 - explained):.0f} % not explained, same scale"
    return [
        matrix_grid(matrix, title="Mixing matrix", note=f"S × S = {tokens} × {tokens}", limit=limit),
        kernel_grid(kernel, explained),
        matrix_grid(residual, title="Left over", note=left, limit=limit),
    ]


def kernel_grid(kernel: np.ndarray, explained: float, width: int = 260) -> Grid:
    """The best shift-invariant kernel of a mixing matrix, displacement 0 in the middle."""
    height, wide = kernel.shape
    hover = tuple(
        f"{_steps(row - height // 2, 'down', 'up')}, {_steps(column - wide // 2, 'right', 'left')}: {value:+.3g}"
        for (row, column), value in np.ndenumerate(kernel)
    )
    return Grid(
        title="Best kernel",
        rows=height,
        columns=wide,
        shape=f"{height} × {wide}, explains {100 * explained:.0f} %",
        description=f"The kernel of {height} by {wide} weights that explains most of the mixing matrix.",
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
        description=f"{title}: {tokens} by {tokens} weights; row: patch written, column: patch read.",
        values=matrix,
        scale=SCALES["mixing"],
        limits=(-limit, limit),
        select="row",
        across="reads token",
        width=width,
    )


def rows_grid(matrix: np.ndarray, grid: tuple[int, int], limit: float | None = None, width: int = 620) -> Grid:
    """Every row of a mixing matrix (S, S) as a map, drawn at the place of the patch that it writes (as in ResMLP)."""
    height, wide = grid
    return Grid(
        title="Rows of the mixing matrix",
        rows=height,
        columns=wide,
        shape=f"{height * wide} maps of {height} × {wide} weights, each at the place of the patch it writes",
        description=f"{height * wide} maps of {height} by {wide} weights: what each patch reads from every patch.",
        values=matrix,
        scale=SCALES["mixing"],
        limits=None if limit is None else (-limit, limit),
        hover=tuple(f"patch {patch} reads" for patch in range(height * wide)),
        tile=grid,
        width=width,
    )


def _steps(count: int, positive: str, negative: str) -> str:
    return f"{abs(count)} {positive if count >= 0 else negative}"
