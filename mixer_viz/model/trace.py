"""One forward pass with every intermediate tensor kept, by walking its half-blocks: no hooks, no state."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from mixer_viz.language import noted
from mixer_viz.model.config import MixerConfig
from mixer_viz.model.half_blocks import HalfBlock, half_blocks
from mixer_viz.model.mixer import MlpMixer


@dataclasses.dataclass(frozen=True)
class BlockTrace:
    """What one block computed; N images, S tokens, C channels, D_S and D_C hidden widths."""

    tokens_in: Tensor  # (N, S, C)    X
    norm1: Tensor  # (N, S, C)        LayerNorm(X)
    tokens_preactivation: Tensor  # (N, C, D_S)   W1 LayerNorm(X) + b1, transposed: one row per channel
    tokens_hidden: Tensor  # (N, C, D_S)          GELU of it
    token_branch: Tensor  # (N, S, C) what token mixing adds to X
    after_token_mixing: Tensor  # (N, S, C)       U = X + token_branch
    norm2: Tensor  # (N, S, C)        LayerNorm(U)
    channels_preactivation: Tensor  # (N, S, D_C)
    channels_hidden: Tensor  # (N, S, D_C)
    channel_branch: Tensor  # (N, S, C)           what channel mixing adds to U
    after_channel_mixing: Tensor  # (N, S, C)     Y = U + channel_branch


@dataclasses.dataclass(frozen=True)
class Trace:
    """Every intermediate tensor of one forward pass, detached, on the model's device."""

    config: MixerConfig
    pixels: Tensor  # (N, 3, H, W)
    embedding: Tensor  # (N, S, C)
    blocks: tuple[BlockTrace, ...]
    norm: Tensor  # (N, S, C)         last LayerNorm, per token
    pooled: Tensor  # (N, C)          mean over tokens
    logits: Tensor  # (N, num_classes)

    def num_bytes(self) -> int:
        """Memory held by all tensors, counting shared storage once."""
        tensors = [self.pixels, self.embedding, self.norm, self.pooled, self.logits]
        for block in self.blocks:
            tensors += [getattr(block, field.name) for field in dataclasses.fields(block)]
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        return sum(storages.values())


@torch.no_grad()
def trace(model: MlpMixer, pixels: Tensor) -> Trace:
    """Run `model` once and keep every intermediate tensor; `trace(...).logits` equals `model(pixels)` bit for bit.

    The model is only read: no hook, no attribute and no gradient is left on it, so threads may share it.

    Args:
        pixels: (N, 3, H, W), normalised, on the model's device. Raises ValueError when the size does not fit.
    """
    pixels = pixels.detach()
    embedding = model.embed(pixels)
    tokens = embedding
    blocks: list[BlockTrace] = []
    halves = half_blocks(model)
    for token_mixing, channel_mixing in zip(halves[::2], halves[1::2], strict=True):
        blocks.append(_block_trace(tokens, token_mixing, channel_mixing))
        tokens = blocks[-1].after_channel_mixing
    norm = model.norm(tokens)
    pooled = norm.mean(dim=1)
    return Trace(model.config, pixels, embedding, tuple(blocks), norm, pooled, model.head(pooled))


def _block_trace(tokens: Tensor, token_mixing: HalfBlock, channel_mixing: HalfBlock) -> BlockTrace:
    mixed = token_mixing.steps(tokens)
    done = channel_mixing.steps(mixed.tokens)
    return BlockTrace(
        tokens_in=tokens,
        norm1=mixed.normed,
        tokens_preactivation=mixed.preactivation,
        tokens_hidden=mixed.hidden,
        token_branch=mixed.branch,
        after_token_mixing=mixed.tokens,
        norm2=done.normed,
        channels_preactivation=done.preactivation,
        channels_hidden=done.hidden,
        channel_branch=done.branch,
        after_channel_mixing=done.tokens,
    )


@dataclasses.dataclass(frozen=True)
class Stage:
    """One place on the way at which the tokens are looked at."""

    index: int  # 0 is the embedding, then two per block
    name: str  # for people, noted; blocks counted from 1: "embedding", "block 1 token mixing", ...
    block: int | None  # counted from 0, as in `trace.blocks`; None for the embedding


def stages_of(config: MixerConfig) -> tuple[Stage, ...]:
    """The T = 1 + 2 L stages of a Mixer, in order."""
    stages = [Stage(0, noted("embedding"), None)]
    for block in range(config.num_blocks):
        for name in (
            noted("block {number} token mixing", number=block + 1),
            noted("block {number} channel mixing", number=block + 1),
        ):
            stages.append(Stage(len(stages), name, block))
    return tuple(stages)


def streams_of(trace: Trace) -> list[Tensor]:
    """The tokens at every stage, in order, as the trace holds them: T tensors (N, S, C), not copied."""
    tokens = [trace.embedding]
    for block in trace.blocks:
        tokens += [block.after_token_mixing, block.after_channel_mixing]
    return tokens


def branches_of(trace: Trace) -> list[tuple[Tensor, Tensor]]:
    """What each half-block adds, and the stream it adds it to: 2 L pairs of (N, S, C), as the trace holds them."""
    pairs = []
    for block in trace.blocks:
        pairs += [(block.token_branch, block.tokens_in), (block.channel_branch, block.after_token_mixing)]
    return pairs
