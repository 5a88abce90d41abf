"""The chain of one value, term by term, against sums written as loops and against the trace."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left

from mixer_viz.analysis.activations import formula
from mixer_viz.model import MixerConfig, trace
from tests.analysis.made_traces import DTYPES, made, made_wide


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("gelu", ["erf", "tanh"])
@pytest.mark.parametrize(("block", "token", "channel"), [(0, 0, 0), (1, 15, 5), (1, 6, 2)])
def test_the_chain_ends_at_the_stored_activation(
    tiny_config: MixerConfig, dtype: torch.dtype, tolerance: float, gelu: str, block: int, token: int, channel: int
) -> None:
    model, one = made(dataclasses.replace(tiny_config, gelu=gelu), dtype)
    found = formula.token_mixing_formula(model, one, block, token, channel, 3)
    traced = one.blocks[block]
    assert (found.block, found.token, found.channel, found.unit) == (block, token, channel, 3)
    assert found.stored == float(traced.after_token_mixing[0, token, channel])
    assert found.difference == abs(found.result - found.stored)
    assert found.difference < tolerance
    assert found.skip == float(traced.tokens_in[0, token, channel])
    assert found.branch == pytest.approx(float(traced.token_branch[0, token, channel]), abs=tolerance)
    assert found.result == found.skip + found.branch
    np.testing.assert_allclose(found.normed, traced.norm1[0, :, channel], atol=tolerance)
    np.testing.assert_allclose(found.preactivations, traced.tokens_preactivation[0, channel], atol=tolerance)
    np.testing.assert_allclose(found.hiddens, traced.tokens_hidden[0, channel], atol=tolerance)


def test_terms_and_partial_sums(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    found = formula.token_mixing_formula(model, one, 1, 7, 4, 2)
    mlp = block_of(model, 1).token_mixing
    assert (len(found.products1), len(found.products2)) == (16, 5)
    total = 0.0
    for s in range(16):
        assert found.w1_row[s] == mlp.fc1.weight[2, s].item()
        assert found.products1[s] == found.w1_row[s] * found.normed[s]
        total += found.products1[s]
        assert found.partial_sums1[s] == pytest.approx(total, abs=1e-14)
    assert found.b1 == mlp.fc1.bias[2].item()
    assert found.preactivation == pytest.approx(total + found.b1)
    assert found.preactivation == pytest.approx(found.preactivations[2])
    z = found.preactivation
    assert found.hidden == pytest.approx(z * 0.5 * (1 + math.erf(z / math.sqrt(2))))
    assert found.hidden == found.hiddens[2]
    total = 0.0
    for u in range(5):
        assert found.w2_row[u] == mlp.fc2.weight[7, u].item()
        assert found.products2[u] == found.w2_row[u] * found.hiddens[u]
        total += found.products2[u]
        assert found.partial_sums2[u] == pytest.approx(total, abs=1e-14)
    assert found.b2 == mlp.fc2.bias[7].item()
    assert found.branch == pytest.approx(total + found.b2)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_layer_norm_of_one_token(tiny_config: MixerConfig, dtype: torch.dtype, tolerance: float) -> None:
    model, one = made(tiny_config, dtype)
    found = formula.layer_norm_step(model, one, 1, 11)
    values = one.blocks[1].tokens_in[0, 11].double()
    np.testing.assert_array_equal(found.values, values)
    assert (found.block, found.token, found.eps) == (1, 11, 1e-6)
    assert found.mean == pytest.approx(float(values.mean()))
    assert found.variance == pytest.approx(float(((values - values.mean()) ** 2).mean()))
    assert found.deviation == pytest.approx(math.sqrt(found.variance + 1e-6))
    norm = block_of(model, 1).norm1
    np.testing.assert_array_equal(found.scale, norm.weight.detach().double())
    np.testing.assert_array_equal(found.shift, norm.bias.detach().double())
    np.testing.assert_allclose(found.standardised, (values - found.mean) / found.deviation)
    np.testing.assert_array_equal(found.result, found.standardised * found.scale + found.shift)
    np.testing.assert_allclose(found.result, one.blocks[1].norm1[0, 11], atol=tolerance)
    assert found.difference < tolerance
    for channel in range(6):
        chain = formula.token_mixing_formula(model, one, 1, 0, channel, 0)
        assert chain.normed[11] == pytest.approx(found.result[channel], abs=1e-12)


def test_eps_counts_for_a_token_without_contrast(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    faint = one.blocks[0].tokens_in * 1e-4
    norm1 = block_of(model, 0).norm1(faint).detach()
    first = dataclasses.replace(one.blocks[0], tokens_in=faint, norm1=norm1)
    found = formula.layer_norm_step(model, dataclasses.replace(one, blocks=(first, one.blocks[1])), 0, 3)
    assert np.abs(found.standardised).max() < 1
    assert found.difference < 1e-12


def test_a_difference_is_found(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    block_of(model, 0).token_mixing.fc2.bias.data[4] += 0.5
    assert formula.token_mixing_formula(model, one, 0, 4, 1, 0).difference == pytest.approx(0.5)
    block_of(model, 0).norm1.bias.data[2] += 0.25
    assert formula.layer_norm_step(model, one, 0, 4).difference == pytest.approx(0.25)


def test_sizes_of_b16_in_float32() -> None:
    model, one = made_wide()
    for block, token, channel, unit in [(0, 0, 0, 0), (1, 195, 767, 383), (1, 100, 5, 17)]:
        found = formula.token_mixing_formula(model, one, block, token, channel, unit)
        assert (found.partial_sums1.shape, found.partial_sums2.shape) == ((196,), (384,))
        assert abs(found.branch) > 1e-4
        assert found.difference < 1e-4
    assert formula.layer_norm_step(model, one, 1, 195).difference < 1e-4


def test_the_model_and_the_trace_are_only_read(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    before, kept = traces_left(model), (one.embedding.clone(), model.blocks[0].norm1.weight.clone())
    step = formula.layer_norm_step(model, one, 0, 0)
    chain = formula.token_mixing_formula(model, one, 0, 0, 0, 0)
    for array in (step.values, step.scale, step.shift, chain.normed, chain.w1_row, chain.w2_row, chain.hiddens):
        array[:] = 99
    assert traces_left(model) == before
    assert torch.equal(one.embedding, kept[0])
    assert torch.equal(model.blocks[0].norm1.weight, kept[1])
    assert block_of(model, 0).token_mixing.fc1.weight.abs().max() < 10


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    for place, message in [
        ((2, 0, 0, 0), "block=2 is not between 0 and 1"),
        ((0, 16, 0, 0), "token=16 is not between 0 and 15"),
        ((0, 0, 6, 0), "channel=6 is not between 0 and 5"),
        ((0, 0, 0, -1), "unit=-1 is not between 0 and 4"),
    ]:
        with pytest.raises(ValueError, match=message):
            formula.token_mixing_formula(model, one, *place)
    with pytest.raises(ValueError, match="token=16 is not between 0 and 15"):
        formula.layer_norm_step(model, one, 0, 16)
    several = trace(model, random_pixels(tiny_config, count=2))
    other = random_model(dataclasses.replace(tiny_config, embed_dim=7))
    for call in (
        lambda used, traced: formula.token_mixing_formula(used, traced, 0, 0, 0, 0),
        lambda used, traced: formula.layer_norm_step(used, traced, 0, 0),
    ):
        with pytest.raises(ValueError, match="batch of 2"):
            call(model, several)
        with pytest.raises(ValueError, match="another model"):
            call(other, one)
