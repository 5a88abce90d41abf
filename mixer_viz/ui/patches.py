"""The cached results of the Patch tokenization page, shared between visitors."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st
import torch

from mixer_viz import images
from mixer_viz.analysis import patches
from mixer_viz.figures import patches as figures
from mixer_viz.language import mark, tr
from mixer_viz.texts.overview import figure_caption
from mixer_viz.texts.units import beside as texts
from mixer_viz.ui.choices import Choice, ChosenModel
from mixer_viz.ui.compute.cached import crop_of, pixels_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets import downloads


@dataclasses.dataclass(frozen=True)
class TokenResults:
    """What the Patch tokenization page shows of one picture."""

    crop: np.ndarray  # (H, W, 3) uint8, what the network sees
    cells: np.ndarray  # (S, P, P, 3) uint8, its patches
    rebuilt_crop: np.ndarray  # (H, W, 3) uint8, rebuilt from the tokens
    tokenization: patches.Tokenization
    reconstruction: patches.Reconstruction


@kept("result", mark("Cutting the picture into tokens …"))
def tokens_of(choice: Choice) -> TokenResults:
    model = choice.model.model
    config = model.config
    crop = crop_of(choice)
    pixels = pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        tokenization, reconstruction = patches.tokenize(model, pixels), patches.reconstruct(model, pixels)
    (rows, columns), side = config.grid_shape, config.patch_size
    cells = crop.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    rebuilt = images.pixels_to_image(torch.from_numpy(reconstruction.pixels)[None], config)[0]
    return TokenResults(crop, cells, rebuilt, tokenization, reconstruction)


@kept("model", mark("Reading the filters …"))
def filters_of(model: ChosenModel) -> patches.Filters:
    return patches.filters_of(model.model)


def filters_side_by_side(choice: Choice, other: Choice) -> None:
    """The patch-embedding filters of both networks, by frequency."""
    own, theirs = filters_of(choice.model), filters_of(other.model)
    sizes = [len(own.norm), len(theirs.norm), choice.model.config.patch_size, other.model.config.patch_size]
    st.markdown(texts.filters_compared(choice.model.shown_title, other.model.shown_title, *sizes))
    for place, (column, each, found) in enumerate(
        zip(st.columns(2, gap="medium"), (choice, other), (own, theirs), strict=True)
    ):
        order = patches.filter_order(found, "frequency")
        grid = figures.filter_grid(found.values, order, found.norm, found.frequency, title=each.model.title, width=500)
        with column:
            show_grids([grid], key=f"beside-filters-{place}")
    rebuilt = [tokens_of(each).reconstruction.error for each in (choice, other)]
    st.caption(texts.rebuilt_compared(choice.model.shown_title, other.model.shown_title, *rebuilt))


def patch_downloads(choice: Choice, token: int) -> None:
    """Figure, arrays and the table of filters."""
    result, filters = tokens_of(choice), filters_of(choice.model)
    tokenization, reconstruction = result.tokenization, result.reconstruction
    downloads.download_row(
        "patches",
        lambda: figures.draw_patches(
            result.crop,
            result.cells[token],
            tokenization.similarity[token],
            tokenization.embedding,
            figures.tile_filters(filters.values, patches.filter_order(filters, "frequency"), 16),
            token,
            figure_caption(choice.model.title, choice.picture.said_title),
        ),
        lambda: {
            "patches": tokenization.patches,
            "embedding": tokenization.embedding,
            "similarity": tokenization.similarity,
            "filters": filters.values,
            "bias": filters.bias,
            "rebuilt_pixels": reconstruction.pixels,
            "patch_error": reconstruction.patch_error,
        },
        lambda: _filter_table(filters, tokenization.embedding[token] - filters.bias, token),
    )


def _filter_table(filters: patches.Filters, response: np.ndarray, token: int) -> bytes:
    columns = [
        range(len(filters.norm)),
        *(x.tolist() for x in (filters.norm, filters.frequency, filters.bias, response)),
    ]
    header = [tr("channel"), tr("length"), tr("frequency_cycles_per_pixel"), tr("bias")]
    header.append(tr("response_to_patch_{token}", token=token))
    return downloads.csv_bytes(header, list(zip(*columns, strict=True)))
