"""Pictures of the Per-layer activations page. Names of layers are noted; titles and notes are said already."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from mixer_viz.figures.common import grid_in, stage_grids
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import mark, shown, tr


def layer_strip(
    labels: Sequence[tuple[str, str]],
    names: Sequence[str],
    maps: np.ndarray,
    scale: str,
    colours: np.ndarray | None = None,
    own_scales: bool = False,
) -> list[Grid]:
    """The small pictures of `stage_grids`, where a click on one selects its stage instead of a patch."""
    grids = stage_grids(labels, names, maps, colours, scale, own_scales)
    return [
        dataclasses.replace(
            grid,
            description=tr(
                "{quantity} on the patch grid: {stage}.", quantity=tr(SCALES[scale].quantity), stage=names[stage]
            ),
            select="picture",
            ids=np.array([stage]),
        )
        for stage, grid in enumerate(grids)
    ]


def enlarged(
    crop: np.ndarray,
    maps: np.ndarray,
    scale: str,
    notes: Sequence[str] | None = None,
    own_scales: bool = False,
    width: int = 330,
) -> Grid:
    """Values (T, S) or (T, rows, columns) over the greyed crop, one frame per stage, on one scale or on their own."""
    chosen = SCALES[scale]
    rows, columns = grid_in(crop, maps[0].size)
    return Grid(
        title="",
        rows=rows,
        columns=columns,
        description=tr("{quantity} of every patch over the picture, layer by layer.", quantity=tr(chosen.quantity)),
        photo=greyed(crop),
        values=maps.astype(np.float32),
        scale=chosen,
        limits=np.array([chosen.limits(frame if own_scales else maps) for frame in maps]),
        opacity=0.78,
        frames=len(maps),
        notes=None if notes is None else tuple(notes),
        width=width,
    )


def vectors_by_stage(vectors: np.ndarray, token: int, width: int = 1000) -> Grid:
    """The vector of one patch at every stage, (T, C): one row per stage, a click selects the stage."""
    stages, channels = vectors.shape
    return Grid(
        title=tr("Patch {token} at every layer", token=token),
        rows=stages,
        columns=channels,
        shape=tr("T × C = {stages} × {channels}, the embedding on top", stages=stages, channels=channels),
        description=tr(
            "The {channels} channels of patch {token} at {stages} stages, one row each.",
            channels=channels,
            token=token,
            stages=stages,
        ),
        values=vectors,
        scale=SCALES["embedding"],
        select="row",
        width=width,
        aspect=width / max(180, 12 * stages),
    )


def channel_atlas(maps: np.ndarray, order: np.ndarray, notes: Sequence[str], stage: str, width: int = 1000) -> Grid:
    """All channels of one stage as tiles (C, grid, grid), each on its own scale; a click selects the channel."""
    count, height, wide = maps.shape
    columns = max(2, min(width // 36, round(math.sqrt(count * width / 420))))
    rows = -(-count // columns)
    return Grid(
        title=tr("All channels, {stage}", stage=stage),
        rows=rows,
        columns=columns,
        shape=tr("{count} maps of {height} × {width}, each on its own scale", count=count, height=height, width=wide),
        description=tr("{count} channels over the patch grid, {stage}.", count=count, stage=stage),
        values=maps[order],
        scale=SCALES["channel"],
        hover=tuple(notes[channel] for channel in order),
        count=count,
        ids=order,
        tile=(height, wide),
        width=width,
    )


def hidden_grid(values: np.ndarray, *, title: str, rows: str, note: str, width: int = 1000) -> Grid:
    """Hidden activations (R, U) of one MLP: a row per channel (token mixing) or per token (channel mixing)."""
    count, units = values.shape
    return Grid(
        title=title,
        rows=count,
        columns=units,
        shape=note,
        description=tr(
            "{title}: {count} rows, one per {row}, and {units} hidden units.",
            title=title,
            count=count,
            row=tr(rows),
            units=units,
        ),
        values=values,
        scale=SCALES["activation"],
        select="row" if rows == "token" else "none",
        across=mark("unit"),
        width=width,
        aspect=width / min(300, max(120, 2 * count)),
    )


def similarity_matrix(similarity: np.ndarray, stage: str, width: int = 300) -> Grid:
    """Cosine between all pairs of tokens (S, S) at one stage; a click selects the token of the row."""
    tokens = similarity.shape[0]
    return Grid(
        title=tr("Token similarity"),
        rows=tokens,
        columns=tokens,
        shape=tr("S × S = {tokens} × {tokens}, {stage}", tokens=tokens, stage=stage),
        description=tr("Cosine between all {count} tokens, {stage}.", count=tokens, stage=stage),
        values=similarity.astype(np.float32),
        scale=SCALES["similarity"],
        select="row",
        across=mark("and token"),
        width=width,
    )


def cka_matrix(
    cka: np.ndarray, first: Sequence[str], second: Sequence[str], *, title: str, note: str, width: int = 300
) -> Grid:
    """Linear CKA between all stages (T1, T2), the embedding in the upper left corner."""
    rows, columns = cka.shape
    words = tr("{row} and {column}: CKA {value:.3f}")
    down, across = [shown(name) for name in first], [shown(name) for name in second]
    hover = tuple(
        words.format(row=down[i], column=across[j], value=cka[i, j]) for i in range(rows) for j in range(columns)
    )
    return Grid(
        title=title,
        rows=rows,
        columns=columns,
        shape=note,
        description=tr(
            "{title}: linear CKA between {rows} and {columns} stages.", title=title, rows=rows, columns=columns
        ),
        values=np.nan_to_num(cka).astype(np.float32),
        scale=SCALES["cka"],
        hover=hover,
        select="none",
        width=width,
    )


def class_maps(
    crop: np.ndarray, values: np.ndarray, title: str, scale: str, names: Sequence[str], width: int = 290
) -> Grid:
    """Values (T, S) of one class over the greyed crop, one frame per stage; each stage has its own limits."""
    return dataclasses.replace(
        enlarged(crop, values, scale, names, own_scales=True, width=width),
        title=title,
        description=tr("{title}, patch by patch, at every layer.", title=title),
    )
