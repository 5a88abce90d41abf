"""How an image becomes tokens: its patches, their embedding, the filters, and what the embedding still knows."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mixer_viz.analysis.arrays import one_image, to_array
from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.mixer import check_pixels

FilterOrder = Literal["norm", "frequency", "response", "index"]


@dataclasses.dataclass(frozen=True)
class Tokenization:
    """One image as patches and as tokens; S patches in raster order, D = patch_dim numbers each, C channels."""

    config: MixerConfig
    patches: np.ndarray  # (S, D) float32, normalised pixel values, channel-major inside a patch
    embedding: np.ndarray  # (S, C) float32
    similarity: np.ndarray  # (S, S) float32, cosine between embeddings, -1 to 1; 0 for a zero vector, also with itself
    norm: np.ndarray  # (S,) float32, length of each embedding


@dataclasses.dataclass(frozen=True)
class Filters:
    """The patch embedding's weights as pictures (Tolstikhin et al. 2021, Figure 7): one filter per channel of C."""

    values: np.ndarray  # (C, P, P, 3) float32, signed weights
    bias: np.ndarray  # (C,) float32
    norm: np.ndarray  # (C,) float32, length of the filter as a vector of 3 * P * P weights
    frequency: np.ndarray  # (C,) float64, mean radial frequency, cycles per pixel, power summed over the colours


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """Patches rebuilt from their embedding by the pseudo-inverse of the linear layer; S patches, D = patch_dim."""

    pixels: np.ndarray  # (3, H, W) float32, rebuilt image in normalised pixel values
    patch_error: np.ndarray  # (S,) float64, |x - rebuilt x| / |x|, 0 to 1; 0 for an all-zero patch
    error: float  # the same over the whole image
    rank: int  # directions of a patch that the layer keeps, at most min(C, D)
    patch_dim: int  # D
    embed_dim: int  # C


def image_to_patches(pixels: Tensor, patch_size: int) -> Tensor:
    """Cut images into square patches in raster order: (N, 3, H, W) -> (N, S, 3 * patch_size**2).

    Channel-major inside a patch (colour, row, column), the order of a Conv2d weight, so the patch embedding is
    `patches @ weight.flatten(1).T + bias`. Raises ValueError when `patch_size` does not divide height and width.
    """
    if pixels.ndim != 4:
        raise ValueError(f"pixels must be (N, channels, H, W), got {tuple(pixels.shape)}")
    if patch_size < 1:
        raise ValueError(f"patch_size={patch_size} must be at least 1")
    for name, size in zip(("height", "width"), pixels.shape[2:], strict=True):
        if size % patch_size:
            raise ValueError(f"{name}={size} is not a multiple of patch_size={patch_size}")
    return F.pixel_unshuffle(pixels, patch_size).flatten(2).mT


