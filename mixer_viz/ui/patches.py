"""The cached results of the Patch tokenization page, shared between visitors."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from mixer_viz import images
from mixer_viz.analysis import patches
from mixer_viz.ui.choices import Choice, ChosenModel
from mixer_viz.ui.compute.cached import crop_of, pixels_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on


@dataclasses.dataclass(frozen=True)
class TokenResults:
    """What the Patch tokenization page shows of one picture."""

    crop: np.ndarray  # (H, W, 3) uint8, what the network sees
    cells: np.ndarray  # (S, P, P, 3) uint8, its patches
    rebuilt_crop: np.ndarray  # (H, W, 3) uint8, rebuilt from the tokens
    tokenization: patches.Tokenization
    reconstruction: patches.Reconstruction


@kept("result", "Cutting the picture into tokens …")
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


@kept("model", "Reading the filters …")
def filters_of(model: ChosenModel) -> patches.Filters:
    return patches.filters_of(model.model)
