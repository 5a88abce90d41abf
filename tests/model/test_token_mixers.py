"""Every token mixer against another way to compute the same: torch's own layers, explicit loops, dense matrices."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mixer_viz.model import TOKEN_MIXERS, MixerBlock, mixing_matrices
from mixer_viz.model.token_mixers import (
    AveragePooling,
    DepthwiseConvolution,
    NonLocalShift,
    SelfAttention,
    SpatialShift,
    TokenMlp,
)
from tests.model.made_metaformers import CHANNELS, GRID, SIZES, TOKENS, config_of, random_network, random_tokens

FIXED = [name for name, mixer in TOKEN_MIXERS.items() if mixer.fixed_matrices]
MOVING = CHANNELS // 12  # channels that a spatial shift moves each way


def mixer_of(name: str, **changes: int) -> nn.Module:
    mixer = random_network(config_of(name, **changes)).blocks[0].token_mixing
    assert isinstance(mixer, nn.Module)
    return mixer


def grid_of(tokens: Tensor) -> Tensor:
    """(N, S, C) -> (N, C, rows, columns), copied token by token."""
    grid = torch.empty(len(tokens), CHANNELS, GRID, GRID, dtype=tokens.dtype)
    for token in range(TOKENS):
        grid[:, :, token // GRID, token % GRID] = tokens[:, token]
    return grid


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)
    assert float(expected.abs().max()) > 0.1


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_a_mixer_keeps_the_shape_and_every_image_to_itself(name: str) -> None:
    mixer, tokens = mixer_of(name), random_tokens()
    with torch.no_grad():
        mixed = mixer(tokens)
        assert mixed.shape == tokens.shape
        torch.testing.assert_close(mixer(tokens[1:2]), mixed[1:2], rtol=0, atol=1e-12)


def test_the_mlp_is_the_token_mixing_of_a_mixer_block() -> None:
    block = MixerBlock(SIZES).double()
    mixer = TokenMlp(TOKENS, SIZES.tokens_mlp_dim, SIZES.gelu).double()
    mixer.load_state_dict(block.token_mixing.state_dict())
    tokens = random_tokens()
    with torch.no_grad():
        assert torch.equal(mixer(tokens), block.token_mixing(tokens.mT).mT)


def test_attention_equals_torchs_multihead_attention() -> None:
    mixer, tokens = mixer_of("attention"), random_tokens()
    assert isinstance(mixer, SelfAttention)
    theirs = nn.MultiheadAttention(CHANNELS, mixer.num_heads, batch_first=True).double()
    ours = mixer.state_dict()
    theirs.load_state_dict(
        {
            "in_proj_weight": ours["query_key_value.weight"],
            "in_proj_bias": ours["query_key_value.bias"],
            "out_proj.weight": ours["projection.weight"],
            "out_proj.bias": ours["projection.bias"],
        }
    )
    with torch.no_grad():
        mixed, weights = theirs(tokens, tokens, tokens, average_attn_weights=False)
        close(mixer(tokens), mixed)
        close(mixer.attention(tokens), weights)


def test_attention_weights_put_the_values_together() -> None:
    mixer, tokens = mixer_of("attention"), random_tokens()
    assert isinstance(mixer, SelfAttention)
    with torch.no_grad():
        attention = mixer.attention(tokens)  # (N, heads, S, S)
        value = mixer.query_key_value(tokens)[..., 2 * CHANNELS :].unflatten(2, (mixer.num_heads, -1))
        mixed = torch.einsum("nhts,nshd->nthd", attention, value).flatten(2)
        close(mixer(tokens), mixer.projection(mixed))
        query, key, value = mixer.query_key_value(tokens).unflatten(2, (3, mixer.num_heads, -1)).permute(2, 0, 3, 1, 4)
        fused = F.scaled_dot_product_attention(query, key, value)
        close(mixed.unflatten(2, (mixer.num_heads, -1)).transpose(1, 2), fused)
    close(attention.sum(-1), torch.ones(len(tokens), mixer.num_heads, TOKENS, dtype=torch.float64))


def test_attention_depends_on_the_image_and_not_on_the_order_of_the_tokens() -> None:
    mixer, tokens = mixer_of("attention"), random_tokens()
    assert isinstance(mixer, SelfAttention)
    with torch.no_grad():
        first, second = mixer.attention(tokens)[:2]
        close(mixer(tokens.flip(1)), mixer(tokens).flip(1))
    assert float((first - second).abs().max()) > 0.1


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_convolution_equals_torchs_with_zero_padding(kernel_size: int) -> None:
    mixer, tokens = mixer_of("convolution", kernel_size=kernel_size), random_tokens()
    assert isinstance(mixer, DepthwiseConvolution)
    padded = F.pad(grid_of(tokens), (kernel_size // 2,) * 4)
    with torch.no_grad():
        expected = F.conv2d(padded, mixer.weight, mixer.bias, groups=CHANNELS)
        close(grid_of(mixer(tokens)), expected)


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_pooling_is_the_mean_around_a_token_less_the_token(kernel_size: int) -> None:
    mixer, tokens = AveragePooling(kernel_size, GRID), random_tokens()
    grid, reach = grid_of(tokens), kernel_size // 2
    expected = torch.empty_like(grid)
    for y in range(GRID):
        for x in range(GRID):
            around = grid[:, :, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
            expected[:, :, y, x] = around.mean(dim=(2, 3)) - grid[:, :, y, x]
    close(grid_of(mixer(tokens)), expected)
    close(expected + grid, F.avg_pool2d(grid, kernel_size, 1, reach, count_include_pad=False))


def test_spatial_shift_moves_four_groups_and_leaves_the_rest() -> None:
    tokens = random_tokens()
    grid, moved = grid_of(tokens), grid_of(SpatialShift(CHANNELS, GRID)(tokens))
    # Where a channel's values come from, seen from the token that gets them: right, left, below, above, itself.
    sources = [(0, 1)] * MOVING + [(0, -1)] * MOVING + [(1, 0)] * MOVING + [(-1, 0)] * MOVING
    for channel, (dy, dx) in enumerate(sources + [(0, 0)] * (CHANNELS - 4 * MOVING)):
        for y in range(GRID):
            for x in range(GRID):
                inside = 0 <= y + dy < GRID and 0 <= x + dx < GRID
                expected = grid[:, channel, y + dy, x + dx] if inside else torch.zeros(len(tokens)).double()
                assert torch.equal(moved[:, channel, y, x], expected), (channel, y, x)


@pytest.mark.parametrize("channels", [CHANNELS, TOKENS - 4])  # more of them than tokens, and fewer
def test_non_local_shift_takes_channel_c_of_token_t_from_token_t_plus_c(channels: int) -> None:
    tokens = random_tokens(channels=channels)
    mixed = NonLocalShift()(tokens)
    for token in range(TOKENS):
        for channel in range(channels):
            assert torch.equal(mixed[:, token, channel], tokens[:, (token + channel) % TOKENS, channel])


@pytest.mark.parametrize("name", FIXED)
def test_the_matrices_say_all_of_a_fixed_mixer(name: str) -> None:
    mixer, tokens = mixer_of(name), random_tokens()
    matrices = mixing_matrices(mixer, TOKENS, CHANNELS)
    assert matrices.shape == (CHANNELS, TOKENS, TOKENS)
    with torch.no_grad():
        bias = mixer(torch.zeros_like(tokens))
        expected = torch.einsum("cts,nsc->ntc", matrices.double(), tokens) + bias
        torch.testing.assert_close(mixer(tokens), expected, rtol=0, atol=1e-6)  # those without weights are in float32


def test_non_local_shift_is_a_permutation_of_the_tokens_in_every_channel() -> None:
    matrices = mixing_matrices(NonLocalShift(), TOKENS, CHANNELS)
    assert set(matrices.unique().tolist()) == {0.0, 1.0}
    assert matrices.sum(1).eq(1).all() and matrices.sum(2).eq(1).all()
    assert torch.equal(matrices[0], torch.eye(TOKENS))
    assert torch.equal(matrices[1], torch.eye(TOKENS).roll(1, 1))  # token t takes of token t + 1
    assert torch.equal(matrices[TOKENS], matrices[0])


def test_spatial_shift_loses_what_goes_over_the_border_and_gets_zeros() -> None:
    matrices = mixing_matrices(SpatialShift(CHANNELS, GRID), TOKENS, CHANNELS)
    assert set(matrices.unique().tolist()) == {0.0, 1.0}
    for channel in range(4 * MOVING):
        assert matrices[channel].sum() == GRID * (GRID - 1)
        assert matrices[channel].trace() == 0
    assert matrices[4 * MOVING :].eq(torch.eye(TOKENS)).all()
    left = matrices[0].sum(1).reshape(GRID, GRID)  # which tokens get anything when all moves left
    assert torch.equal(left, torch.tensor([1.0] * (GRID - 1) + [0.0]).expand(GRID, GRID))


def test_the_matrix_of_a_convolution_holds_its_filter_around_the_diagonal() -> None:
    mixer = mixer_of("convolution")
    assert isinstance(mixer, DepthwiseConvolution)
    matrices = mixing_matrices(mixer, TOKENS, CHANNELS)
    middle = GRID + 1  # second row, second column
    around = matrices[:, middle].reshape(CHANNELS, GRID, GRID)[:, :3, :3]
    close(around, mixer.weight[:, 0].detach())


@pytest.mark.parametrize("name", ["mlp", "attention"])
def test_a_mixer_that_is_no_fixed_map_has_no_matrices(name: str) -> None:
    with pytest.raises(ValueError, match="no fixed linear map"):
        mixing_matrices(mixer_of(name), TOKENS, CHANNELS)
