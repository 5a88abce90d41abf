"""The photo, the part of it that the network sees, and its patches in another order."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.theme import ACCENT
from mixer_viz.language import mark, tr

PREVIEW_SIDE = 480


def greyed(crop: np.ndarray) -> np.ndarray:
    """A crop (H, W, 3) uint8 without its colours, for values to lie on: the same shape and type."""
    return np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)


def photo_with_crop(photo: Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
    """The photo at most PREVIEW_SIDE wide and high, dimmed outside `box`, its edge drawn: (H, W, 3) uint8.

    `box` is (left, top, right, bottom) in pixels of `photo`.
    """
    preview = photo.copy()
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), reducing_gap=2.0)
    factor = preview.width / photo.width, preview.height / photo.height
    left, top, right, bottom = (round(side * factor[i % 2]) for i, side in enumerate(box))
    mask = Image.new("L", preview.size, 110)
    mask.paste(0, (left, top, right, bottom))
    dimmed = Image.composite(Image.new("RGB", preview.size, "white"), preview, mask)
    edge = (max(0, left), max(0, top), min(preview.width, right) - 1, min(preview.height, bottom) - 1)
    if edge[2] > edge[0] and edge[3] > edge[1]:
        ImageDraw.Draw(dimmed).rectangle(edge, outline=ImageColor.getrgb(ACCENT), width=3)
    return np.asarray(dimmed)


def photo_grid(preview: np.ndarray, size: tuple[int, int], crop: int | tuple[int, int]) -> Grid:
    """The whole photo as a picture; `size` is the original's (width, height), `crop` the seen height and width."""
    width, height = size
    seen_height, seen_width = (crop, crop) if isinstance(crop, int) else crop
    part = tr("square") if seen_height == seen_width else tr("part")
    return Grid(
        title=tr("Picture"),
        rows=1,
        columns=1,
        shape=tr("seen at {width} × {height}", width=seen_width, height=seen_height),
        description=tr(
            "The photo, {width} by {height} pixels, with the {part} that the network sees.",
            width=width,
            height=height,
            part=part,
        ),
        photo=preview,
        hover=(
            tr(
                "Of {width} × {height} pixels, the frame is the {part} that the network sees, scaled to {seen_width} × "
                "{seen_height}.",
                width=width,
                height=height,
                part=part,
                seen_width=seen_width,
                seen_height=seen_height,
            ),
        ),
        select="none",
        smooth=True,
        width=max(24, round(min(200, 240 * preview.shape[1] / preview.shape[0]))),
        aspect=preview.shape[1] / preview.shape[0],
    )


def shuffled_picture(cells: np.ndarray, order: np.ndarray, grid: tuple[int, int] | None = None) -> np.ndarray:
    """Patches (S, P, P, 3) as one picture (H, W, 3) in which place s shows patch order[s]; same type as the patches.

    `grid` is rows and columns; None stands for a square.
    """
    count, side = cells.shape[:2]
    rows, columns = grid or (math.isqrt(count), math.isqrt(count))
    laid = cells[order].reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    picture: np.ndarray = laid.reshape(rows * side, columns * side, 3)
    return picture


def shuffled_grid(cells: np.ndarray, order: np.ndarray, width: int = 330, grid: tuple[int, int] | None = None) -> Grid:
    """The shuffled picture; a click picks a place, hover tells which patch it shows."""
    count, patch = cells.shape[:2]
    rows, columns = grid or (math.isqrt(count), math.isqrt(count))
    moved = int((order != np.arange(count)).sum())
    return Grid(
        title=tr("What the network sees"),
        rows=rows,
        columns=columns,
        shape=tr("{moved} of {count} patches moved", moved=moved, count=count),
        description=tr(
            "The picture cut into {count} patches of {side} by {side} pixels, {moved} of them moved.",
            count=count,
            side=patch,
            moved=moved,
        ),
        photo=shuffled_picture(cells, order, (rows, columns)),
        hover=tuple(
            tr("place {place}: its own patch", place=place)
            if place == shown
            else tr("place {place} shows patch {patch}", place=place, patch=shown)
            for place, shown in enumerate(order.tolist())
        ),
        cell=mark("place"),
        lines=True,
        width=width,
    )
