"""Sizes for the networks of the comparison, no two of them alike: S = 16 tokens on a grid of 4 x 4, C = 26 channels."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from mixer_viz.model import MetaFormer, MetaFormerConfig, MixerConfig

SIZES = MixerConfig(
    image_size=12,
    patch_size=3,
    embed_dim=26,
    num_blocks=2,
    tokens_mlp_dim=5,
    channels_mlp_dim=7,
    num_classes=10,
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
    class_names=tuple(f"class {index}" for index in range(10)),
)
TOKENS, GRID, CHANNELS = SIZES.num_patches, SIZES.grid_size, SIZES.embed_dim


def config_of(token_mixer: str, *, num_heads: int = 2, sizes: MixerConfig = SIZES, **changes: Any) -> MetaFormerConfig:
    return MetaFormerConfig(sizes=sizes, token_mixer=token_mixer, num_heads=num_heads, **changes)  # type: ignore[arg-type]


def with_sizes(config: MetaFormerConfig, **changes: Any) -> MetaFormerConfig:
    return dataclasses.replace(config, sizes=dataclasses.replace(config.sizes, **changes))


def random_network(config: MetaFormerConfig, seed: int = 1) -> MetaFormer:
    """Every parameter random, in float64: scales of one and biases of zero would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    network = MetaFormer(config).double().eval()
    for parameter in network.parameters():
        parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return network


def random_tokens(count: int = 3, channels: int = CHANNELS, tokens: int = TOKENS, seed: int = 3) -> Tensor:
    shape = (count, tokens, channels)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_images(count: int = 3, seed: int = 2, sizes: MixerConfig = SIZES) -> Tensor:
    shape = (count, sizes.in_channels, sizes.image_size, sizes.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
