"""Shared fixtures: a Mixer in which no two axes have the same length, so a swapped axis fails by shape."""

from __future__ import annotations

import pytest
import torch

from mixer_viz.model import MixerConfig, MlpMixer

TINY = MixerConfig(
    image_size=8,
    patch_size=2,  # S = 16 tokens
    embed_dim=6,
    num_blocks=2,
    tokens_mlp_dim=5,
    channels_mlp_dim=7,
    num_classes=10,
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
    interpolation="bicubic",
    crop_pct=0.875,
    class_names=tuple(f"class {index}" for index in range(10)),
)


@pytest.fixture
def tiny_config() -> MixerConfig:
    return TINY


@pytest.fixture
def tiny_model() -> MlpMixer:
    """Seeded random weights in every layer, the head included."""
    torch.manual_seed(0)
    return MlpMixer(TINY).eval()
