"""From where in the image one token's features come, block by block: the effective receptive field.

After Luo et al. 2016 (arXiv 1701.04128) and, for the sum of rectified features over channels, Ding et al. 2022
(RepLKNet, arXiv 2203.06717): the gradient of one token's features with respect to the pixels. The area differs from
RepLKNet's, which is that of a square around the centre: here any patches count, as a Mixer's field need not be one
piece. In theory every token of a Mixer sees the whole image after one block; the gradient says how much of it counts.

A network that reads permuted images still gets them in their natural order and permutes them itself, so the gradient,
and with it every map, is in the natural order. Where a single token reads pixels from all over the image, patches say
little, so its maps are kept per pixel as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mixer_viz.analysis.ranges import check_token
from mixer_viz.model import MetaFormer, MetaFormerConfig, MlpMixer, Network
from mixer_viz.model.permuted_input import pixel_order

SHARES = (0.2, 0.5, 0.99)
IMAGES_AT_ONCE = 4  # bounds the memory of the graph: about 120 MiB for each image of a B/16
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """One token's effective receptive field at L + 1 stages: 0 is the embedding, b the stream after b blocks."""

    token: int
    maps: np.ndarray  # (L + 1, S) float64, each patch's share of the gradient's magnitude; a row sums to 1
    area: np.ndarray  # (L + 1, 3) float64, smallest share of all patches that together hold SHARES of the gradient


def receptive_field(model: MlpMixer, pixels: Tensor, token: int) -> ReceptiveField:
    """Shares of |d sum_c relu(X_b[token, c]) / d pixels| per patch, averaged over the images.

    Every image has the same weight: its magnitudes are summed over the pixels and colours of each patch and divided by
    their total before the average. An image whose gradient is 0 at a stage, as no feature is positive, is left out
    there; a stage at which this is so for all images is nan.

    Args:
        pixels: (N, 3, H, W), normalised, on the model's device, N at least 1.
    Raises ValueError for a token that is not there, no image, or an image of the wrong size.
    """
    side = model.config.patch_size
    sizes = np.concatenate([sum_per_patch(part, side) for part in gradient_sizes(model, pixels, token)], axis=1)
    maps = mean_share(sizes)
    return ReceptiveField(token, maps, smallest_area(maps))


def smallest_area(maps: np.ndarray, shares: tuple[float, ...] = SHARES) -> np.ndarray:
    """Fewest patches that hold at least each of `shares` of a map (..., S), as a share of S: (..., len(shares)).

    A map must not be negative and must sum to 1; one that holds nan has the area nan.
    """
    held = np.cumsum(-np.sort(-maps, axis=-1), axis=-1)
    # A uniform map of 5 patches holds 0.6 after three, which a sum of floats may miss by its last bit.
    short = held[..., None, :] < np.array(shares)[:, None] - _ROUNDING
    area: np.ndarray = (short.sum(axis=-1) + 1) / maps.shape[-1]
    area[np.isnan(maps).any(axis=-1)] = np.nan
    return area


def gradient_sizes(model: Network, pixels: Tensor, token: int) -> Iterator[np.ndarray]:
    """|d sum_c relu(X_b[token, c]) / d pixels|, summed over colours, of a few images at a time: (L + 1, n, H, W).

    Float64, stages as in `ReceptiveField`, arguments and errors as in `receptive_field`.
    """
    check_token(model.config, token)
    if not len(pixels):
        raise ValueError("the receptive field needs at least one image, got none")
    for images in pixels.split(IMAGES_AT_ONCE):
        yield _gradient_sizes(model, images, token)


def sum_per_patch(sizes: np.ndarray, patch_size: int) -> np.ndarray:
    """The sum over the pixels of each patch: (..., H, W) -> (..., S), patches in raster order."""
    height, width = sizes.shape[-2:]
    cut = sizes.reshape(*sizes.shape[:-2], height // patch_size, patch_size, width // patch_size, patch_size)
    sums: np.ndarray = cut.sum(axis=(-3, -1)).reshape(*sizes.shape[:-2], -1)
    return sums


def mean_share(sizes: np.ndarray) -> np.ndarray:
    """Every place's share of its image's total, averaged over the images: (L + 1, N, ...) -> (L + 1, ...).

    Images whose total is 0 at a stage are left out there; where none remains, the stage is nan.
    """
    places = tuple(range(2, sizes.ndim))
    total = sizes.sum(axis=places, keepdims=True)
    counted = (total != 0).sum(axis=1)
    shares = sizes / np.where(total == 0, 1.0, total)
    with np.errstate(invalid="ignore"):  # 0 / 0 where no image counts: nan, as the docstring says
        mean: np.ndarray = shares.sum(axis=1) / counted
        return mean


def _gradient_sizes(model: Network, pixels: Tensor, token: int) -> np.ndarray:  # (L + 1, N, H, W) float64
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        stages = [model.embed(pixels)]
        for block in model.blocks:
            stages.append(block(stages[-1]))
        sums = [functional.relu(tokens[:, token]).sum() for tokens in stages]
    del stages
    sizes = []
    while sums:  # the last stage first, so that each block's part of the graph is freed once it is not needed
        gradient = torch.autograd.grad(sums.pop(), pixels, retain_graph=bool(sums))[0]
        sizes.append(gradient.detach().cpu().double().abs().sum(dim=1).numpy())
    return np.stack(sizes[::-1])


@dataclasses.dataclass(frozen=True)
class MetaFormerField:
    """One token's effective receptive field at L + 1 stages: 0 is the embedding, b the stream after b blocks."""

    token: int
    pixel_maps: np.ndarray  # (L + 1, H, W) float64, each pixel's share of the gradient's magnitude; a map sums to 1
    pixel_area: np.ndarray  # (L + 1, 3) float64, smallest share of all pixels that together hold SHARES of it
    maps: np.ndarray  # (L + 1, S) float64, each patch's share, patches in natural order; a row sums to 1
    area: np.ndarray  # (L + 1, 3) float64, smallest share of all patches that together hold SHARES of it


def metaformer_receptive_field(network: MetaFormer, pixels: Tensor, token: int) -> MetaFormerField:
    """`receptive_field` of one of the networks compared, per pixel and per patch of the image in its natural order.

    Args:
        pixels: (N, 3, H, W), normalised, on the network's device, N at least 1, in their natural order.
        token: counted in the network's order; `tokens_of_patches` finds the one that reads a patch.
    Raises ValueError for a token that is not there, no image, or an image of the wrong size.
    """
    sizes = np.concatenate(list(gradient_sizes(network, pixels, token)), axis=1)  # (L + 1, N, H, W)
    pixel_maps, maps = mean_share(sizes), mean_share(sum_per_patch(sizes, network.config.patch_size))
    return MetaFormerField(
        token=token,
        pixel_maps=pixel_maps,
        pixel_area=smallest_area(pixel_maps.reshape(len(pixel_maps), -1)),
        maps=maps,
        area=smallest_area(maps),
    )


def tokens_of_patches(config: MetaFormerConfig) -> np.ndarray | None:
    """Which token reads each patch of the natural image, (S,) int64; None where every token reads single pixels."""
    if config.permutation == "pixels":
        return None
    grid, side = config.sizes.grid_size, config.sizes.patch_size
    shown = pixel_order(config).reshape(grid, side, grid, side)[:, 0, :, 0].ravel()  # one pixel of every token
    row, column = np.divmod(shown, config.sizes.image_size)
    return np.argsort(row // side * grid + column // side)
