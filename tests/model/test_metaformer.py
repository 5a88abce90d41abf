"""The network around the token mixer: the Mixer's own with "mlp", every parameter in use."""

from __future__ import annotations

import pytest
import torch

from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MlpMixer
from mixer_viz.model.permuted_input import PermutedInput
from tests.model.made_metaformers import GRID, SIZES, config_of, random_images, random_network

SIDE = SIZES.patch_size


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_the_mlp_it_is_the_mixer_exactly(dtype: torch.dtype) -> None:
    network = random_network(config_of("mlp")).to(dtype)
    mixer = MlpMixer(SIZES).to(dtype).eval()
    mixer.load_state_dict(network.state_dict(), strict=True)
    assert [*network.state_dict()] == [*mixer.state_dict()]
    pixels = random_images().to(dtype)
    with torch.no_grad():
        assert torch.equal(network(pixels), mixer(pixels))


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_a_block_is_norm_mixer_skip_norm_mlp_skip(name: str) -> None:
    network, pixels = random_network(config_of(name)), random_images()
    with torch.no_grad():
        tokens = network.stem(pixels).flatten(2).transpose(1, 2)
        if network.position_embedding is not None:
            tokens = tokens + network.position_embedding
        for block in network.blocks:
            middle = tokens + block.token_mixing(block.norm1(tokens))
            tokens = middle + block.channel_mixing(block.norm2(middle))
        expected = network.head(network.norm(tokens).mean(1))
        torch.testing.assert_close(network(pixels), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_every_parameter_gets_a_finite_nonzero_gradient(name: str) -> None:
    network = random_network(config_of(name))
    network(random_images()).square().sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_there_are_no_buffers_that_an_average_of_weights_would_round(name: str) -> None:
    assert list(MetaFormer(config_of(name, permutation="pixels")).buffers()) == []


def test_another_image_size_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="Resize the image to 12 x 12"):
        MetaFormer(config_of("shift"))(torch.zeros(1, 3, 15, 15))


def test_without_mixing_the_order_of_the_patches_does_not_matter() -> None:
    pixels = random_images()
    moved = PermutedInput(config_of("identity", permutation="patches-and-pixels"))(pixels)
    same_inside = pixels.unflatten(3, (GRID, SIDE)).flip(3).flatten(3)  # columns of patches from right to left
    for name, matters in (("identity", False), ("convolution", True)):
        network = random_network(config_of(name))
        with torch.no_grad():
            changes = [float((network(other) - network(pixels)).abs().max()) for other in (same_inside, moved)]
        assert (changes[0] > 0.01) is matters
        assert changes[1] > 0.01  # other pixels inside the patch are another patch
