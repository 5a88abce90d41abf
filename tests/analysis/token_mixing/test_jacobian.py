"""Token mixing's Jacobian against automatic differentiation and finite differences of the real branch, in float64."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left
from torch import Tensor

from mixer_viz.analysis.token_mixing import jacobian
from mixer_viz.model import MixerConfig, MlpMixer, Trace, trace

Branch = Callable[[Tensor], Tensor]


def made(config: MixerConfig, dtype: torch.dtype = torch.float64) -> tuple[MlpMixer, Trace]:
    model = random_model(config, dtype)
    return model, trace(model, random_pixels(config, dtype=dtype))


def after_norm(model: MlpMixer, index: int) -> Branch:  # (S, C) -> (S, C)
    return lambda normed: block_of(model, index).token_mixing(normed.mT).mT


def through_norm(model: MlpMixer, index: int) -> Branch:  # (S, C) -> (S, C)
    return lambda tokens: after_norm(model, index)(block_of(model, index).norm1(tokens))


def full(branch: Branch, at: Tensor) -> np.ndarray:  # (S, C, S, C)
    return torch.func.jacrev(branch)(at).detach().numpy()


@pytest.mark.parametrize("gelu", ["erf", "tanh"])
@pytest.mark.parametrize("block", [0, 1])
def test_both_matrices_equal_those_of_automatic_differentiation(
    tiny_config: MixerConfig, gelu: str, block: int
) -> None:
    model, traced = made(dataclasses.replace(tiny_config, gelu=gelu))
    found = jacobian.token_jacobian(model, traced, block)
    behind_norm = full(after_norm(model, block), traced.blocks[block].norm1[0])
    np.testing.assert_allclose(found.channel_mean, np.einsum("tcsc->ts", behind_norm) / 6, rtol=1e-10, atol=1e-13)
    through = full(through_norm(model, block), traced.blocks[block].tokens_in[0])
    np.testing.assert_allclose(found.norm, np.sqrt(np.einsum("tcsd,tcsd->ts", through, through)), rtol=1e-10)
    assert found.block == block
    assert found.channel_mean.dtype == found.norm.dtype == np.float64


def test_channels_do_not_mix_behind_the_norm_and_sum_to_nothing_through_it(tiny_config: MixerConfig) -> None:
    model, traced = made(tiny_config)
    behind_norm = full(after_norm(model, 0), traced.blocks[0].norm1[0])
    assert not behind_norm[:, ~np.eye(6, dtype=bool).reshape(6, 1, 6).repeat(16, axis=1)].any()
    through = full(through_norm(model, 0), traced.blocks[0].tokens_in[0])
    assert np.abs(through).max() > 0.1
    np.testing.assert_allclose(through.sum(axis=3), 0, atol=1e-13)


def test_both_matrices_equal_central_differences(tiny_config: MixerConfig) -> None:
    model, traced = made(tiny_config)
    step, normed, tokens = 1e-5, traced.blocks[1].norm1[0], traced.blocks[1].tokens_in[0]
    squares, means = np.zeros((16, 16)), np.zeros((16, 16))
    with torch.no_grad():
        for s, c in np.ndindex(16, 6):
            change = torch.zeros_like(tokens)
            change[s, c] = step
            slope = [
                ((branch(at + change) - branch(at - change)) / (2 * step)).numpy()  # (S, C)
                for branch, at in ((after_norm(model, 1), normed), (through_norm(model, 1), tokens))
            ]
            means[:, s] += slope[0][:, c] / 6
            squares[:, s] += (slope[1] ** 2).sum(axis=1)
    found = jacobian.token_jacobian(model, traced, 1)
    np.testing.assert_allclose(found.channel_mean, means, atol=1e-8)
    np.testing.assert_allclose(found.norm, np.sqrt(squares), atol=1e-7)


def test_where_gelu_is_the_identity_the_mean_is_w2_w1(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config)
    mlp = block_of(model, 0).token_mixing
    mlp.fc1.bias.data.fill_(1e3)  # far to the right gelu has slope 1 to the last bit
    traced = trace(model, random_pixels(tiny_config))
    product = (mlp.fc2.weight @ mlp.fc1.weight).detach().numpy()
    np.testing.assert_allclose(jacobian.token_jacobian(model, traced, 0).channel_mean, product, atol=1e-13)
    found = jacobian.jacobian_rows(model, traced, 5)
    np.testing.assert_allclose(found.image_in[0], found.static_in[0], atol=1e-13)
    np.testing.assert_allclose(found.image_out[0], found.static_out[0], atol=1e-13)


@pytest.mark.parametrize("token", [0, 5, 15])
def test_listening_is_a_row_and_a_column_of_the_whole(tiny_config: MixerConfig, token: int) -> None:
    model, traced = made(tiny_config)
    found = jacobian.jacobian_rows(model, traced, token)
    assert found.token == token
    for block in range(2):
        whole = jacobian.token_jacobian(model, traced, block)
        mlp = block_of(model, block).token_mixing
        static = (mlp.fc2.weight @ mlp.fc1.weight).detach().numpy()
        for name, matrix in (("static", static), ("image", whole.channel_mean), ("norm", whole.norm)):
            np.testing.assert_allclose(getattr(found, f"{name}_in")[block], matrix[token], rtol=1e-10, atol=1e-13)
            np.testing.assert_allclose(getattr(found, f"{name}_out")[block], matrix[:, token], rtol=1e-10, atol=1e-13)


def test_more_channels_than_are_taken_at_once(tiny_config: MixerConfig) -> None:
    config = dataclasses.replace(tiny_config, embed_dim=2 * jacobian.CHANNELS_AT_ONCE + 3, num_blocks=1)
    model, traced = made(config)
    through = full(through_norm(model, 0), traced.blocks[0].tokens_in[0])
    expected = np.sqrt(np.einsum("tcsd,tcsd->ts", through, through))
    np.testing.assert_allclose(jacobian.token_jacobian(model, traced, 0).norm, expected, rtol=1e-10)


@pytest.mark.parametrize("scale", [1, 1e5])  # at the larger one, rounding brings squared lengths below zero
def test_with_two_channels_the_norm_forgets_everything_but_eps(tiny_config: MixerConfig, scale: float) -> None:
    config = dataclasses.replace(tiny_config, embed_dim=2)
    model = random_model(config)
    traced = trace(model, random_pixels(config, scale=scale))
    norm = jacobian.token_jacobian(model, traced, 0).norm
    assert np.isfinite(norm).all()
    through = full(through_norm(model, 0), traced.blocks[0].tokens_in[0])
    np.testing.assert_allclose(norm, np.sqrt(np.einsum("tcsd,tcsd->ts", through, through)), atol=1e-7)


def test_float32_agrees_with_float64(tiny_config: MixerConfig) -> None:
    single, double = (made(tiny_config, dtype) for dtype in (torch.float32, torch.float64))
    for name in ("channel_mean", "norm"):
        low, high = (getattr(jacobian.token_jacobian(*pair, 1), name) for pair in (single, double))
        assert low.dtype == np.float64
        np.testing.assert_allclose(low, high, rtol=2e-3, atol=1e-4)


def test_threads_share_one_model_on_which_nothing_is_left(tiny_config: MixerConfig) -> None:
    model, traced = made(tiny_config)
    before = traces_left(model)
    alone = jacobian.token_jacobian(model, traced, 1).norm
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: jacobian.token_jacobian(model, traced, 1).norm, range(40)):
            np.testing.assert_allclose(found, alone, rtol=1e-12)
    assert traces_left(model) == before


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, traced = made(tiny_config)
    with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
        jacobian.token_jacobian(model, traced, 2)
    for token in (-1, 16):
        with pytest.raises(ValueError, match=f"token={token} is not between 0 and 15"):
            jacobian.jacobian_rows(model, traced, token)
    with pytest.raises(ValueError, match="one image at a time, got a batch of 3"):
        jacobian.token_jacobian(model, trace(model, random_pixels(tiny_config, count=3)), 0)
    other = random_model(dataclasses.replace(tiny_config, gelu="tanh"))
    with pytest.raises(ValueError, match="another model"):
        jacobian.token_jacobian(other, traced, 0)
