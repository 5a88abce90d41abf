"""A Mixer whose every parameter is random: default LayerNorm weights (one) and biases (zero) would hide mistakes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mixer_viz.model import MixerConfig, MlpMixer


@pytest.fixture
def random_model() -> Callable[..., MlpMixer]:
    def build(config: MixerConfig, dtype: torch.dtype = torch.float64) -> MlpMixer:
        generator = torch.Generator().manual_seed(1)
        model = MlpMixer(config).to(dtype).eval()
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.data.copy_(0.5 * noise)
        return model

    return build


@pytest.fixture
def random_pixels() -> Callable[..., Tensor]:
    def build(config: MixerConfig, count: int = 3, seed: int = 2, dtype: torch.dtype = torch.float64) -> Tensor:
        shape = (count, config.in_channels, config.image_size, config.image_size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)

    return build
