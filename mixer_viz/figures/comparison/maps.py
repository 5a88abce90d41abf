"""Pictures of the page "Token mixers compared": who listens to whom in each network, all of them in one scale."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from mixer_viz.figures.grid import Grid
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import mark, tr

OPACITY = 0.78  # of the maps over the crop
TILE_WIDTH = 104
PERCENTILE = 99.5
LISTENING = dataclasses.replace(SCALES["field"], quantity=mark("share of listening"), unit="%")
FIELD = dataclasses.replace(SCALES["field"], quantity=mark("share of the gradient"), unit="%")
SIGNED = SCALES["jacobian"]


def shared_limits(maps: Sequence[np.ndarray], *, signed: bool = False) -> tuple[float, float]:
    """Where the colours of all these pictures begin and end, in the unit that is drawn: % unless `signed`.

    The end is the 99.5th percentile of all magnitudes but 0 after the largest of every row is left out. That is mostly
    what a token keeps for itself: with it, a network without mixing would leave all the others without colour.

    Args:
        maps: (..., S) each, the last axis a row: matrices (S, S), rows (S,), receptive fields flattened to (L, H * W).
    """
    sizes = [np.abs(drawn_values(values, signed=signed)) for values in maps if values.size]
    others = [np.sort(size.reshape(-1, size.shape[-1]))[:, :-1].ravel() for size in sizes]
    rest = np.concatenate([np.zeros(1, np.float32), *others])
    rest = rest[rest > 0]
    # Where nobody listens to anybody else, what tokens keep is all there is; an all-zero picture still draws.
    top = float(np.percentile(rest, PERCENTILE)) if rest.size else max((float(s.max()) for s in sizes), default=0.0)
    top = top or 1.0
    return (-top if signed else 0.0, top)


def drawn_values(values: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """Shares 0 to 1 in percent, derivatives as they are, as float32 of the same shape; what is not finite becomes 0."""
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    drawn: np.ndarray = (finite if signed else 100 * finite).astype(np.float32)
    return drawn


def matrix_grids(
    titles: Sequence[str],
    matrices: Sequence[np.ndarray],
    *,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    width: int = 260,
) -> list[Grid]:
    """One matrix (S, S) per token mixer [token that listens, token listened to]; a click picks the token of the row.

    Args:
        matrices: shares 0 to 1, a row sums to 1, or to 0 where a token listens to none; or derivatives if `signed`.
        limits: in the unit that is drawn; those of `shared_limits` over all the matrices if not given.
    Raises ValueError for a matrix that is not square.
    """
    for title, matrix in zip(titles, matrices, strict=True):
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"the matrix of {title} has shape {matrix.shape} and is not square")
    limits = limits or shared_limits(matrices, signed=signed)
    return [
        Grid(
            title=title,
            rows=len(matrix),
            columns=len(matrix),
            shape=size_in_words(matrix, signed=signed),
            description=tr(
                "{title}: how much each of {count} tokens (row) listens to each token (column), {rows}; {colours}.",
                title=title,
                count=len(matrix),
                rows=rows_in_words(matrix, signed=signed),
                colours=_colours(limits, len(titles)),
            ),
            values=drawn_values(matrix, signed=signed),
            scale=SIGNED if signed else LISTENING,
            limits=limits,
            open_ended=True,
            select="row",
            across=tr("listens to token"),
            width=width,
        )
        for title, matrix in zip(titles, matrices, strict=True)
    ]


def jacobian_grids(
    crop: np.ndarray,
    titles: Sequence[str],
    rows: Sequence[np.ndarray],
    token: int,
    *,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    width: int = 218,
) -> list[Grid]:
    """Who one token listens to in each network, over the greyed crop (H, W, 3); a click picks another token.

    Args:
        rows: (S,) each, the token's row of the matrix: shares 0 to 1, or derivatives if `signed`.
        limits: in the unit that is drawn, those of the matrices for one scale with them; `shared_limits` of the rows
            if not given.
    Raises ValueError for a row that is no square grid and for a token that is not there.
    """
    sides = [_side(row, token) for row in rows]
    limits = limits or shared_limits(rows, signed=signed)
    photo = greyed(crop)
    return [
        Grid(
            title=title,
            rows=side,
            columns=side,
            shape=row_in_words(row, token, signed=signed),
            description=tr(
                "{title}: {quantity} of token {token} for every patch over the picture, {row}; {colours}.",
                title=title,
                quantity=SIGNED.label if signed else LISTENING.label,
                token=token,
                row=row_in_words(row, token, signed=signed),
                colours=_colours(limits, len(titles)),
            ),
            photo=photo,
            values=drawn_values(row, signed=signed),
            scale=SIGNED if signed else LISTENING,
            limits=limits,
            open_ended=True,
            opacity=OPACITY,
            width=width,
        )
        for title, row, side in zip(titles, rows, sides, strict=True)
    ]


def field_grids(
    crop: np.ndarray,
    title: str,
    maps: np.ndarray,
    areas: np.ndarray,
    *,
    grid_size: int | None = None,
    limits: tuple[float, float] | None = None,
    width: int = TILE_WIDTH,
) -> list[Grid]:
    """One network's receptive field through depth, a small picture for each of L blocks over the greyed crop.

    Args:
        maps: (L, H, W) shares of the gradient 0 to 1, per patch or per pixel; each map sums to 1.
        areas: (L,) smallest share of the image, 0 to 1, that holds half of the gradient; nan where there is none.
        grid_size: patches along a side, for maps of pixels; a click picks a patch.
        limits: in %; those of `shared_limits` over the fields of all networks, or of this one if not given.
    Raises ValueError where `maps` and `areas` do not fit.
    """
    if len(maps) != len(areas):
        raise ValueError(f"{len(maps)} maps and {len(areas)} areas do not fit")
    limits = limits or shared_limits([maps.reshape(len(maps), -1)])
    photo = greyed(crop)
    notes = [
        tr("no gradient") if math.isnan(area) else tr("half in {share:.3g} %", share=100 * area)
        for values, area in zip(maps, areas, strict=True)
    ]
    return [
        Grid(
            title=tr("Block {block}", block=block),
            rows=values.shape[0],
            columns=values.shape[1],
            shape=note,
            description=tr(
                "{title}, receptive field after block {block}: sum {share:.3g} %, {note} of the image; {colours}.",
                title=title,
                block=block,
                share=100 * float(values.sum()),
                note=note,
                colours=_colours(limits),
            ),
            photo=photo,
            values=drawn_values(values),
            scale=FIELD,
            limits=limits,
            open_ended=True,
            opacity=OPACITY,
            pick_side=values.shape[0] // (grid_size or values.shape[0]),
            show_scale=block == 1,
            width=width,
        )
        for block, (values, note) in enumerate(zip(maps, notes, strict=True), start=1)
    ]


def size_in_words(matrix: np.ndarray, *, signed: bool = False) -> str:
    """Rows and columns of a matrix (S, S), and `rows_in_words`."""
    return tr("{count} × {count}, {rows}", count=len(matrix), rows=rows_in_words(matrix, signed=signed))


def rows_in_words(matrix: np.ndarray, *, signed: bool = False) -> str:
    """What the rows of shares (S, S) sum to, as "rows sum to 100 %"; of derivatives the mean on the diagonal."""
    if signed:
        return tr("itself {value:+.3g} on average", value=np.diag(matrix).mean())
    least, most = (f"{total:.3g}" for total in (100 * matrix.sum(axis=1).min(), 100 * matrix.sum(axis=1).max()))
    if least == most:
        return tr("rows sum to {sum} %", sum=least)
    return tr("rows sum to {least} to {most} %", least=least, most=most)


def row_in_words(row: np.ndarray, token: int, *, signed: bool = False) -> str:
    """How much a token listens to itself, and of shares (S,) the sum as well."""
    if signed:
        return tr("itself {value:+.3g}", value=row[token])
    return tr("itself {share:.3g} %, sum {sum:.3g} %", share=100 * row[token], sum=100 * row.sum())


def _side(row: np.ndarray, token: int) -> int:
    """Patches along a side of the grid that a row (S,) belongs to."""
    side = math.isqrt(row.size)
    if row.ndim != 1 or side**2 != row.size:
        raise ValueError(f"a row of shape {row.shape} is no square grid of patches")
    if not 0 <= token < row.size:
        raise ValueError(f"token {token} is not between 0 and {row.size - 1}")
    return side


def _colours(limits: tuple[float, float], networks: int = 2) -> str:
    low, high = limits
    if networks == 1:
        return tr("colours from {low:.3g} to {high:.3g}", low=low, high=high)
    return tr("colours from {low:.3g} to {high:.3g}, the same for all networks", low=low, high=high)
