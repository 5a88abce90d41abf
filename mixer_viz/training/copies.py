"""A cost for hidden units of token mixing that are near-copies of each other."""

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
