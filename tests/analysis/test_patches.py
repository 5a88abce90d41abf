"""Patches and tokens against identities that must hold exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mixer_viz.analysis import patches as analysis
from mixer_viz.model import MixerConfig, MlpMixer


def random_pixels(config: MixerConfig, num_images: int = 1) -> Tensor:
    size = config.image_size
    return torch.randn(num_images, config.in_channels, size, size, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("channels", "height", "width", "patch_size"), [(3, 8, 8, 2), (3, 6, 15, 3), (1, 4, 4, 4), (5, 7, 3, 1)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
def test_patches_and_back_is_the_image(
    channels: int, height: int, width: int, patch_size: int, dtype: torch.dtype
) -> None:
    pixels = torch.randint(0, 256, (2, channels, height, width), generator=torch.Generator().manual_seed(0)).to(dtype)
    patches = analysis.image_to_patches(pixels, patch_size)
    grid = (height // patch_size, width // patch_size)
    assert patches.shape == (2, grid[0] * grid[1], channels * patch_size**2)
    assert torch.equal(analysis.patches_to_image(patches, grid, channels), pixels)


def test_patches_are_in_raster_order_and_channel_major() -> None:
    pixels = torch.randn(1, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    patches = analysis.image_to_patches(pixels, 2)
    for row in range(2):
        for column in range(3):
            block = pixels[0, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert torch.equal(patches[0, 3 * row + column], block.reshape(-1))


def test_the_stem_is_one_linear_layer_on_patches(tiny_model: MlpMixer) -> None:
    pixels = random_pixels(tiny_model.config, 3)
    patches = analysis.image_to_patches(pixels, tiny_model.config.patch_size)
    bias = tiny_model.stem.bias
    assert bias is not None
    linear = patches @ tiny_model.stem.weight.flatten(1).T + bias
    torch.testing.assert_close(tiny_model.embed(pixels), linear, rtol=1e-5, atol=1e-5)


def test_wrong_sizes_are_named() -> None:
    pixels = torch.zeros(1, 3, 8, 10)
    with pytest.raises(ValueError, match=r"width=10 .* patch_size=4"):
        analysis.image_to_patches(pixels, 4)
    with pytest.raises(ValueError, match="patch_size=0"):
        analysis.image_to_patches(pixels, 0)
    with pytest.raises(ValueError, match=r"\(3, 8, 8\)"):
        analysis.image_to_patches(torch.zeros(3, 8, 8), 4)
    with pytest.raises(ValueError, match="15 patches do not fill a grid of 4 x 4"):
        analysis.patches_to_image(torch.zeros(1, 15, 12), (4, 4))
    with pytest.raises(ValueError, match=r"patch_dim=13 .* in_channels=3"):
        analysis.patches_to_image(torch.zeros(1, 16, 13), (4, 4))
    with pytest.raises(ValueError, match="patch_dim=2 "):
        analysis.patches_to_image(torch.zeros(1, 16, 2), (4, 4))
    with pytest.raises(ValueError, match=r"\(16, 12\)"):
        analysis.patches_to_image(torch.zeros(16, 12), (4, 4))


def test_tokenization_holds_what_the_model_computes(tiny_model: MlpMixer) -> None:
    pixels = random_pixels(tiny_model.config).requires_grad_()
    result = analysis.tokenize(tiny_model, pixels)
    embedding = tiny_model.embed(pixels)[0].detach()
    np.testing.assert_array_equal(result.embedding, embedding.numpy())
    np.testing.assert_array_equal(result.patches, analysis.image_to_patches(pixels, 2)[0].detach().numpy())
    np.testing.assert_allclose(result.norm, embedding.norm(dim=1).numpy(), rtol=1e-6)
    expected = torch.nn.functional.cosine_similarity(embedding[:, None], embedding[None], dim=2)
    np.testing.assert_allclose(result.similarity, expected.numpy(), atol=1e-6)
    assert result.config is tiny_model.config
    assert {array.dtype for array in (result.patches, result.embedding, result.similarity, result.norm)} == {
        np.dtype(np.float32)
    }


def test_a_zero_embedding_is_like_nothing(tiny_model: MlpMixer) -> None:
    assert tiny_model.stem.bias is not None
    torch.nn.init.zeros_(tiny_model.stem.bias)
    pixels = random_pixels(tiny_model.config)
    pixels[..., :2, :2] = 0
    pixels[..., 2:, :] *= 1e-12  # very short embeddings keep their direction
    result = analysis.tokenize(tiny_model, pixels)
    assert result.norm[0] == 0
    assert not result.similarity[0].any()
    assert not result.similarity[:, 0].any()
    np.testing.assert_allclose(np.diag(result.similarity)[1:], 1, rtol=1e-6)


def test_one_image_only(tiny_model: MlpMixer) -> None:
    for function in (analysis.tokenize, analysis.reconstruct):
        with pytest.raises(ValueError, match="batch of 2"):
            function(tiny_model, random_pixels(tiny_model.config, 2))
        with pytest.raises(ValueError, match="10 x 8 px"):
            function(tiny_model, torch.zeros(1, 3, 10, 8))
