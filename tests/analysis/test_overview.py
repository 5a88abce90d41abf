"""The overview of one image: values that equal the trace, and colours that mean what they say."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from mixer_viz.analysis import overview as analysis
from mixer_viz.model import MixerConfig, MlpMixer, Trace, trace
from mixer_viz.model.trace import stages_of


def traced(model: MlpMixer, num_images: int = 1) -> Trace:
    return trace(model, torch.randn(num_images, 3, 8, 8, generator=torch.Generator().manual_seed(5)))


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)


def random_rotation(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


def test_stages_are_named_for_people_and_indexed_for_code(tiny_config: MixerConfig) -> None:
    stages = stages_of(tiny_config)
    assert [(stage.index, stage.name, stage.block) for stage in stages] == [
        (0, "embedding", None),
        (1, "block 1 token mixing", 0),
        (2, "block 1 channel mixing", 0),
        (3, "block 2 token mixing", 1),
        (4, "block 2 channel mixing", 1),
    ]


def test_values_are_those_of_the_trace(tiny_model: MlpMixer) -> None:
    one = traced(tiny_model)
    result = analysis.overview_of(one)
    assert result.stages == stages_of(tiny_model.config)
    np.testing.assert_array_equal(result.embedding, one.embedding[0].numpy())
    np.testing.assert_array_equal(result.pooled, one.pooled[0].numpy())
    assert result.token_norm.shape == (5, 4, 4)
    for stage, tokens in [
        (0, one.embedding),
        (3, one.blocks[1].after_token_mixing),
        (4, one.blocks[1].after_channel_mixing),
    ]:
        np.testing.assert_allclose(result.token_norm[stage].ravel(), tokens[0].norm(dim=1).numpy(), rtol=1e-6)
    assert np.isnan(result.branch_ratio[0])
    token = [block.token_branch.norm() / block.tokens_in.norm() for block in one.blocks]
    channel = [block.channel_branch.norm() / block.after_token_mixing.norm() for block in one.blocks]
    expected = [token[0], channel[0], token[1], channel[1]]
    np.testing.assert_allclose(result.branch_ratio[1:], expected, rtol=1e-5)


def test_results_are_copies(tiny_model: MlpMixer) -> None:
    one = traced(tiny_model)
    before = one.embedding.clone(), one.pooled.clone(), one.logits.clone()
    result = analysis.overview_of(one)
    for array in (result.embedding, result.pooled, result.top_logits):
        array[:] = 99
    for tensor, kept in zip((one.embedding, one.pooled, one.logits), before, strict=True):
        assert torch.equal(tensor, kept)


def test_top_classes(tiny_model: MlpMixer) -> None:
    one = traced(tiny_model)
    result = analysis.overview_of(one, num_top=3)
    best = one.logits[0].double().softmax(0).topk(3)
    assert result.top_classes.tolist() == best.indices.tolist()
    np.testing.assert_allclose(result.top_probabilities, best.values.numpy(), rtol=1e-12)
    np.testing.assert_array_equal(result.top_logits, one.logits[0][best.indices].numpy())
    every = analysis.overview_of(one, num_top=99).top_probabilities
    assert (len(every), every.sum()) == (10, pytest.approx(1))
    large = analysis.overview_of(dataclasses.replace(one, logits=one.logits * 1e6))
    assert large.top_probabilities[0] == 1
    with pytest.raises(ValueError, match="num_top=0"):
        analysis.overview_of(one, num_top=0)


def test_one_image_only(tiny_model: MlpMixer) -> None:
    with pytest.raises(ValueError, match="batch of 2"):
        analysis.overview_of(traced(tiny_model, 2))


def test_colours_are_the_scores_up_to_scale_and_clipping(tiny_model: MlpMixer) -> None:
    one = traced(tiny_model)
    result = analysis.overview_of(one)
    assert result.colours.shape == (5, 4, 4, 3)
    assert result.colours.min() >= 0
    assert result.colours.max() <= 1
    tokens = one.blocks[0].after_token_mixing[0].double().numpy()
    first, _ = analysis.principal_scores(one.embedding[0].double().numpy())
    scores, share = analysis.principal_scores(tokens)
    scores = analysis.align_scores(scores, first)
    expected = np.clip(0.5 + scores / (2 * result.colour_limit[1]), 0, 1)
    np.testing.assert_allclose(result.colours[1].reshape(-1, 3), expected, atol=1e-6)
    assert result.explained_variance[1] == pytest.approx(share)
    assert (np.abs(scores) > result.colour_limit[1]).mean() <= 0.025


def test_scores_keep_the_distances_of_three_dimensional_tokens() -> None:
    tokens = np.random.default_rng(0).normal(size=(20, 3)) @ np.random.default_rng(1).normal(size=(3, 9)) + 4
    scores, explained = analysis.principal_scores(tokens)
    np.testing.assert_allclose(distances(scores), distances(tokens))
    assert explained == pytest.approx(1)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-12)
    spread = scores.var(axis=0)
    assert spread[0] > spread[1] > spread[2]


def test_explained_variance_is_a_share() -> None:
    tokens = np.random.default_rng(0).normal(size=(30, 8))
    variance = np.sort(np.linalg.eigvalsh(np.cov(tokens.T)))[::-1]
    assert analysis.principal_scores(tokens)[1] == pytest.approx(variance[:3].sum() / variance.sum())


@pytest.mark.parametrize("seed", range(4))
def test_alignment_undoes_rotation_and_mirror(seed: int) -> None:
    scores = np.random.default_rng(0).normal(size=(20, 3)) * [5, 2, 1]
    turned = 7 * scores @ random_rotation(seed) @ np.diag([1, -1, 1])
    np.testing.assert_allclose(analysis.align_scores(turned, scores), 7 * scores)


def with_streams(one: Trace, streams: list[np.ndarray]) -> Trace:
    """A trace whose tokens at the five stages of the tiny model are these (S, C) arrays."""
    tensors = [torch.from_numpy(tokens).float()[None] for tokens in streams]
    blocks = tuple(
        dataclasses.replace(block, after_token_mixing=tensors[2 * i + 1], after_channel_mixing=tensors[2 * i + 2])
        for i, block in enumerate(one.blocks)
    )
    return dataclasses.replace(one, embedding=tensors[0], blocks=blocks)


def test_colours_do_not_jump_when_only_the_directions_turn(tiny_model: MlpMixer) -> None:
    tokens = np.random.default_rng(0).normal(size=(16, 6)) * [5, 4.9, 4.8, 0.1, 0.1, 0.1]
    flat = np.ones((16, 6))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    streams = [tokens, tokens @ turn, flat, -3 * tokens, tokens + 8]
    result = analysis.overview_of(with_streams(traced(tiny_model), streams))
    for stage in (1, 3, 4):
        np.testing.assert_allclose(result.colours[stage], result.colours[0], atol=1e-5)
    assert (result.colours[2] == 0.5).all()
    assert result.explained_variance[2] == 0


def test_colours_stay_when_the_components_change_places(tiny_model: MlpMixer) -> None:
    patterns = np.random.default_rng(0).normal(size=(16, 3))
    patterns = np.linalg.qr(patterns - patterns.mean(axis=0))[0]  # centred and orthogonal
    weights = [[5, 4, 3], [3, 4, 5], [4, 5, 3], [5, 3, 4], [3, 5, 4]]  # each stage has another leading one
    streams = [np.pad(patterns * weight, ((0, 0), (0, 3))) for weight in weights]
    colours = analysis.overview_of(with_streams(traced(tiny_model), streams)).colours.reshape(5, 16, 3)
    for before, after in itertools.pairwise(colours):
        for colour in range(3):
            assert np.corrcoef(before[:, colour], after[:, colour])[0, 1] > 0.9
    unaligned = [analysis.principal_scores(tokens)[0] for tokens in streams[:2]]
    assert abs(np.corrcoef(unaligned[0][:, 0], unaligned[1][:, 0])[0, 1]) < 0.1


def test_a_constant_image_has_one_colour_before_token_mixing(tiny_model: MlpMixer) -> None:
    result = analysis.overview_of(trace(tiny_model, torch.full((1, 3, 8, 8), 0.37)))
    assert (result.colours[0] == 0.5).all()
    assert result.colour_limit[0] == result.explained_variance[0] == 0
    np.testing.assert_allclose(result.token_norm[0], result.token_norm[0, 0, 0], rtol=1e-6)
    assert result.colours[1].std() > 0.05  # W2 tells the places apart, though the patches are alike


def test_fewer_than_three_directions() -> None:
    line = np.linspace(-1, 2, 16)[:, None] * np.ones(6) + 3
    scores, explained = analysis.principal_scores(line)
    assert scores[:, 0].std() > 1
    assert not scores[:, 1:].any()
    assert explained == pytest.approx(1)
    assert scores[:, 0].max() == np.abs(scores[:, 0]).max()


@pytest.mark.parametrize(("embed_dim", "patch_size"), [(1, 2), (2, 2), (6, 8), (6, 4)])
def test_small_sizes(tiny_config: MixerConfig, embed_dim: int, patch_size: int) -> None:
    torch.manual_seed(0)
    model = MlpMixer(dataclasses.replace(tiny_config, embed_dim=embed_dim, patch_size=patch_size)).eval()
    result = analysis.overview_of(traced(model))
    grid = 8 // patch_size
    assert result.colours.shape == (5, grid, grid, 3)
    assert np.isfinite(result.colours).all()
    assert (result.colours[0].std() > 0.05) == (grid > 1)


def test_an_all_zero_stream_has_no_ratio(tiny_model: MlpMixer) -> None:
    for parameter in tiny_model.parameters():
        torch.nn.init.zeros_(parameter)
    result = analysis.overview_of(traced(tiny_model))
    assert np.isnan(result.branch_ratio).all()
    assert (result.colours == 0.5).all()
    np.testing.assert_allclose(result.top_probabilities, 0.1)
    assert result.top_classes.tolist() == [0, 1, 2, 3, 4]