def patches_to_image(patches: Tensor, grid_size: tuple[int, int], in_channels: int = 3) -> Tensor:
    """Put flattened patches back in reading order; exact inverse of `image_to_patches`.

    Args:
        patches: (N, S, in_channels * P**2), channel-major inside a patch.
        grid_size: patches along height and width.
    Returns: (N, in_channels, H, W). Raises ValueError when S is not grid height * width, or a patch is not square.
    """
    if patches.ndim != 3:
        raise ValueError(f"patches must be (N, S, patch_dim), got {tuple(patches.shape)}")
    num_patches, patch_dim = patches.shape[1:]
    if min(grid_size) < 1 or num_patches != grid_size[0] * grid_size[1]:
        raise ValueError(f"{num_patches} patches do not fill a grid of {grid_size[0]} x {grid_size[1]}")
    patch_size = math.isqrt(patch_dim // in_channels)
    if patch_size == 0 or in_channels * patch_size**2 != patch_dim:
        raise ValueError(f"patch_dim={patch_dim} is not in_channels={in_channels} times a square")
    return F.pixel_shuffle(patches.mT.unflatten(2, grid_size), patch_size)


@torch.no_grad()
def tokenize(model: MlpMixer, pixels: Tensor) -> Tokenization:
    """Patches of one image, their embedding, and how alike the embeddings are.

    `pixels` is (1, 3, H, W), normalised, on the model's device. Raises ValueError for another size or several images.
    """
    embedding = one_image(model.embed(pixels))
    patches = one_image(image_to_patches(pixels, model.config.patch_size))
    vectors = embedding.cpu().double()
    norm = torch.linalg.vector_norm(vectors, dim=1)
    # Not `cosine_similarity` nor `normalize`: their eps would shrink the cosine of very short vectors.
    directions = vectors / torch.where(norm == 0, 1.0, norm)[:, None]
    similarity = (directions @ directions.mT).clamp(-1, 1)
    return Tokenization(model.config, to_array(patches), to_array(embedding), to_array(similarity), to_array(norm))


def filters_of(model: MlpMixer) -> Filters:
    """The patch-embedding filters with their lengths and frequencies; the model is only read."""
    values = to_array(model.stem.weight.permute(0, 2, 3, 1))  # (C, 3, P, P) -> (C, P, P, 3)
    colours = np.moveaxis(values, -1, 1).astype(np.float64)
    # Parseval: the variance of a colour is its power without the DC term, so this mean sums power over the colours.
    power = colours.var(axis=(2, 3))
    total = power.sum(axis=1)
    frequency = (power * mean_radial_frequency(colours)).sum(axis=1) / np.where(total == 0, 1.0, total)
    norm = np.linalg.norm(colours.reshape(len(colours), -1), axis=1).astype(np.float32)
    return Filters(values, to_array(cast(Tensor, model.stem.bias)), norm, frequency)


def filter_order(filters: Filters, by: FilterOrder = "norm", response: np.ndarray | None = None) -> np.ndarray:
    """Channel numbers in the order to show the filters in: (C,) int; equal ones keep the order of the channels.

    "norm": longest first. "frequency": lowest first. "response": largest |response| first, with `response` (C,) such as
    one token's embedding. "index": as stored. Raises ValueError for another `by` or a `response` that does not fit.
    """
    if by == "response":
        if response is None or response.shape != filters.norm.shape:
            got = None if response is None else response.shape
            raise ValueError(f"the order by response needs a response of shape {filters.norm.shape}, got {got}")
        return np.argsort(-np.abs(response), kind="stable")
    if by not in ("norm", "frequency", "index"):
        raise ValueError(f"by={by!r} must be 'norm', 'frequency', 'response' or 'index'")
    keys = {"norm": -filters.norm, "frequency": filters.frequency, "index": np.arange(len(filters.norm))}
    return np.argsort(keys[by], kind="stable")


@torch.no_grad()
def reconstruct(model: MlpMixer, pixels: Tensor) -> Reconstruction:
    """Rebuild every patch from its embedding e as pinv(W) (e - b), to show what the linear layer keeps of it.

    The result is the projection of the patch on the rows of W; with rank = patch_dim it is the patch itself. The layer
    is redone in float64, so the error is the projection's and not that of rounding; singular values below float32
    precision of the largest (rtol = max(C, D) * 1.2e-7) count as zero, in the rank and in the pseudo-inverse alike.

    `pixels` is (1, 3, H, W), normalised. Raises ValueError for another size or several images.
    """
    config = model.config
    check_pixels(pixels, config)
    patches = one_image(image_to_patches(pixels, config.patch_size)).cpu().double()  # (S, D)
    weight = model.stem.weight.flatten(1).cpu().double()  # (C, D)
    rtol = max(weight.shape) * torch.finfo(torch.float32).eps
    # e - b = x W^T, so adding the bias to subtract it again would only round.
    rebuilt = (patches @ weight.mT) @ torch.linalg.pinv(weight, rtol=rtol).mT
    lost, length = _lengths(patches - rebuilt), _lengths(patches)
    total = float(np.linalg.norm(length))
    image = patches_to_image(rebuilt[None], config.grid_shape, config.in_channels)
    return Reconstruction(
        pixels=to_array(image[0]),
        patch_error=lost / np.where(length == 0, 1.0, length),
        error=float(np.linalg.norm(lost)) / total if total else 0.0,
        rank=int(torch.linalg.matrix_rank(weight, rtol=rtol)),
        patch_dim=config.patch_dim,
        embed_dim=config.embed_dim,
    )


def _lengths(vectors: Tensor) -> np.ndarray:  # (S, D) -> (S,) float64
    lengths: np.ndarray = torch.linalg.vector_norm(vectors, dim=1).numpy()
    return lengths
