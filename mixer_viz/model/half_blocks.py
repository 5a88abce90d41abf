"""A forward pass in half-blocks that can be stopped, changed and taken up again; nothing is left on the model."""

from __future__ import annotations

import dataclasses
from typing import cast

from torch import Tensor, nn

from mixer_viz.model import MixerBlock, Mlp, MlpMixer


@dataclasses.dataclass(frozen=True)
class HalfBlock:
    """One MLP with the LayerNorm before it: tokens + branch(hidden(tokens)) is what the block does to tokens."""

    norm: nn.LayerNorm
    mlp: Mlp
    over_tokens: bool  # token mixing reads the columns of the tokens, channel mixing the rows

    def hidden(self, tokens: Tensor) -> Tensor:
        """Activations after the GELU: (N, S, C) -> (N, C, D_S) for token mixing, (N, S, D_C) for channel mixing."""
        normed = self.norm(tokens)
        return cast(Tensor, self.mlp.gelu(self.mlp.fc1(normed.mT if self.over_tokens else normed)))

    def branch(self, hidden: Tensor) -> Tensor:
        """What is added to the tokens, from the activations: (N, S, C)."""
        written = cast(Tensor, self.mlp.fc2(hidden))
        return written.mT if self.over_tokens else written


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
        tokens = tokens + half.branch(half.hidden(tokens))
    return tokens


def logits_from(model: MlpMixer, tokens: Tensor, stage: int) -> Tensor:
    """The rest of the way: logits (N, num_classes) of tokens (N, S, C) at a stage from 0 to 2 L."""
    for half in half_blocks(model)[stage:]:
        tokens = tokens + half.branch(half.hidden(tokens))
    return cast(Tensor, model.head(model.norm(tokens).mean(dim=1)))
