"""From where in the image one token's features come, in networks that may read the image in another order.

The definition is that of `receptive_field.py`. A network that reads permuted images still gets them in their natural
order and permutes them itself, so the gradient, and with it every map, is in the natural order. Where a single token
reads pixels from all over the image, patches say little, so the maps are kept per pixel as well.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from torch import Tensor

from mixer_viz.analysis.receptive_field import gradient_sizes, mean_share, smallest_area, sum_per_patch
from mixer_viz.model import ComparedConfig, ComparedNetwork
from mixer_viz.model.permuted_input import pixel_order


@dataclasses.dataclass(frozen=True)
class ComparedField:
    """One token's effective receptive field at L + 1 stages: 0 is the embedding, b the stream after b blocks."""

    token: int
    pixel_maps: np.ndarray  # (L + 1, H, W) float64, each pixel's share of the gradient's magnitude; a map sums to 1
    pixel_area: np.ndarray  # (L + 1, 3) float64, smallest share of all pixels that together hold SHARES of it
    maps: np.ndarray  # (L + 1, S) float64, each patch's share, patches in natural order; a row sums to 1
    area: np.ndarray  # (L + 1, 3) float64, smallest share of all patches that together hold SHARES of it


def compared_receptive_field(network: ComparedNetwork, pixels: Tensor, token: int) -> ComparedField:
    """`receptive_field` of one of the networks compared, per pixel and per patch of the image in its natural order.

    Args:
        pixels: (N, 3, H, W), normalised, on the network's device, N at least 1, in their natural order.
        token: counted in the network's order; `tokens_of_patches` finds the one that reads a patch.
    Raises ValueError for a token that is not there, no image, or an image of the wrong size.
    """
    sizes = np.concatenate(list(gradient_sizes(network, pixels, token)), axis=1)  # (L + 1, N, H, W)
    pixel_maps, maps = mean_share(sizes), mean_share(sum_per_patch(sizes, network.config.patch_size))
    return ComparedField(
        token=token,
        pixel_maps=pixel_maps,
        pixel_area=smallest_area(pixel_maps.reshape(len(pixel_maps), -1)),
        maps=maps,
        area=smallest_area(maps),
    )


def tokens_of_patches(config: ComparedConfig) -> np.ndarray | None:
    """Which token reads each patch of the natural image, (S,) int64; None where every token reads single pixels."""
    if config.permutation == "pixels":
        return None
    grid, side = config.sizes.grid_size, config.sizes.patch_size
    shown = pixel_order(config).reshape(grid, side, grid, side)[:, 0, :, 0].ravel()  # one pixel of every token
    row, column = np.divmod(shown, config.sizes.image_size)
    return np.argsort(row // side * grid + column // side)
