"""Mixers and pixels made on the spot, every parameter random: scales of one and biases of zero would hide mistakes."""

from __future__ import annotations

import torch
from torch import Tensor

from mixer_viz.model import MixerBlock, MixerConfig, MlpMixer


def random_model(config: MixerConfig, dtype: torch.dtype = torch.float64, seed: int = 1) -> MlpMixer:
    generator = torch.Generator().manual_seed(seed)
    model = MlpMixer(config).to(dtype).eval()
    for parameter in model.parameters():
        parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def random_pixels(
    config: MixerConfig, count: int = 1, dtype: torch.dtype = torch.float64, seed: int = 2, scale: float = 1.0
) -> Tensor:
    shape = (count, config.in_channels, config.image_size, config.image_size)
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def block_of(model: MlpMixer, index: int) -> MixerBlock:
    block = model.blocks[index]
    assert isinstance(block, MixerBlock)
    return block


def traces_left(model: MlpMixer) -> dict[str, object]:
    """What a careless analysis leaves on a model: hooks, gradients, other flags."""
    registries = [name for name in vars(model) if name.endswith("_hooks")]
    assert "_forward_hooks" in registries
    return {
        "hooks": sum(len(getattr(module, name)) for module in model.modules() for name in registries),
        "gradients": [name for name, parameter in model.named_parameters() if parameter.grad is not None],
        "requires_grad": [parameter.requires_grad for parameter in model.parameters()],
        "training": [module.training for module in model.modules()],
    }
