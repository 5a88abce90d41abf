"""What one hidden unit of a token-mixing MLP does to the answer: its effect on a logit, and the logits without it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image
from mixer_viz.analysis.ranges import block_of, check_range
from mixer_viz.model import MlpMixer
from mixer_viz.model.half_blocks import half_blocks, logits_from, tokens_at

FACTORS_AT_ONCE = 8  # bounds the memory: each factor is one more image from that block on


def unit_effects(model: MlpMixer, pixels: Tensor, block: int, target: int | None = None) -> np.ndarray:
    """First-order effect of each hidden unit of a block's token mixing on a logit: (D_S,) float64, in logits.

    The effect of unit u is sum_c h[c, u] * d logit / d h[c, u], with h the activations after the GELU: the slope of the
    logit at factor 1 when the unit is scaled by a factor. Positive: the unit raises the logit. It equals the logit lost
    when the unit is switched off only as far as the rest of the network is linear; `logits_with_unit` tells.

    Args:
        pixels: (1, 3, H, W), normalised, on the model's device.
        target: the class whose logit is meant; None for the top class of this image.
    Raises ValueError for a block or class that is not there, several images, or an image of the wrong size.
    """
    block_of(model, block)
    if target is not None:
        check_range("target", target, model.config.num_classes)
    with torch.no_grad():
        tokens, hidden = _hidden(model, pixels, block)
    with torch.enable_grad():
        hidden = hidden.detach().requires_grad_()
        logits = one_image(_logits(model, tokens, hidden, block))
        chosen = int(logits.argmax()) if target is None else target
        gradient = torch.autograd.grad(logits[chosen], hidden)[0]
    return (hidden.detach() * gradient)[0].cpu().double().sum(dim=0).numpy()


@torch.no_grad()
def logits_with_unit(model: MlpMixer, pixels: Tensor, block: int, unit: int, factors: Sequence[float]) -> np.ndarray:
    """Logits (F, num_classes) of real forward passes in which one hidden unit is multiplied by each of F factors.

    Factor 0 switches the unit off in all channels, as zeros in its column of W2 would; factor 1 changes nothing. The
    values have the model's precision (float32 as a rule). The model is only read.

    Args:
        pixels: (1, 3, H, W), normalised, on the model's device.
    Raises ValueError for a block or unit that is not there, for no factors or one that is not finite, several images,
    or an image of the wrong size.
    """
    block_of(model, block)
    check_range("unit", unit, model.config.tokens_mlp_dim)
    if not len(factors) or not all(math.isfinite(factor) for factor in factors):
        raise ValueError(f"factors={list(factors)} must be one or more finite numbers")
    tokens, hidden = _hidden(model, pixels, block)
    scales = hidden.new_ones(len(factors), 1, model.config.tokens_mlp_dim)
    scales[:, 0, unit] = hidden.new_tensor(factors)
    logits = [_logits(model, tokens, hidden * part, block) for part in scales.split(FACTORS_AT_ONCE)]
    return torch.cat(logits).cpu().numpy()


def _hidden(model: MlpMixer, pixels: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """X (1, S, C) before a block, and its token-mixing activations after the GELU (1, C, D_S)."""
    one_image(pixels)
    tokens = tokens_at(model, pixels, 2 * block)
    return tokens, half_blocks(model)[2 * block].hidden(tokens)


def _logits(model: MlpMixer, tokens: Tensor, hidden: Tensor, block: int) -> Tensor:
    """The rest of the way, from X (1, S, C) and activations (F, C, D_S) of a block to logits (F, num_classes)."""
    tokens = tokens + half_blocks(model)[2 * block].branch(hidden)
    return logits_from(model, tokens, 2 * block + 1)
