"""The cached results of the Patch tokenization page, shared between visitors."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st
import torch

from mixer_viz import images
from mixer_viz.analysis import patches
from mixer_viz.model import MlpMixer
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import MAX_MODELS, MAX_RESULTS, crop_of, pixels_of
from mixer_viz.ui.compute.gate import computing_on


@dataclasses.dataclass(frozen=True)
class TokenResults:
    """What the Patch tokenization page shows of one picture."""

    crop: np.ndarray  # (H, W, 3) uint8, what the network sees
    cells: np.ndarray  # (S, P, P, 3) uint8, its patches
    rebuilt_crop: np.ndarray  # (H, W, 3) uint8, rebuilt from the tokens
    tokenization: patches.Tokenization
    reconstruction: patches.Reconstruction


# Shared between visitors, not copied: nobody writes into the arrays.
@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Cutting the picture into tokens …")
def _tokens(picture_key: str, model_key: str, _choice: Choice) -> TokenResults:
    model = _choice.model.model
    config = model.config
    crop = crop_of(_choice)
    pixels = pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        tokenization, reconstruction = patches.tokenize(model, pixels), patches.reconstruct(model, pixels)
    grid, side = config.grid_size, config.patch_size
    cells = crop.reshape(grid, side, grid, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    rebuilt = images.pixels_to_image(torch.from_numpy(reconstruction.pixels)[None], config)[0]
    return TokenResults(crop, cells, rebuilt, tokenization, reconstruction)


def tokens_of(choice: Choice) -> TokenResults:
    return _tokens(choice.picture.key, choice.model.key, choice)


@st.cache_resource(max_entries=MAX_MODELS, show_spinner="Reading the filters …")
def _filters(model_key: str, _model: MlpMixer) -> patches.Filters:
    return patches.filters_of(_model)


def filters_of(choice: Choice) -> patches.Filters:
    return _filters(choice.model.key, choice.model.model)
