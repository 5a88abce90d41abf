"""Branches against the streams they are added to: laws of lengths and angles, and streams made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels

from mixer_viz.analysis import overview
from mixer_viz.analysis.activations import residual_stream
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.trace import stages_of, streams_of
from tests.analysis.made_traces import made, made_wide


def test_lengths_before_and_after_follow_from_ratio_and_cosine(tiny_config: MixerConfig) -> None:
    """Law of cosines: |x + b|^2 = |x|^2 (1 + r^2 + 2 r cos)."""
    _, one = made(tiny_config)
    found = residual_stream.residual_stream(one)
    assert found.token_ratio.shape == found.token_cosine.shape == (5, 16)
    streams = np.stack([tokens[0].numpy() for tokens in streams_of(one)])
    squares = (streams**2).sum(axis=2)  # (T, S)
    growth = 1 + found.token_ratio**2 + 2 * found.token_ratio * found.token_cosine
    np.testing.assert_allclose(squares[1:], squares[:-1] * growth[1:], rtol=1e-10)
    growth = 1 + found.ratio**2 + 2 * found.ratio * found.cosine
    np.testing.assert_allclose(squares.sum(axis=1)[1:], squares.sum(axis=1)[:-1] * growth[1:], rtol=1e-10)
    assert np.ptp(found.cosine[1:]) > 0.01


def test_the_embedding_has_no_branch(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    found = residual_stream.residual_stream(one)
    for curve in (found.ratio, found.cosine, found.token_ratio, found.token_cosine):
        assert np.isnan(curve[0]).all()
        assert np.isfinite(curve[1:]).all()
    assert found.stages == stages_of(tiny_config)
    np.testing.assert_array_equal(found.ratio, overview.overview_of(one).branch_ratio)


def test_a_branch_along_against_and_across(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    stream = torch.zeros(1, 16, 6, dtype=torch.float64)
    stream[..., 0] = 4
    branch = torch.zeros_like(stream)
    branch[:, 0, 0], branch[:, 1, 0], branch[:, 2, 3], branch[:, 3, :2] = 8, -2, 4, 4
    stream[:, 15] = 0
    branch[:, 15, 2] = 1
    first = dataclasses.replace(one.blocks[0], tokens_in=stream, token_branch=branch)
    found = residual_stream.residual_stream(dataclasses.replace(one, blocks=(first, one.blocks[1])))
    np.testing.assert_allclose(found.token_cosine[1, :5], [1, -1, 0, np.sqrt(0.5), 0], atol=1e-15)
    np.testing.assert_allclose(found.token_ratio[1, :5], [2, 0.5, 1, np.sqrt(2), 0])
    assert found.token_cosine[1, 15] == 0
    assert np.isnan(found.token_ratio[1, 15])
    expected = (32 - 8 + 16) / np.sqrt(15 * 16) / np.sqrt(64 + 4 + 16 + 32 + 1)
    assert found.cosine[1] == pytest.approx(expected)


def test_sizes_of_b16_and_several_images(tiny_config: MixerConfig) -> None:
    _, one = made_wide()
    found = residual_stream.residual_stream(one)
    assert found.token_cosine.shape == (5, 196)
    branch, stream = one.blocks[1].channel_branch[0].flatten(), one.blocks[1].after_token_mixing[0].flatten()
    assert found.cosine[4] == pytest.approx(float(torch.cosine_similarity(branch, stream, dim=0)), abs=1e-5)
    with pytest.raises(ValueError, match="batch of 2"):
        residual_stream.residual_stream(trace(random_model(tiny_config), random_pixels(tiny_config, count=2)))
