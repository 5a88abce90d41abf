"""Effects of channels against the slopes of real passes with the channel scaled."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels, traces_left

from mixer_viz.analysis.activations.logit_attribution import channel_effects
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.half_blocks import half_blocks, logits_from, tokens_at
from mixer_viz.model.trace import streams_of
from tests.analysis.made_traces import made, made_wide


@pytest.mark.parametrize("stage", range(5))
def test_effects_are_the_slopes_of_real_passes(tiny_config: MixerConfig, stage: int) -> None:
    model, one = made(tiny_config)
    found = channel_effects(model, one, stage, 7)
    assert found.shape == (6,)
    assert found.dtype == np.float64
    assert np.abs(found).max() > 1e-2
    for channel in range(6):
        scaled = []
        for factor in (1 - 1e-4, 1 + 1e-4):
            tokens = streams_of(one)[stage].clone()
            tokens[..., channel] *= factor
            for index, half in enumerate(half_blocks(model)):
                if index >= stage:
                    tokens = tokens + half.branch(half.hidden(tokens))
            scaled.append(model.head(model.norm(tokens).mean(dim=1))[0, 7].item())
        assert (scaled[1] - scaled[0]) / 2e-4 == pytest.approx(found[channel], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_walk_is_the_network_at_every_stage(tiny_config: MixerConfig, dtype: torch.dtype) -> None:
    model, one = made(tiny_config, dtype)
    for stage, tokens in enumerate(streams_of(one)):
        assert torch.equal(tokens_at(model, one.pixels, stage), tokens)
        assert torch.equal(logits_from(model, tokens, stage), one.logits)


def test_threads_leave_nothing_on_model_or_trace(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    before = traces_left(model)
    alone = [channel_effects(model, one, stage % 5, stage % 10) for stage in range(20)]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(
            pool.map(lambda k: channel_effects(model, one, k % 5, k % 10), range(20)), alone, strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert traces_left(model) == before
    assert not any(tokens.requires_grad for tokens in streams_of(one))


def test_sizes_of_b16() -> None:
    model, one = made_wide()
    found = channel_effects(model, one, 1, 999)
    assert found.shape == (768,)
    assert np.abs(found).max() > 0


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    with pytest.raises(ValueError, match="stage=5 is not between 0 and 4"):
        channel_effects(model, one, 5, 0)
    with pytest.raises(ValueError, match="target=10 is not between 0 and 9"):
        channel_effects(model, one, 0, 10)
    with pytest.raises(ValueError, match="batch of 2"):
        channel_effects(model, trace(model, random_pixels(tiny_config, count=2)), 0, 0)
    with pytest.raises(ValueError, match="another model"):
        channel_effects(random_model(dataclasses.replace(tiny_config, embed_dim=7)), one, 0, 0)
