"""Patches as groups of pixels, and what the network says without some: real passes with the baseline in their place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.chunks import ChunkedPasses, chunk_for
from mixer_viz.analysis.ranges import check_token
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.mixer import check_pixels


def logits_without(
    model: MlpMixer, pixels: Tensor, patches: Sequence[int], *, baseline: str = "mean", seed: int = 0
) -> np.ndarray:
    """Logits (num_classes,) without one set of patches; the rest as in `logits_without_many`."""
    logits: np.ndarray = logits_without_many(model, pixels, [patches], baseline=baseline, seed=seed)[0]
    return logits


@torch.no_grad()
def logits_without_many(
    model: MlpMixer,
    pixels: Tensor,
    sets: Sequence[Sequence[int]] | np.ndarray,
    *,
    baseline: str = "mean",
    seed: int = 0,
) -> np.ndarray:
    """Logits (R, num_classes) of `pixels` (1, 3, H, W) without each of R sets of patches, in chunks that fit.

    Args:
        sets: row r replaces the patches of `sets[r]` by the baseline, in whatever order they come; the first k patches
            of random orders are `random_orders(...)[:, :k]`.
        seed: of the noise baseline.
    Raises ValueError for a patch that is not there, no set, another image than the model reads, or an unknown baseline.
    """
    config = model.config
    check_pixels(one_image(pixels)[None], config)
    if len(sets) == 0:
        raise ValueError("no set of patches was given: for the whole image give one empty set")
    gone = torch.zeros(len(sets), config.num_patches, dtype=torch.bool)
    for row, patches in zip(gone, sets, strict=True):
        for patch in patches:
            check_token(config, patch)
            row[patch] = True
    gone = gone.to(pixels.device)
    start = baseline_pixels(config, pixels, baseline, seed)
    patch_of = group_mask(config, 1, pixels.device)[0]  # (1, H, W)

    def logits(some: slice) -> Tensor:
        mixed: Tensor = model(torch.where(gone[some][:, patch_of], start, pixels))  # (n, 1, H, W) decides
        return mixed

    passes = ChunkedPasses(chunk_for(config, pixels.device, with_gradient=False), len(sets))
    return to_double(passes.in_chunks(len(sets), logits))


def group_mask(config: MixerConfig, group: int, device: torch.device) -> Tensor:
    """(1, 1, H, W): for each pixel the number of its square of `group` x `group` patches, in raster order."""
    side = group * config.patch_size
    down, across = (torch.arange(pixels, device=device) // side for pixels in config.image_shape)
    return (down[:, None] * (int(across[-1]) + 1) + across[None, :])[None, None]


def spread_over_groups(values: Tensor, mask: Tensor) -> Tensor:
    """One value per group, repeated over its numbers (1, 3, H, W), as a density: what it sums to is the value."""
    pixels = torch.bincount(mask.flatten())[mask]
    return values / (values.shape[1] * pixels)
