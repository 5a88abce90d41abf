"""Every number that the formula view follows ends at what the network's own pass has stored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.activations import any_number
from mixer_viz.model import MixerConfig, MlpMixer, Trace

EXACT = 1e-5  # float32 against float64


@pytest.fixture
def made(tiny_config: MixerConfig) -> tuple[MlpMixer, Trace]:
    torch.manual_seed(3)
    model = MlpMixer(tiny_config).eval()
    for parameter in model.parameters():  # the head starts at zero, LayerNorms at one
        torch.nn.init.normal_(parameter, std=0.5)
    pixels = torch.randn(1, 3, *tiny_config.image_shape)
    return model, mv.trace(model, pixels)


def test_sums_end_at_the_stored_numbers(made: tuple[MlpMixer, Trace]) -> None:
    model, trace = made
    config = model.config
    for token in range(config.num_patches):
        for channel in range(config.embed_dim):
            embedding = any_number.embedding_number(model, trace, token, channel)
            assert embedding.stored == float(trace.embedding[0, token, channel])
            assert embedding.difference < EXACT
            mixed = any_number.channel_mixing_number(model, trace, 1, token, channel, 2)
            assert mixed.second.stored == float(trace.blocks[1].after_channel_mixing[0, token, channel])
            assert max(mixed.first.difference, mixed.second.difference, mixed.norm.difference) < EXACT
    for channel in range(config.embed_dim):
        assert any_number.pooled_number(model, trace, channel).difference < EXACT
    for target in range(config.num_classes):
        assert any_number.logit_number(model, trace, target).difference < EXACT
        assert any_number.softmax_number(trace, target).difference < 1e-12


@pytest.mark.parametrize("which", ["token_mixing", "channel_mixing", "last"])
def test_every_layer_norm_ends_at_the_stored_token(made: tuple[MlpMixer, Trace], which: any_number.Norm) -> None:
    model, trace = made
    stored = {"token_mixing": trace.blocks[1].norm1, "channel_mixing": trace.blocks[1].norm2, "last": trace.norm}
    step = any_number.layer_norm_number(model, trace, which, 1, 3)
    np.testing.assert_allclose(step.result, stored[which][0, 3].numpy(), atol=EXACT)


def test_the_terms_are_those_of_the_sum(made: tuple[MlpMixer, Trace]) -> None:
    step = any_number.logit_number(*made, 4)
    np.testing.assert_allclose(step.partial_sums, np.cumsum(step.weights * step.values))
    assert step.result == pytest.approx(step.partial_sums[-1] + step.bias)


def test_a_single_output_has_its_sigmoid(make_single: MlpMixer) -> None:
    trace = mv.trace(make_single, torch.randn(1, 3, *make_single.config.image_shape))
    step = any_number.softmax_number(trace, 0)
    assert step.result == pytest.approx(float(trace.logits[0, 0].double().sigmoid()))


@pytest.fixture
def make_single(tiny_config: MixerConfig) -> MlpMixer:
    import dataclasses

    torch.manual_seed(1)
    return MlpMixer(dataclasses.replace(tiny_config, num_classes=1, class_names=None)).eval()


def test_what_is_not_there_is_told(made: tuple[MlpMixer, Trace]) -> None:
    model, trace = made
    with pytest.raises(ValueError, match="class=10"):
        any_number.logit_number(model, trace, 10)
    with pytest.raises(ValueError, match="unit=-1"):
        any_number.channel_mixing_number(model, trace, 0, 0, 0, -1)
    with pytest.raises(ValueError, match="token="):
        any_number.embedding_number(model, trace, 10**6, 0)
