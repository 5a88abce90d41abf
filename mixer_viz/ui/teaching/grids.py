"""Panels of grids as they lie in a file: pictures that need no script, and the numbers that hovering reads."""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from mixer_viz.figures.grid import to_png
from mixer_viz.ui.teaching.charts import details
from mixer_viz.ui.teaching.embedded import embedded_json

_MOST_PIXELS = 3_000_000  # of one picture
_MOST_CELLS_IN_TABLE = 400
_SHARPNESS = 2  # pixels of a picture for each CSS pixel: printers want more than screens
_NOT_HOVERED = ("photo", "description", "ids", "lines", "smooth", "two_lines", "width", "opacity")
_TILE_GAP = 2  # pixels
_MOST_STACKS = 6  # of a row that is not broken on paper
_MOST_IN_A_ROW = 1_100  # CSS pixels of pictures that share one row of a page, made smaller where they have to be

Payload = dict[str, Any]  # of one grid, as `Grid.payload` makes it


def panel_html(data: Payload, selected: int | None) -> str:
    """All grids of one panel with what they mark; `data` is what the browser gets for it."""
    frames, frame = data["frames"], min(data["frame"], max(len(data["frames"]) - 1, 0))
    grids = iter(data["grids"])
    stacks = []
    for size in data["stacks"]:
        stack = [grid_html(grid, selected, frame) for grid in itertools.islice(grids, size)]
        stacks.append(f'<div class="stack">{"".join(stack)}</div>')
    numbers = details([table for grid in data["grids"] if (table := _table(grid, frame))])
    slider = ""
    if len(frames) > 1:
        slider = (
            f'<div class="player"><input type="range" min="0" max="{len(frames) - 1}" value="{frame}" '
            f'aria-label="{html.escape(frames[frame], quote=True)}"><output>{html.escape(frames[frame])}</output>'
            f'<script type="application/json">{embedded_json(frames)}</script></div>'
        )
    layout = html.escape(str(data["layout"]), quote=True)
    if data["layout"] != "wall" and len(stacks) <= _MOST_STACKS and _width(data) <= _MOST_IN_A_ROW:
        layout += " one-row"
    return (
        f'<div class="panel">{slider}<div class="stacks {layout}">{"".join(stacks)}</div>'
        f'<p class="readout" aria-live="polite"></p>{numbers}</div>'
    )


def _width(data: Payload) -> int:
    """CSS pixels that all stacks of a panel take beside each other."""
    widths = iter([int(grid["width"]) for grid in data["grids"]])
    return sum(max(itertools.islice(widths, size), default=0) for size in data["stacks"])


def grid_html(grid: Payload, selected: int | None, frame: int = 0) -> str:
    """One grid: title, picture, scale, and the numbers that hovering reads."""
    title, shape = html.escape(grid["title"]), html.escape(grid["notes"][frame] if grid["notes"] else grid["shape"])
    width = max(24, min(int(grid["width"]), 1000))
    alt = html.escape(". ".join(each for each in (grid["title"], grid["description"]) if each), quote=True)
    layers = []
    if grid["photo"]:
        smooth = "" if grid["smooth"] else ' class="sharp"'
        layers.append(f'<img{smooth} src="{html.escape(grid["photo"], quote=True)}" alt="{alt}">')
    for number, picture in enumerate(_pictures(grid, width)):
        opacity = f"opacity:{grid['opacity']:g}" if grid["photo"] else ""
        hidden = " hidden" if number != (frame if grid["frames"] > 1 else 0) else ""
        url = "data:image/png;base64," + base64.b64encode(picture).decode()
        layers.append(f'<img class="sharp values" style="{opacity}" src="{url}" alt="{alt}"{hidden}>')
    hovered = {key: value for key, value in grid.items() if key not in _NOT_HOVERED}
    return (
        f'<figure class="grid" style="width:{width}px"><figcaption><b>{title}</b> <span>{shape}</span></figcaption>'
        f'<div class="picture" tabindex="0" style="aspect-ratio:{grid["aspect"]:.5g}">{"".join(layers)}'
        f"{_marks(grid, selected)}</div>{_scale(grid, frame)}"
        f'<script type="application/json">{embedded_json(hovered)}</script></figure>'
    )


def values_of(grid: Payload) -> np.ndarray | None:
    """The numbers of a grid as the browser reads them, (frames, rows, columns) or (count, height, width) of tiles."""
    if "values" not in grid:
        return None
    raw = base64.b64decode(grid["values"])
    if grid["tile"]:
        peaks = np.frombuffer(base64.b64decode(grid["peaks"]), "<f4")[:, None, None]
        zero, top = (128, 127) if grid["signed"] else (0, 255)
        tiles = np.frombuffer(raw, np.uint8).reshape(grid["count"], *grid["tile"]).astype(np.float32)
        return np.asarray((tiles - zero) / top * peaks)
    shape = (grid["frames"], grid["rows"], grid["columns"])
    if not grid["coarse"]:
        return np.asarray(np.frombuffer(raw, "<f4").reshape(shape))
    limits = np.asarray(grid["limits"], dtype=float)[:, :, None, None]  # (1 or frames, 2, 1, 1)
    levels = np.frombuffer(raw, np.uint8).reshape(shape)
    return np.asarray(limits[:, 0] + levels * (limits[:, 1] - limits[:, 0]) / 255)


def coloured(grid: Payload) -> np.ndarray | None:
    """The colours of `values_of`, in its shape and (..., 3) uint8."""
    values = values_of(grid)
    if values is None:
        return None
    if grid["limits"]:
        limits = np.asarray(grid["limits"], dtype=float)[:, :, None, None]
        share = (values - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    else:  # each tile on its own scale
        levels = np.frombuffer(base64.b64decode(grid["values"]), np.uint8).reshape(values.shape).astype(float)
        share = (levels - 1) / 254 if grid["signed"] else levels / 255
    table = np.frombuffer(base64.b64decode(grid["colours"]), np.uint8).reshape(256, 3)
    return np.asarray(table[np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)])


