"""The network against the paper's equations, against timm, and against the laws that its equations imply."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import erf
from torch import Tensor

from mixer_viz.model import MixerConfig, MlpMixer

Build = Callable[..., MlpMixer]
BuildPixels = Callable[..., Tensor]


def numpy_mixer(model: MlpMixer, pixels: np.ndarray) -> np.ndarray:
    """The paper's equations once more, in plain numpy and with the patches cut by hand: (N, 3, H, W) to logits."""
    config = model.config
    weights = {name: value.numpy() for name, value in model.state_dict().items()}

    def layer_norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def gelu(x: np.ndarray) -> np.ndarray:
        if config.gelu == "tanh":
            return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return 0.5 * x * (1 + erf(x / np.sqrt(2)))

    side, grid = config.patch_size, config.grid_size
    patches = pixels.reshape(len(pixels), config.in_channels, grid, side, grid, side)
    x = np.einsum("nciajb,dcab->nijd", patches, weights["stem.weight"]) + weights["stem.bias"]
    x = x.reshape(len(pixels), grid * grid, config.embed_dim)
    for index in range(config.num_blocks):
        w1, b1, w2, b2, w3, b3, w4, b4 = (
            weights[f"blocks.{index}.{mlp}.{layer}.{kind}"]
            for mlp in ("token_mixing", "channel_mixing")
            for layer in ("fc1", "fc2")
            for kind in ("weight", "bias")
        )
        hidden = gelu(np.einsum("hs,nsc->nhc", w1, layer_norm(x, f"blocks.{index}.norm1")) + b1[:, None])
        x = x + np.einsum("sh,nhc->nsc", w2, hidden) + b2[:, None]
        hidden = gelu(np.einsum("hc,nsc->nsh", w3, layer_norm(x, f"blocks.{index}.norm2")) + b3)
        x = x + np.einsum("ch,nsh->nsc", w4, hidden) + b4
    return layer_norm(x, "norm").mean(1) @ weights["head.weight"].T + weights["head.bias"]


@pytest.mark.parametrize("gelu", ["erf", "tanh"])
def test_forward_equals_the_equations_in_numpy(
    tiny_config: MixerConfig, random_model: Build, random_pixels: BuildPixels, gelu: str
) -> None:
    config = dataclasses.replace(tiny_config, gelu=gelu)
    model, pixels = random_model(config), random_pixels(config)
    with torch.no_grad():
        np.testing.assert_allclose(model(pixels).numpy(), numpy_mixer(model, pixels.numpy()), rtol=0, atol=1e-10)


def test_the_two_gelu_forms_differ(tiny_config: MixerConfig, random_model: Build, random_pixels: BuildPixels) -> None:
    pixels = random_pixels(tiny_config)
    with torch.no_grad():
        exact, tanh = (random_model(dataclasses.replace(tiny_config, gelu=g))(pixels) for g in ("erf", "tanh"))
    assert 1e-5 < float((exact - tanh).abs().max()) < 0.1


def test_forward_equals_timm_with_the_same_weights(random_model: Build, random_pixels: BuildPixels) -> None:
    from timm.models.mlp_mixer import MlpMixer as TimmMixer

    config = MixerConfig(
        image_size=12, patch_size=4, embed_dim=8, num_blocks=3, tokens_mlp_dim=4, channels_mlp_dim=20, num_classes=5
    )
    theirs = TimmMixer(num_classes=5, img_size=12, patch_size=4, num_blocks=3, embed_dim=8, mlp_ratio=(0.5, 2.5))
    ours, pixels = random_model(config, torch.float32), random_pixels(config, dtype=torch.float32)
    renamed = {
        name.replace("token_mixing", "mlp_tokens")
        .replace("channel_mixing", "mlp_channels")
        .replace("stem.", "stem.proj."): value
        for name, value in ours.state_dict().items()
    }
    theirs.load_state_dict(renamed, strict=True)
    with torch.no_grad():
        expected = theirs.eval()(pixels)
        assert float(expected.std()) > 0.1  # a zero head would make any two models agree
        torch.testing.assert_close(ours(pixels), expected, rtol=0, atol=1e-5)


