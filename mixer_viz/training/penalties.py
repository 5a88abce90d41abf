"""Costs in the loss: of near-copies among the hidden units of token mixing, and of rough patch-embedding filters."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def copy_cost(network: nn.Module, least: float) -> Tensor:
    """How far near-copies go in a network with token-mixing MLPs: () float32, 0 where no two units reach `least`.

    For each unit the sum, over the other units of its block, of the squared excess of their cosine above `least`; then
    the mean over all units and blocks. The cosine is that of the rows of W1, centred as in
    `analysis.token_mixing.opposing_pairs`, so opposing units cost nothing, and neither does any pattern by itself: what
    a unit looks for is left to the training, only that another one looks for it already is told.
    """
    named = network.named_parameters()
    weights: list[Tensor] = [value for name, value in named if name.endswith(".token_mixing.fc1.weight")]
    rows = torch.stack(weights).float()  # (L, D_S, S)
    rows = nn.functional.normalize(rows - rows.mean(dim=2, keepdim=True), dim=2)
    cosine = rows @ rows.mT
    itself = torch.eye(cosine.shape[1], dtype=torch.bool, device=cosine.device)
    excess = (cosine - least).clamp(min=0).masked_fill(itself, 0)
    return excess.square().sum(dim=2).mean()


def filter_roughness(network: nn.Module) -> Tensor:
    """How rough the patch-embedding filters are: () float32, 1 for white noise and 0 for filters without any change.

    For each filter, over its channels: the mean squared difference of pixels side by side or one above the other, over
    twice the mean squared deviation from the channels' means, so neither the scale nor the mean of a filter matters;
    then the mean over all filters. For a patch of one pixel it is 0.
    """
    filters: Tensor = network.get_parameter("stem.weight").float()  # (C, 3, P, P)
    if filters.shape[-1] == 1:
        return filters.sum() * 0
    varying = filters - filters.mean(dim=(2, 3), keepdim=True)
    across = varying.diff(dim=3).square().mean(dim=(1, 2, 3)) + varying.diff(dim=2).square().mean(dim=(1, 2, 3))
    pixels = filters.shape[2] * filters.shape[3]
    variance = varying.square().mean(dim=(1, 2, 3)) * pixels / (pixels - 1)
    return (across / (4 * variance).clamp(min=1e-12)).mean()
