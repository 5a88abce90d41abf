"""The block's equation as two half-blocks, in steps: a forward pass that can be kept, stopped, changed, taken up again.

`mixer` says the same equation as the paper does; all that looks inside a Mixer goes through here. Nothing is left on
the model.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import cast

from torch import Tensor, nn

from mixer_viz.model.mixer import MixerBlock, Mlp, MlpMixer


@dataclasses.dataclass(frozen=True)
class Steps:
    """All that one half-block computes; N images, S tokens, C channels, D the hidden width, D_S or D_C."""

    normed: Tensor  # (N, S, C)          LayerNorm of the tokens
    preactivation: Tensor  # (N, C, D_S) of token mixing, (N, S, D_C) of channel mixing
    hidden: Tensor  # of the same shape, GELU of it
    branch: Tensor  # (N, S, C)          what is added to the tokens
    tokens: Tensor  # (N, S, C)          the sum


@dataclasses.dataclass(frozen=True)
class HalfBlock:
    """One MLP with the LayerNorm before it: tokens + branch(hidden(tokens)) is what the block does to tokens."""

    norm: nn.LayerNorm
    mlp: Mlp
    over_tokens: bool  # token mixing reads the columns of the tokens, channel mixing the rows

    def preactivation(self, normed: Tensor) -> Tensor:
        """What the GELU gets, from normed tokens: (N, S, C) -> (N, C, D_S) or (N, S, D_C)."""
        return cast(Tensor, self.mlp.fc1(normed.mT if self.over_tokens else normed))

    def hidden(self, tokens: Tensor) -> Tensor:
        """Activations after the GELU: (N, S, C) -> (N, C, D_S) for token mixing, (N, S, D_C) for channel mixing."""
        return cast(Tensor, self.mlp.gelu(self.preactivation(self.norm(tokens))))

    def branch(self, hidden: Tensor) -> Tensor:
        """What is added to the tokens, from the activations: (N, S, C)."""
        written = cast(Tensor, self.mlp.fc2(hidden))
        return written.mT if self.over_tokens else written

    def after(self, tokens: Tensor) -> Tensor:
        """The tokens behind the half-block: (N, S, C) -> (N, S, C)."""
        return tokens + self.branch(self.hidden(tokens))

    def steps(self, tokens: Tensor) -> Steps:
        """`after` with every tensor on the way."""
        normed = self.norm(tokens)
        preactivation = self.preactivation(normed)
        hidden = self.mlp.gelu(preactivation)
        branch = self.branch(hidden)
        return Steps(normed, preactivation, hidden, branch, tokens + branch)

    def in_double(self) -> HalfBlock:
        """A copy in float64 on the CPU, without gradients, for sums that have to close."""
        norm, mlp = (copy.deepcopy(part).cpu().double().requires_grad_(False) for part in (self.norm, self.mlp))
        return HalfBlock(cast(nn.LayerNorm, norm), cast(Mlp, mlp), self.over_tokens)


def half_blocks(model: MlpMixer) -> tuple[HalfBlock, ...]:
    """The 2 L half-blocks in order; number k leads from stage k to stage k + 1 of `trace.stages_of`."""
    halves = []
    for module in model.blocks:
        block = cast(MixerBlock, module)
        halves.append(HalfBlock(block.norm1, block.token_mixing, over_tokens=True))
        halves.append(HalfBlock(block.norm2, block.channel_mixing, over_tokens=False))
    return tuple(halves)


def tokens_at(model: MlpMixer, pixels: Tensor, stage: int) -> Tensor:
    """The tokens (N, S, C) of `pixels` (N, 3, H, W) at a stage from 0 to 2 L."""
    tokens = model.embed(pixels)
    for half in half_blocks(model)[:stage]:
        tokens = half.after(tokens)
    return tokens


def logits_from(model: MlpMixer, tokens: Tensor, stage: int) -> Tensor:
    """The rest of the way: logits (N, num_classes) of tokens (N, S, C) at a stage from 0 to 2 L, the last."""
    for half in half_blocks(model)[stage:]:
        tokens = half.after(tokens)
    return cast(Tensor, model.head(model.norm(tokens).mean(dim=1)))
