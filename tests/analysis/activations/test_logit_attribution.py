"""The split of a logit: it closes, and each part is what a head without the other parts would read."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels, traces_left

from mixer_viz.analysis.activations import logit_attribution as analysis
from mixer_viz.analysis.activations.logit_lens import patch_logits
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.trace import branches_of, stages_of
from tests.analysis.made_traces import DTYPES, made, made_wide


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("target", range(10))
def test_the_sum_closes_on_the_logit(
    tiny_config: MixerConfig, dtype: torch.dtype, tolerance: float, target: int
) -> None:
    model, one = made(tiny_config, dtype)
    found = analysis.logit_attribution(model, one, target)
    assert (found.patch_parts.shape, found.parts.shape) == ((5, 16), (5,))
    assert found.stages == stages_of(tiny_config)
    assert found.target == target
    assert found.logit == float(one.logits[0, target])
    assert abs(found.total - found.logit) < tolerance
    assert found.total == pytest.approx(found.parts.sum() + found.constant)
    np.testing.assert_allclose(found.patch_parts.mean(axis=1), found.parts, rtol=1e-12)
    assert np.abs(found.parts).min() > 1e-4


def test_patches_close_on_their_own_logits(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    found = analysis.logit_attribution(model, one, 6)
    expected = patch_logits(model, one, 6).values[-1]
    np.testing.assert_allclose(found.patch_parts.sum(axis=0) + found.constant, expected, atol=1e-10)


def test_a_part_is_the_slope_of_the_linear_read_out_along_that_writer(tiny_config: MixerConfig) -> None:
    """With the deviation held, the logit is linear in the last tokens: gradient times writer, by autograd."""
    model, one = made(tiny_config)
    last = one.blocks[-1].after_channel_mixing.clone().requires_grad_()
    deviation = (last.detach().var(dim=2, correction=0, keepdim=True) + model.norm.eps).sqrt()
    normed = (last - last.mean(dim=2, keepdim=True)) / deviation * model.norm.weight + model.norm.bias
    logit = model.head(normed.mean(dim=1))[0, 2]
    assert logit.item() == pytest.approx(float(one.logits[0, 2]), abs=1e-10)
    gradient = torch.autograd.grad(logit, last)[0][0]
    found = analysis.logit_attribution(model, one, 2)
    for stage, tokens in enumerate([one.embedding, *(branch for branch, _ in branches_of(one))]):
        per_token = (gradient * tokens[0]).sum(dim=1).detach()
        np.testing.assert_allclose(found.patch_parts[stage] / 16, per_token, atol=1e-12)


def test_a_half_block_that_writes_nothing_has_no_part_and_the_constant_is_what_is_left(
    tiny_config: MixerConfig,
) -> None:
    model = random_model(tiny_config)
    torch.nn.init.zeros_(model.get_parameter("blocks.1.token_mixing.fc2.weight"))
    torch.nn.init.ones_(model.get_parameter("blocks.1.token_mixing.fc2.bias"))  # one value for all channels of a token
    pixels = random_pixels(tiny_config)
    found = analysis.logit_attribution(model, trace(model, pixels), 4)
    np.testing.assert_allclose(found.patch_parts[3], 0, atol=1e-14)
    torch.nn.init.zeros_(model.norm.weight)
    silent = analysis.logit_attribution(model, trace(model, pixels), 4)
    assert not silent.parts.any()
    assert silent.constant == pytest.approx(found.constant)
    assert silent.logit == pytest.approx(found.constant)


def test_it_closes_at_the_sizes_of_b16_in_float32() -> None:
    model, one = made_wide()
    target = int(one.logits.argmax())
    found = analysis.logit_attribution(model, one, target)
    assert found.patch_parts.shape == (5, 196)
    assert abs(found.logit) > 0.1
    assert abs(found.total - found.logit) < 1e-4


def test_the_model_is_only_read_and_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    before, kept = traces_left(model), one.embedding.clone()
    analysis.logit_attribution(model, one, 0)
    assert traces_left(model) == before
    assert torch.equal(one.embedding, kept)
    with pytest.raises(ValueError, match="target=-1 is not between 0 and 9"):
        analysis.logit_attribution(model, one, -1)
    with pytest.raises(ValueError, match="batch of 2"):
        analysis.logit_attribution(model, trace(model, random_pixels(tiny_config, count=2)), 0)
    other = random_model(dataclasses.replace(tiny_config, embed_dim=7))
    with pytest.raises(ValueError, match="another model"):
        analysis.logit_attribution(other, one, 0)
