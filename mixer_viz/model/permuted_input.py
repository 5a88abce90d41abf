"""Images whose pixels are put in another order, the same one for every image: section 3.4 and Figure 4 of the paper.

"patches-and-pixels" puts the patches in one order and the pixels inside every patch in one order, the same in all of
them; "pixels" puts all pixels of the image in one order. A network that is trained on such images can learn the first
as well as the plain ones if nothing in it knows which patches are neighbours.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mixer_viz.model.metaformer_config import MetaFormerConfig


def pixel_order(config: MetaFormerConfig) -> np.ndarray:
    """Which pixel each place shows: (H * W,) int64 in raster order, drawn from the permutation's seed."""
    sizes = config.sizes
    places = np.arange(sizes.image_size**2)
    random = np.random.default_rng(config.permutation_seed)
    if config.permutation == "none":
        return places
    if config.permutation == "pixels":
        return random.permutation(places)
    grid, side = sizes.grid_size, sizes.patch_size
    patches = places.reshape(grid, side, grid, side).swapaxes(1, 2).reshape(sizes.num_patches, side**2)
    permuted = patches[random.permutation(sizes.num_patches)][:, random.permutation(side**2)]
    return permuted.reshape(grid, grid, side, side).swapaxes(1, 2).ravel()


class PermutedInput(nn.Module):
    """Puts the pixels of images (N, 3, H, W) in the config's order, all colour channels alike."""

    def __init__(self, config: MetaFormerConfig) -> None:
        super().__init__()
        # No buffer: an average of weights over training steps would average the indices as well, and round them.
        self.order = torch.from_numpy(pixel_order(config))

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(2)[:, :, self.order.to(pixels.device)].view_as(pixels)