def _pictures(grid: Payload, width: int) -> list[bytes]:
    """A PNG of each frame; none where the grid is a photo alone."""
    colours = coloured(grid)
    if colours is None:
        return []
    if grid["tile"]:
        return [to_png(_tiled(grid, colours, width))]
    rows, columns = colours.shape[1:3]
    across = max(1, min(round(_SHARPNESS * width / columns), 64))
    down = max(1, min(round(_SHARPNESS * width / grid["aspect"] / rows), 256))
    while across * down * rows * columns > _MOST_PIXELS and max(across, down) > 1:
        across, down = max(1, across // 2), max(1, down // 2)
    return [to_png(frame.repeat(down, axis=0).repeat(across, axis=1)) for frame in colours]


def _tiled(grid: Payload, colours: np.ndarray, width: int) -> np.ndarray:
    """All tiles with white between them, those of one group closer together: (H, W, 3) uint8."""
    height_of, width_of = grid["tile"]
    zoom = max(1, min(round(_SHARPNESS * width / grid["columns"] / width_of), 8))
    step = (height_of * zoom + _TILE_GAP, width_of * zoom + _TILE_GAP)
    while zoom > 1 and grid["rows"] * step[0] * grid["columns"] * step[1] > _MOST_PIXELS:
        zoom -= 1
        step = (height_of * zoom + _TILE_GAP, width_of * zoom + _TILE_GAP)
    sheet = np.full((grid["rows"] * step[0], grid["columns"] * step[1], 3), 255, np.uint8)
    for cell, tile in enumerate(colours):
        row, column = divmod(cell, grid["columns"])
        top, left = row * step[0] + _TILE_GAP // 2, column * step[1] + (_TILE_GAP // 2 if column % grid["group"] else 1)
        large = tile.repeat(zoom, axis=0).repeat(zoom, axis=1)
        sheet[top : top + large.shape[0], left : left + large.shape[1]] = large
    return sheet


def _marks(grid: Payload, selected: int | None) -> str:
    """Lines between the squares, the frame of what is selected, and one for what is hovered, in units of squares."""
    rows, columns = grid["rows"] / grid["pick_side"], grid["columns"] / grid["pick_side"]
    lines = ""
    if grid["lines"]:
        down = "".join(f"M{column} 0V{rows:g}" for column in range(1, int(columns)))
        across = "".join(f"M0 {row}H{columns:g}" for row in range(1, int(rows)))
        lines = f'<path class="lines" d="{down}{across}"/>'
    box = _box_of(grid, selected, rows, columns)
    mark = ""
    if box is not None:
        x, y, w, h = box
        place = f'x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"'
        mark = f'<rect class="under" {place}/><rect class="mark" {place}/>'
    return (
        f'<svg viewBox="0 0 {columns:g} {rows:g}" preserveAspectRatio="none" aria-hidden="true">{lines}{mark}'
        '<rect class="hovered" width="0" height="0"/></svg>'
    )


def _box_of(
    grid: Payload, selected: int | None, rows: float, columns: float
) -> tuple[float, float, float, float] | None:
    if selected is None or selected < 0 or grid["select"] == "none":
        return None
    place = selected
    if grid["ids"]:
        if selected not in grid["ids"]:
            return None
        place = grid["ids"].index(selected)
    if grid["select"] == "picture":
        return (0, 0, columns, rows)
    if grid["select"] == "row":
        return (0, place, columns, 1) if place < rows else None
    return (place % columns, place // columns, 1, 1) if place < rows * columns else None


def _scale(grid: Payload, frame: int) -> str:
    if "values" not in grid or not grid["show_scale"]:
        return ""
    table = np.frombuffer(base64.b64decode(grid["colours"]), np.uint8).reshape(256, 3)
    stops = ",".join(f"rgb({r},{g},{b})" for r, g, b in [*table[::32].tolist(), table[255].tolist()])
    low, high = ("−max" if grid.get("signed") else "0"), "max"
    if grid["limits"]:
        low, high = (as_text(each) for each in grid["limits"][min(frame, len(grid["limits"]) - 1)])
    below, above = grid.get("beyond") or (False, False)
    unit = f" ({grid['unit']})" if grid["unit"] else ""
    return (
        f'<div class="scale"><span class="low">{"≤ " if below else ""}{low}</span>'
        f'<i style="background:linear-gradient(to right,{stops})"></i>'
        f'<span class="high">{"≥ " if above else ""}{high}</span></div>'
        f'<div class="quantity">{html.escape(grid["quantity"] + unit)}</div>'
    )


def _table(grid: Payload, frame: int) -> str:
    """The numbers of the frame that is seen, where they are few enough to be read."""
    values = values_of(grid)
    if values is None or grid["tile"] or values[0].size > _MOST_CELLS_IN_TABLE or values[0].size < 2:
        return ""
    shown = values[frame if grid["frames"] > 1 else 0]
    rows = "".join(_row(row) for row in shown.tolist())
    return f"<table><caption>{html.escape(grid['title'] or grid['quantity'])}</caption>{rows}</table>"


def _row(values: Sequence[float]) -> str:
    return "<tr>" + "".join(f"<td>{as_text(value)}</td>" for value in values) + "</tr>"


def as_text(value: float) -> str:
    """A number with three digits, as the app writes it."""
    size = abs(value)
    text = f"{size:.2e}" if size and (size < 0.01 or size >= 10_000) else f"{size:#.3g}".rstrip(".")
    return ("−" if value < 0 else "") + text
