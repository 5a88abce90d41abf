"""Maps, numbers and hidden activations of a trace, against the trace's own tensors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels

from mixer_viz.analysis.activations import layers
from mixer_viz.model import MixerConfig, trace
from tests.analysis.made_traces import made, made_wide


def test_maps_and_vectors_are_the_tokens_of_the_trace(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    norms, maps = layers.token_norms(one), layers.channel_maps(one, 4)
    vectors = layers.patch_vectors(one, 6)  # row 1, column 2
    assert (norms.shape, maps.shape, vectors.shape) == ((5, 4, 4), (5, 4, 4), (5, 6))
    assert (norms.dtype, maps.dtype, vectors.dtype) == (np.float64, np.float32, np.float32)
    by_stage = [one.embedding, *(t for b in one.blocks for t in (b.after_token_mixing, b.after_channel_mixing))]
    for stage, tokens in enumerate(by_stage):
        np.testing.assert_allclose(norms[stage].ravel(), tokens[0].norm(dim=1), rtol=1e-12)
        np.testing.assert_array_equal(maps[stage].ravel(), tokens[0, :, 4].float())
        np.testing.assert_array_equal(vectors[stage], tokens[0, 6].float())
        whole = layers.stage_maps(one, stage)
        assert whole.shape == (6, 4, 4)
        np.testing.assert_array_equal(whole[4], maps[stage])
        assert whole[3, 1, 2] == vectors[stage, 3]


def test_statistics_are_over_the_tokens(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    found = layers.channel_statistics(one, 3)
    tokens = one.blocks[1].after_token_mixing[0]
    assert found.stage == 3
    for name, expected in {
        "mean": tokens.mean(dim=0),
        "variance": tokens.var(dim=0, correction=0),
        "minimum": tokens.amin(dim=0),
        "maximum": tokens.amax(dim=0),
        "norm": tokens.norm(dim=0),
    }.items():
        values = getattr(found, name)
        assert values.shape == (6,)
        np.testing.assert_allclose(values, expected, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(found.norm**2, 16 * (found.variance + found.mean**2))


@pytest.mark.parametrize(("mixing", "shape"), [("token", (6, 5)), ("channel", (16, 7))])
@pytest.mark.parametrize("block", [0, 1])
def test_hidden_activations(tiny_config: MixerConfig, mixing: layers.Mixing, shape: tuple, block: int) -> None:
    _, one = made(tiny_config)
    found = layers.hidden_activations(one, block, mixing, num_strongest=4)
    traced = one.blocks[block]
    expected = (traced.tokens_hidden if mixing == "token" else traced.channels_hidden)[0].float().numpy()
    assert (found.block, found.mixing, found.values.shape) == (block, mixing, shape)
    np.testing.assert_array_equal(found.values, expected)
    assert 0 < found.active_share < 1
    assert found.active_share == sum(value > 0 for value in expected.ravel()) / expected.size
    assert len(found.strongest) == 4
    for entry in found.strongest:
        assert entry.value == expected[entry.row, entry.unit]
    assert [abs(entry.value) for entry in found.strongest] == sorted(np.abs(expected).ravel(), reverse=True)[:4]


def test_strongest_of_ties_zeros_and_negative_values(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    hidden = torch.zeros(1, 6, 5)
    hidden[0, 2, 1], hidden[0, 1, 4], hidden[0, 5, 0] = 3, 3, -0.1
    blocks = (dataclasses.replace(one.blocks[0], tokens_hidden=hidden), one.blocks[1])
    found = layers.hidden_activations(dataclasses.replace(one, blocks=blocks), 0, "token", 5)
    places = [(entry.row, entry.unit) for entry in found.strongest]
    assert places == [(1, 4), (2, 1), (5, 0), (0, 0), (0, 1)]
    assert found.strongest[2].value == pytest.approx(-0.1)
    assert found.active_share == pytest.approx(2 / 30)
    every = layers.hidden_activations(dataclasses.replace(one, blocks=blocks), 0, "token", 99).strongest
    assert len({(entry.row, entry.unit) for entry in every}) == 30


def test_results_are_copies(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config, torch.float32)
    kept = one.blocks[0].tokens_hidden.clone(), one.embedding.clone()
    layers.hidden_activations(one, 0, "token").values[:] = 99
    for array in (layers.channel_maps(one, 0), layers.stage_maps(one, 0), layers.patch_vectors(one, 0)):
        array[:] = 99
    assert torch.equal(one.blocks[0].tokens_hidden, kept[0])
    assert torch.equal(one.embedding, kept[1])


def test_sizes_of_b16() -> None:
    _, one = made_wide()
    assert layers.token_norms(one).shape == layers.channel_maps(one, 767).shape == (5, 14, 14)
    assert layers.patch_vectors(one, 195).shape == (5, 768)
    token, channel = (layers.hidden_activations(one, 1, mixing) for mixing in ("token", "channel"))
    assert (token.values.shape, channel.values.shape) == ((768, 384), (196, 3072))
    assert channel.strongest[0].value == pytest.approx(np.abs(channel.values).max())


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, one = made(tiny_config)
    with pytest.raises(ValueError, match="channel=6 is not between 0 and 5"):
        layers.channel_maps(one, 6)
    with pytest.raises(ValueError, match="token=16 is not between 0 and 15"):
        layers.patch_vectors(one, 16)
    for call in (layers.channel_statistics, layers.stage_maps):
        with pytest.raises(ValueError, match="stage=5 is not between 0 and 4"):
            call(one, 5)
    with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
        layers.hidden_activations(one, 2, "token")
    with pytest.raises(ValueError, match="mixing='spatial'"):
        layers.hidden_activations(one, 0, "spatial")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_strongest=0"):
        layers.hidden_activations(one, 0, "token", 0)
    several = trace(random_model(tiny_config), random_pixels(tiny_config, count=2))
    assert several.config == model.config
    for several_call in (
        lambda: layers.token_norms(several),
        lambda: layers.channel_maps(several, 0),
        lambda: layers.stage_maps(several, 0),
        lambda: layers.patch_vectors(several, 0),
        lambda: layers.channel_statistics(several, 0),
        lambda: layers.hidden_activations(several, 0, "channel"),
    ):
        with pytest.raises(ValueError, match="batch of 2"):
            several_call()