def permute_patches(pixels: Tensor, order: Tensor, config: MixerConfig) -> Tensor:
    """Token t of the result is token order[t] of `pixels`, in raster order."""
    grid, side = config.grid_size, config.patch_size
    patches = pixels.unflatten(3, (grid, side)).unflatten(2, (grid, side)).transpose(3, 4)  # (N, 3, grid, grid, P, P)
    shuffled = patches.flatten(2, 3)[:, :, order].unflatten(2, (grid, grid))
    return shuffled.transpose(3, 4).flatten(4, 5).flatten(2, 3)


def test_permuting_patches_and_token_weights_leaves_the_logits(
    tiny_config: MixerConfig, random_model: Build, random_pixels: BuildPixels
) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    order = torch.randperm(tiny_config.num_patches, generator=torch.Generator().manual_seed(3))
    assert not torch.equal(order[order], torch.arange(len(order)))  # its inverse must not do as well
    shuffled = permute_patches(pixels, order, tiny_config)
    with torch.no_grad():
        before, input_only = model(pixels), model(shuffled)
        for block in model.blocks:
            mlp = block.token_mixing
            mlp.fc1.weight.copy_(mlp.fc1.weight[:, order].clone())
            mlp.fc2.weight.copy_(mlp.fc2.weight[order].clone())
            mlp.fc2.bias.copy_(mlp.fc2.bias[order].clone())
        both = model(shuffled)
    torch.testing.assert_close(both, before, rtol=0, atol=1e-12)
    assert float((input_only - before).abs().max()) > 0.1


def test_channel_mixing_commutes_with_token_order_and_token_mixing_does_not(
    tiny_config: MixerConfig, random_model: Build
) -> None:
    block = random_model(tiny_config).blocks[0]
    tokens = torch.randn(2, 16, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(
            block.channel_mixing(tokens.flip(1)), block.channel_mixing(tokens).flip(1), rtol=0, atol=1e-12
        )
        mixed, mixed_flipped = block.token_mixing(tokens.mT).mT, block.token_mixing(tokens.flip(1).mT).mT
    assert float((mixed_flipped - mixed.flip(1)).abs().max()) > 0.1


def test_every_parameter_gets_a_finite_nonzero_gradient(tiny_model: MlpMixer, random_pixels: BuildPixels) -> None:
    logits = tiny_model(random_pixels(tiny_model.config, dtype=torch.float32))
    logits.square().sum().backward()
    for name, parameter in tiny_model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("method", ["forward", "embed"])
def test_wrong_image_size_is_said_in_words(tiny_model: MlpMixer, method: str) -> None:
    with pytest.raises(ValueError, match=r"trained at 8 px.* S = 16 patches.* read 12 x 10 px .*Resize .* 8 x 8"):
        getattr(tiny_model, method)(torch.zeros(1, 3, 12, 10))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 8, 8, 3)])
def test_pixels_that_are_no_rgb_batch_raise_with_both_shapes(tiny_model: MlpMixer, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError) as caught:
        tiny_model(torch.zeros(shape))
    assert "(N, 3, 8, 8)" in str(caught.value)
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("tokens_mlp_dim", [1, 16, 40])
def test_token_mlp_width_is_free_of_the_number_of_tokens(
    tiny_config: MixerConfig, random_model: Build, random_pixels: BuildPixels, tokens_mlp_dim: int
) -> None:
    model = random_model(dataclasses.replace(tiny_config, tokens_mlp_dim=tokens_mlp_dim))
    assert model.blocks[0].token_mixing.fc1.weight.shape == (tokens_mlp_dim, 16)
    with torch.no_grad():
        logits = model(random_pixels(tiny_config))
    assert logits.shape == (3, 10)
    assert torch.isfinite(logits).all()
