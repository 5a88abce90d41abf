"""A picture made of cells (patches, tokens, filters) that the browser draws, with values to read and cells to pick."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import Any, Literal

import numpy as np
from PIL import Image

from mixer_viz.figures.hover_words import hover_words, spoken_name
from mixer_viz.figures.theme import Scale, lookup_table
from mixer_viz.language import tr

# Above this many cells the values travel as 8 bits: 150,000 cells of float32 would be 800 KB on the wire.
MAX_FLOAT_CELLS = 20_000
_PLAIN = (
    *(
        "title",
        "description",
        "shape",
        "notes",
        "rows",
        "columns",
        "select",
        "pick_side",
        "tile",
        "group",
        "frames",
    ),
    *("opacity", "lines", "smooth", "show_scale", "width", "two_lines"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grid:
    """One picture of rows x columns cells: a photo, values on a colour scale, or values over a photo.

    `select` says what a click picks: one cell, a whole row (the token of a token matrix), the whole picture (which
    stands for `ids[0]`), or nothing. Cells are numbered from 0 in reading order, in all grids alike, unless `ids` says
    otherwise. With `pick_side` the cells are pixels, and a click picks a square of that many by that many of them.
    Squares are numbered in reading order, so that a map of pixels picks patches; `lines` go between squares.

    With `tile` every cell is a small map (an atlas of hidden units). With `frames` the picture is one
    of several that the panel plays through.
    """

    title: str
    rows: int
    columns: int
    description: str  # the text alternative
    shape: str = ""  # the tensor's shape in numbers, as "64 x 128"
    photo: np.ndarray | None = None  # (H, W, 3) uint8
    # rows * columns numbers, for each frame; with `tile`, height * width numbers for each cell in use
    values: np.ndarray | None = None
    scale: Scale | None = None  # needed with values
    # One pair, or (frames, 2); None: the scale's own, with `tile` each tile's own.
    limits: tuple[float, float] | np.ndarray | None = None
    opacity: float = 1.0  # of the values over a photo
    show_scale: bool = True
    cell: str = "patch"  # a marked word, as is the next
    across: str = "channel"  # what the columns count where a click picks a row
    hover: tuple[str, ...] | None = None  # a text for each cell instead of number and value
    count: int | None = None  # cells in use, when the last row is not full
    ids: np.ndarray | None = None  # what each cell in use stands for; None: its number
    tile: tuple[int, int] | None = None  # height and width of the map in each cell
    group: int = 1  # this many tiles of a row stand close together
    frames: int = 1
    notes: tuple[str, ...] | None = None  # a text for each frame in the place of `shape`
    select: Literal["cell", "row", "picture", "none"] = "cell"
    pick_side: int = 1  # cells along each side of what a click picks; more than 1 needs select="cell"
    # Values beyond the limits are meant to be there: the ends of the scale, and values that were cut, say so.
    open_ended: bool = False
    lines: bool = False
    smooth: bool = False
    width: int = 260  # CSS pixels at most
    two_lines: bool = False  # `shape` always below the title, so that pictures of several panels begin at one height
    aspect: float | None = None  # width / height; None: square cells

    def payload(self) -> dict[str, Any]:
        """What the browser gets, as plain JSON values; its words are in the language of whoever is looking."""
        self._check_squares()
        data: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        data["aspect"] = self.aspect or self.columns / self.rows
        data["count"] = self.count or self.rows * self.columns
        data["hover"] = list(self.hover) if self.hover else None
        data["ids"] = None if self.ids is None else self.ids.tolist()
        data["photo"] = None if self.photo is None else data_url(self.photo)
        data["cell"], data["across"] = tr(self.cell), tr(self.across)
        data["name"] = spoken_name(self.title, self.description, self.select != "none")
        data["words"] = hover_words(
            select=self.select,
            pick_side=self.pick_side,
            rows=self.rows,
            cell=self.cell,
            across=self.across,
            is_tiled=self.tile is not None,
        )
        if self.values is not None:
            data.update(self._value_payload(self.values, data["count"]))
        return data

    def _check_squares(self) -> None:
        if self.pick_side == 1:
            return
        if self.pick_side < 1 or self.rows % self.pick_side or self.columns % self.pick_side:
            raise ValueError(f"{self.rows} x {self.columns} cells are no whole squares of pick_side={self.pick_side}")
        if self.select != "cell" or any(other is not None for other in (self.ids, self.tile, self.count)):
            raise ValueError(f"pick_side={self.pick_side} needs select='cell', and no ids, tile or count")

    def _value_payload(self, values: np.ndarray, count: int) -> dict[str, Any]:
        if self.scale is None:
            raise ValueError(f"the grid {self.title!r} has values but no scale")
        colours = {"quantity": tr(self.scale.quantity), "unit": tr(self.scale.unit), "label": self.scale.label}
        colours["colours"] = _base64(lookup_table(self.scale).tobytes())
        if self.tile is not None:
            return colours | self._tile_payload(values, count * self.tile[0] * self.tile[1])
        if values.size != self.frames * self.rows * self.columns:
            frames = f"{self.frames} frames of " if self.frames > 1 else ""
            raise ValueError(f"{values.size} values do not fill {frames}{self.rows} x {self.columns} cells")
        limits = np.atleast_2d(self.scale.limits(values) if self.limits is None else self.limits)  # (1 or frames, 2)
        coarse = values.size > MAX_FLOAT_CELLS
        if coarse:
            low, high = limits[:, :1], limits[:, 1:]
            levels = (values.reshape(len(limits), -1) - low) / (high - low)
            packed = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
        else:
            packed = np.ascontiguousarray(values, dtype="<f4")
        beyond = _beyond(values, limits) if self.open_ended else (False, False)
        return colours | {
            "values": _base64(packed.tobytes()),
            "coarse": coarse,
            "limits": limits.tolist(),
            "beyond": list(beyond),
        }

    def _tile_payload(self, values: np.ndarray, size: int) -> dict[str, Any]:
        if values.size != size:
            raise ValueError(f"{values.size} values do not fill {size} cells of tiles")
        flat = values.reshape(self.count or self.rows * self.columns, -1)
        peaks = np.abs(flat).max(axis=1, keepdims=True)
        # One byte each, relative to the tile's own largest value: small units keep their pattern.
        share = flat / np.where(peaks == 0, 1.0, peaks)
        signed = self.scale is not None and self.scale.kind == "signed"
        packed = np.round(127 * share + 128 if signed else 255 * share).astype(np.uint8)
        return {
            "signed": signed,
            "values": _base64(packed.tobytes()),
            "peaks": _base64(np.ascontiguousarray(peaks, dtype="<f4").tobytes()),
            "coarse": True,
            "limits": None if self.limits is None else [list(self.limits)],
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


def _beyond(values: np.ndarray, limits: np.ndarray) -> tuple[bool, bool]:
    """Whether some values lie below, and above, the limits (1 or frames, 2)."""
    by_frame = values.reshape(len(limits), -1)
    return bool((by_frame < limits[:, :1]).any()), bool((by_frame > limits[:, 1:]).any())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
