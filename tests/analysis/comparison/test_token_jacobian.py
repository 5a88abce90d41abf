"""The one definition of listening, for every mixer, against automatic differentiation of the real token mixer."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import traces_left
from torch import Tensor, nn

from mixer_viz.analysis.comparison import closed_forms
from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian, normalised_tokens
from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MetaFormerConfig
from mixer_viz.model.token_mixers import SelfAttention
from tests.model.made_metaformers import CHANNELS, GRID, TOKENS, config_of, random_images, random_network, with_sizes

NAMES = list(TOKEN_MIXERS)


def mixer_of(network: MetaFormer, block: int) -> nn.Module:
    return network.get_submodule(f"blocks.{block}.token_mixing")


def read_by(network: MetaFormer, pixels: Tensor, block: int) -> Tensor:
    """What the mixer gets in a real forward pass, (S, C)."""
    seen: list[Tensor] = []
    handle = mixer_of(network, block).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(pixels)
    handle.remove()
    return seen[0][0].detach()


def full(network: MetaFormer, pixels: Tensor, block: int) -> np.ndarray:  # (S, C, S, C)
    mixer = mixer_of(network, block)
    return torch.func.jacrev(lambda tokens: mixer(tokens[None])[0])(read_by(network, pixels, block)).detach().numpy()


@pytest.mark.parametrize("block", [0, 1])
@pytest.mark.parametrize(
    "config",
    [
        *map(config_of, NAMES),
        config_of("attention", num_heads=1),
        config_of("attention", num_heads=13),
        config_of("convolution", kernel_size=5),
        config_of("mlp", permutation="pixels"),
        with_sizes(config_of("mlp"), embed_dim=2 * closed_forms.CHANNELS_AT_ONCE, gelu="tanh"),
        with_sizes(config_of("nonlocal_shift"), embed_dim=12),
    ],
)
def test_it_is_the_jacobian_of_the_token_mixer_alone(config: MetaFormerConfig, block: int) -> None:
    network, pixels = random_network(config), random_images(1)
    found = metaformer_jacobian(network, pixels, block)
    expected = full(network, pixels, block)
    strength = np.sqrt(np.einsum("tcsd,tcsd->ts", expected, expected))
    assert strength.max() > 0.1
    tolerance = 1e-6 if config.token_mixer == "pooling" else 1e-11  # a mean of 9 is read off in float32
    np.testing.assert_allclose(found.strength, strength, rtol=tolerance, atol=tolerance)
    same = np.einsum("tcsc->ts", expected) / config.sizes.embed_dim
    np.testing.assert_allclose(found.same_channel, same, rtol=tolerance, atol=tolerance)
    assert (found.block, found.token_mixer) == (block, config.token_mixer)
    assert found.strength.dtype == found.share.dtype == found.same_channel.dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_the_strengths_with_rows_that_sum_to_one(name: str) -> None:
    found = metaformer_jacobian(random_network(config_of(name)), random_images(1), 1)
    np.testing.assert_allclose(found.share.sum(axis=1), 1)
    np.testing.assert_allclose(found.share * found.strength.sum(axis=1, keepdims=True), found.strength, atol=1e-15)


def test_a_mixer_that_passes_nothing_on_has_no_shares() -> None:
    network = random_network(config_of("convolution"))
    mixer_of(network, 0).get_parameter("weight").data.zero_()
    found = metaformer_jacobian(network, random_images(1), 0)
    for values in (found.strength, found.share, found.same_channel):
        np.testing.assert_array_equal(values, np.zeros((TOKENS, TOKENS)))


def test_without_mixing_every_token_hears_itself_alone() -> None:
    found = metaformer_jacobian(random_network(config_of("identity")), random_images(1), 0)
    np.testing.assert_array_equal(found.share, np.eye(TOKENS))
    np.testing.assert_array_equal(found.same_channel, np.eye(TOKENS))
    np.testing.assert_allclose(found.strength, np.sqrt(CHANNELS) * np.eye(TOKENS))


def test_pooling_less_the_token_subtracts_it_and_sums_to_nothing() -> None:
    found = metaformer_jacobian(random_network(config_of("pooling")), random_images(1), 0).same_channel
    neighbours = metaformer_jacobian(random_network(config_of("pooling")), random_images(1), 0).share > 0
    assert (np.diag(found) < 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-6)
    assert neighbours[GRID + 1].sum() == 9
    assert neighbours[0].sum() == 4


def test_attention_is_beside_it_and_is_not_the_same() -> None:
    network, pixels = random_network(config_of("attention")), random_images(1)
    mixer = mixer_of(network, 1)
    assert isinstance(mixer, SelfAttention)
    mixer.query_key_value.weight.data.mul_(2)  # queries and keys that matter
    found = metaformer_jacobian(network, pixels, 1)
    assert found.attention is not None
    expected = mixer.attention(read_by(network, pixels, 1)[None])[0].detach()
    np.testing.assert_allclose(found.attention, expected, atol=1e-12)
    assert found.attention.shape == (2, TOKENS, TOKENS)
    assert np.abs(found.attention.mean(axis=0) - found.share).max() > 0.05
    for name in set(NAMES) - {"attention"}:
        assert metaformer_jacobian(random_network(config_of(name)), pixels, 0).attention is None


def test_only_mlp_and_attention_hear_otherwise_in_another_image() -> None:
    first, second = random_images(2).split(1)
    for name in NAMES:
        network = random_network(config_of(name))
        change = metaformer_jacobian(network, first, 1).strength - metaformer_jacobian(network, second, 1).strength
        assert bool(np.abs(change).max() > 0.01) is (name in ("mlp", "attention")), name


@pytest.mark.parametrize("name", NAMES)
def test_float32_agrees_with_float64(name: str) -> None:
    network, pixels = random_network(config_of(name)), random_images(1)
    high = metaformer_jacobian(network, pixels, 1)
    low = metaformer_jacobian(network.float(), pixels.float(), 1)
    assert low.strength.dtype == np.float64
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())  # it worked on a copy
    for field in ("strength", "share", "same_channel"):
        np.testing.assert_allclose(getattr(low, field), getattr(high, field), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["mlp", "attention", "shift"])
def test_threads_share_one_network_on_which_nothing_is_left(name: str) -> None:
    network, pixels = random_network(config_of(name)), random_images(1)
    before, weights = traces_left(network), {key: value.clone() for key, value in network.state_dict().items()}
    alone = metaformer_jacobian(network, pixels, 1).strength
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: metaformer_jacobian(network, pixels, 1).strength, range(24)):
            np.testing.assert_allclose(found, alone, rtol=1e-12)
    assert traces_left(network) == before
    assert all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())
    frozen = random_network(config_of(name)).requires_grad_(False)  # as those that are loaded
    np.testing.assert_allclose(metaformer_jacobian(frozen, pixels, 1).strength, alone, rtol=1e-12)


def test_what_the_mixer_reads_is_behind_the_norm_of_its_block() -> None:
    network, pixels = random_network(config_of("mlp")), random_images(1)
    for block in range(2):
        torch.testing.assert_close(normalised_tokens(network, pixels, block), read_by(network, pixels, block))


def test_errors_name_what_is_wrong() -> None:
    network = random_network(config_of("shift"))
    for block in (-1, 2):
        with pytest.raises(ValueError, match=f"block={block} is not between 0 and 1"):
            metaformer_jacobian(network, random_images(1), block)
    with pytest.raises(ValueError, match="one image at a time, got a batch of 3"):
        metaformer_jacobian(network, random_images(3), 0)
    larger = dataclasses.replace(network.config, image_size=15)
    with pytest.raises(ValueError, match="Resize the image to 12 x 12"):
        metaformer_jacobian(network, random_images(1, sizes=larger), 0)
