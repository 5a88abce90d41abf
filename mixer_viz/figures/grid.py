"""A picture made of cells (patches, tokens, filters) that the browser draws, with values to read and cells to pick."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import Any, Literal

import numpy as np
from PIL import Image

from mixer_viz.figures.theme import Scale, lookup_table

# Above this many cells the values travel as 8 bits: 150,000 cells of float32 would be 800 KB on the wire.
MAX_FLOAT_CELLS = 20_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grid:
    """One picture of rows x columns cells: a photo, values on a colour scale, or values over a photo.

    `select` says what a click picks: one cell, a whole row (the token of a token matrix), or nothing. Cells are
    numbered from 0 in reading order, in all grids alike.
    """

    title: str
    rows: int
    columns: int
    description: str  # the text alternative
    shape: str = ""  # the tensor's shape in numbers, as "64 x 128"
    photo: np.ndarray | None = None  # (H, W, 3) uint8
    values: np.ndarray | None = None  # rows * columns numbers
    scale: Scale | None = None  # needed with values
    limits: tuple[float, float] | None = None  # None: the scale's own
    opacity: float = 1.0  # of the values over a photo
    show_scale: bool = True
    cell: str = "patch"
    hover: tuple[str, ...] | None = None  # a text for each cell instead of number and value
    count: int | None = None  # cells in use, when the last row is not full
    select: Literal["cell", "row", "none"] = "cell"
    lines: bool = False
    smooth: bool = False
    width: int = 260  # CSS pixels at most
    aspect: float | None = None  # width / height; None: square cells

    def payload(self) -> dict[str, Any]:
        """What the browser gets, as plain JSON values."""
        names = (
            "title",
            "rows",
            "columns",
            "description",
            "shape",
            "opacity",
            "cell",
            "select",
            "lines",
            "smooth",
            "show_scale",
        )
        data: dict[str, Any] = {name: getattr(self, name) for name in (*names, "width")}
        data["aspect"] = self.aspect or self.columns / self.rows
        data["count"] = self.count or self.rows * self.columns
        data["hover"] = list(self.hover) if self.hover else None
        data["photo"] = None if self.photo is None else data_url(self.photo)
        if self.values is not None:
            data.update(self._value_payload(self.values))
        return data

    def _value_payload(self, values: np.ndarray) -> dict[str, Any]:
        if self.scale is None:
            raise ValueError(f"the grid {self.title!r} has values but no scale")
        if values.size != self.rows * self.columns:
            raise ValueError(f"{values.size} values do not fill {self.rows} x {self.columns} cells")
        low, high = self.limits or self.scale.limits(values)
        coarse = values.size > MAX_FLOAT_CELLS
        if coarse:
            packed = np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        else:
            packed = np.ascontiguousarray(values, dtype="<f4")
        return {
            "values": _base64(packed.tobytes()),
            "coarse": coarse,
            "low": low,
            "high": high,
            "quantity": self.scale.quantity,
            "unit": self.scale.unit,
            "colours": _base64(lookup_table(self.scale).tobytes()),
        }


def to_png(picture: np.ndarray, zoom: int = 1) -> bytes:
    """(H, W, 3) or (H, W) uint8 as PNG, each pixel drawn `zoom` x `zoom`."""
    enlarged = picture.repeat(zoom, axis=0).repeat(zoom, axis=1) if zoom > 1 else picture
    buffer = io.BytesIO()
    Image.fromarray(enlarged).save(buffer, format="PNG", optimize=enlarged.size < 100_000)
    return buffer.getvalue()


def data_url(picture: np.ndarray) -> str:
    """An image as a URL that carries its own bytes: PNG when small, WebP for photos."""
    if picture.shape[0] * picture.shape[1] <= 96 * 96:
        return "data:image/png;base64," + _base64(to_png(picture))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="WEBP", quality=88)
    return "data:image/webp;base64," + _base64(buffer.getvalue())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
