"""The unit atlas as a figure for print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.theme import colourise
from mixer_viz.figures.token_mixing.maps import AtlasPart, part_scale
from mixer_viz.figures.wrapping import filled
from mixer_viz.language import shown, tr

COLUMNS = 24
INCHES = 7.0  # width of one atlas
_GAP = 2  # pixels between tiles


def tile_units(atlas: AtlasPart, columns: int = COLUMNS, zoom: int = 1) -> np.ndarray:
    """The units in their order as one picture (H, W, 3) uint8 on white, each weight `zoom` x `zoom` pixels."""
    maps = atlas.maps[atlas.order]
    count, height, width = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    limit = np.where(peaks == 0, 1.0, peaks) if atlas.limit is None else atlas.limit
    colours = colourise(maps / limit, part_scale(atlas.part), (-1.0, 1.0))
    colours = colours.repeat(zoom, axis=1).repeat(zoom, axis=2)
    tiles = np.full((rows * columns, zoom * height + _GAP, zoom * width + _GAP, 3), 255, np.uint8)
    tiles[:count, :-_GAP, :-_GAP] = colours
    tall, wide = tiles.shape[1:3]
    picture = tiles.reshape(rows, columns, tall, wide, 3).swapaxes(1, 2).reshape(rows * tall, columns * wide, 3)
    return picture[:-_GAP, :-_GAP]


def draw_atlas(atlases: Sequence[AtlasPart], caption: str) -> Figure:
    """One or more atlases below each other, each with its colour scale, and a caption, which may be noted."""
    pictures = [tile_units(atlas, zoom=4) for atlas in atlases]
    heights = [INCHES * picture.shape[0] / picture.shape[1] + 0.75 for picture in pictures]
    figure = Figure(figsize=(INCHES, sum(heights) + 0.6), layout="constrained")
    cells = figure.subplots(len(atlases), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, atlas, picture in zip(cells, atlases, pictures, strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(shown(atlas.title), fontsize=9, parse_math=False)
        axes.set_axis_off()
        scale = part_scale(atlas.part)
        limit = 1.0 if atlas.limit is None else atlas.limit
        shades = axes.inset_axes((0.3, -0.02, 0.4, 0.012), transform=axes.transAxes)
        ramp = colourise(np.linspace(-1, 1, 256)[None], scale, (-1.0, 1.0))
        shades.imshow(ramp, aspect="auto", extent=(-limit, limit, 0, 1))
        unit = tr("each unit / its largest |w|") if atlas.limit is None else tr(scale.quantity)
        shades.set_yticks([])
        shades.tick_params(labelsize=6, length=2)
        shades.set_xlabel(unit, fontsize=7)
    # Not matplotlib's own wrapping: it measures text as TeX, whatever parse_math says, and a file name may hold "$".
    figure.supxlabel(filled(shown(caption), 110), fontsize=7, parse_math=False)
    return figure
