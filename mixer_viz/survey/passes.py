"""One forward pass of many pictures, of which only sums over channels and tokens are kept."""

from __future__ import annotations

import dataclasses
from typing import Literal, cast

import torch
from torch import Tensor

from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.half_blocks import half_blocks

Family = Literal["token_units", "channel_units", "channels"]
FAMILIES: tuple[Family, ...] = ("token_units", "channel_units", "channels")


@dataclasses.dataclass(frozen=True)
class ChunkValues:
    """What n pictures do, as `Objective` without `at` has it; U are all units of a family, the first block's first."""

    units: dict[Family, Tensor]  # (n, U)
    lens: Tensor  # (n, L + 1, num_classes) logits that the head reads from the embedding and from each block
    logits: Tensor  # (n, num_classes)


def family_shape(config: MixerConfig, family: Family) -> tuple[int, int]:
    """Blocks or stages, and units in each: their product is U."""
    return {
        "token_units": (config.num_blocks, config.tokens_mlp_dim),
        "channel_units": (config.num_blocks, config.channels_mlp_dim),
        "channels": (1 + 2 * config.num_blocks, config.embed_dim),
    }[family]


@torch.inference_mode()
def chunk_values(model: MlpMixer, pixels: Tensor) -> ChunkValues:
    """One pass; the logits are those of `model(pixels)` bit for bit."""
    tokens = model.embed(pixels)
    units: dict[Family, list[Tensor]] = {"token_units": [], "channel_units": [], "channels": [tokens.mean(dim=1)]}
    lens = [_read_by_head(model, tokens)]
    for number, half in enumerate(half_blocks(model)):
        hidden = half.hidden(tokens)
        tokens = tokens + half.branch(hidden)
        units["token_units" if half.over_tokens else "channel_units"].append(hidden.mean(dim=1))
        units["channels"].append(tokens.mean(dim=1))
        if number % 2:
            lens.append(_read_by_head(model, tokens))
    joined = {family: torch.cat(parts, dim=1).float() for family, parts in units.items()}
    return ChunkValues(joined, torch.stack(lens, dim=1).float(), lens[-1].float())


def _read_by_head(model: MlpMixer, tokens: Tensor) -> Tensor:
    return cast(Tensor, model.head(model.norm(tokens).mean(dim=1)))
