"""Prediction at depth: shallower networks that really end at a stage, and patch logits that average to the logit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels, traces_left

from mixer_viz.analysis.activations import logit_lens
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.trace import stages_of, streams_of
from tests.analysis.made_traces import DTYPES, made, made_wide


def test_every_row_is_a_network_cut_off_there(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    found = logit_lens.logit_lens(model, one)
    assert found.stages == stages_of(tiny_config)
    assert found.logits.shape == found.probabilities.shape == (5, 10)
    for stage in (0, 2, 4):  # before the first block, and after each
        short = random_model(tiny_config)
        short.blocks = short.blocks[: stage // 2]
        expected = short(one.pixels)[0].detach()
        np.testing.assert_allclose(found.logits[stage], expected, rtol=1e-12)
        np.testing.assert_allclose(found.probabilities[stage], expected.softmax(dim=0), rtol=1e-12)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert np.ptp(found.logits, axis=0).min() > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_last_row_is_the_answer_itself(tiny_config: MixerConfig, dtype: torch.dtype) -> None:
    model, one = made(tiny_config, dtype)
    np.testing.assert_allclose(logit_lens.logit_lens(model, one).logits[-1], one.logits[0], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("target", [0, 9])
def test_patch_logits_average_to_the_logit(
    tiny_config: MixerConfig, dtype: torch.dtype, tolerance: float, target: int
) -> None:
    model, one = made(tiny_config, dtype)
    found = logit_lens.patch_logits(model, one, target)
    assert found.values.shape == (5, 16)
    assert found.target == target
    assert found.logit == float(one.logits[0, target])
    assert found.last_mean == pytest.approx(found.values[-1].mean())
    assert abs(found.last_mean - found.logit) < tolerance
    assert found.values[-1].std() > 0.1  # patches differ, only their mean is the logit
    deep = logit_lens.logit_lens(model, one)
    np.testing.assert_allclose(found.values.mean(axis=1), deep.logits[:, target], atol=tolerance)


def test_a_patch_logit_is_the_head_on_that_token_alone(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    found = logit_lens.patch_logits(model, one, 3)
    for stage, tokens in enumerate(streams_of(one)):
        expected = model.head(model.norm(tokens[0]))[:, 3].detach()
        np.testing.assert_allclose(found.values[stage], expected, rtol=1e-10)


def test_sizes_of_b16() -> None:
    model, one = made_wide()
    found = logit_lens.patch_logits(model, one, 999)
    assert found.values.shape == (5, 196)
    assert abs(found.last_mean - found.logit) < 1e-4
    assert logit_lens.logit_lens(model, one).probabilities.shape == (5, 1000)


def test_the_model_is_only_read_and_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    before = traces_left(model)
    logit_lens.logit_lens(model, one)
    logit_lens.patch_logits(model, one, 0)
    assert traces_left(model) == before
    with pytest.raises(ValueError, match="target=10 is not between 0 and 9"):
        logit_lens.patch_logits(model, one, 10)
    several = trace(model, random_pixels(tiny_config, count=2))
    other = random_model(dataclasses.replace(tiny_config, embed_dim=7))
    for call in (
        lambda used, traced: logit_lens.patch_logits(used, traced, 0),
        logit_lens.logit_lens,
    ):
        with pytest.raises(ValueError, match="batch of 2"):
            call(model, several)
        with pytest.raises(ValueError, match="another model"):
            call(other, one)
