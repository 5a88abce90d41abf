"""Patches rebuilt from their embedding: exact where nothing is lost, a projection where something is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from mixer_viz.analysis import patches as analysis
from mixer_viz.model import MixerConfig, MlpMixer


def random_pixels(config: MixerConfig, num_images: int = 1) -> Tensor:
    size = config.image_size
    return torch.randn(num_images, config.in_channels, size, size, generator=torch.Generator().manual_seed(3))


def wide_model(config: MixerConfig, embed_dim: int = 20) -> MlpMixer:
    """More channels than numbers in a patch (12), so nothing is lost."""
    torch.manual_seed(1)
    return MlpMixer(dataclasses.replace(config, embed_dim=embed_dim)).eval()


def test_reconstruction_is_exact_when_nothing_is_lost(tiny_config: MixerConfig) -> None:
    model = wide_model(tiny_config)
    pixels = random_pixels(tiny_config)
    result = analysis.reconstruct(model, pixels)
    assert (result.rank, result.patch_dim, result.embed_dim) == (12, 12, 20)
    np.testing.assert_allclose(result.pixels, pixels[0].numpy(), atol=1e-6)
    assert result.error < 1e-12
    assert result.patch_error.max() < 1e-12


def test_reconstruction_from_fewer_channels_is_a_projection(tiny_model: MlpMixer) -> None:
    pixels = random_pixels(tiny_model.config)
    result = analysis.reconstruct(tiny_model, pixels)
    assert result.rank == 6
    patches = analysis.image_to_patches(pixels, 2)[0].double()
    directions = np.linalg.svd(tiny_model.stem.weight.detach().flatten(1).double().numpy())[2][:6]
    residual = patches.numpy() - patches.numpy() @ directions.T @ directions
    length = np.linalg.norm(patches.numpy(), axis=1)
    np.testing.assert_allclose(result.patch_error, np.linalg.norm(residual, axis=1) / length)
    assert result.error == pytest.approx(np.linalg.norm(residual) / np.linalg.norm(length))
    rebuilt = analysis.image_to_patches(torch.from_numpy(result.pixels)[None], 2)[0]
    np.testing.assert_allclose(rebuilt.numpy(), patches.numpy() - residual, atol=1e-6)
    # What is lost is invisible to the model: the rebuilt image has the same embedding.
    torch.testing.assert_close(tiny_model.embed(torch.from_numpy(result.pixels)[None]), tiny_model.embed(pixels))


def test_rank_ignores_directions_of_rounding_size(tiny_config: MixerConfig) -> None:
    model = wide_model(tiny_config)
    weight = model.stem.weight.detach().flatten(1)
    weight[:, -1] = weight[:, 0] / 3 + weight[:, 1] * 0.7  # rounded to float32: full rank in float64
    pixels = random_pixels(tiny_config)
    result = analysis.reconstruct(model, pixels)
    assert torch.linalg.matrix_rank(weight.double()) == 12
    assert result.rank == 11
    assert 0.01 < result.error < 0.9


def test_zero_patches_and_zero_weights_have_a_defined_error(tiny_model: MlpMixer) -> None:
    pixels = random_pixels(tiny_model.config)
    pixels[..., :2, :2] = 0
    result = analysis.reconstruct(tiny_model, pixels)
    assert result.patch_error[0] == 0
    assert result.patch_error[1:].min() > 0
    assert analysis.reconstruct(tiny_model, torch.zeros_like(pixels)).error == 0
    torch.nn.init.zeros_(tiny_model.stem.weight)
    lost = analysis.reconstruct(tiny_model, pixels)
    assert lost.rank == 0
    assert lost.error == 1
