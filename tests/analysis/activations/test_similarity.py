"""Cosines between tokens and linear CKA, against direct definitions and laws."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels

from mixer_viz.analysis.activations import similarity
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.trace import streams_of
from tests.analysis.made_traces import made, made_wide, with_streams


def hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Biased HSIC of two linear kernels, with the centring matrix written out (Gretton et al. 2005)."""
    n = len(first)
    centring = np.eye(n) - np.ones((n, n)) / n
    return float(np.trace(first @ first.T @ centring @ second @ second.T @ centring)) / (n - 1) ** 2


def cka_by_definition(first: np.ndarray, second: np.ndarray) -> float:
    return hsic(first, second) / np.sqrt(hsic(first, first) * hsic(second, second))


def cka_by_features(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019, the form over feature pairs; `np.cov` centres."""
    cross = np.cov(x.T, y.T)
    p = x.shape[1]
    return float((cross[:p, p:] ** 2).sum() / np.linalg.norm(cross[:p, :p]) / np.linalg.norm(cross[p:, p:]))


@pytest.mark.parametrize(("p", "q"), [(3, 9), (30, 4), (1, 1)])
def test_cka_is_the_direct_definition(p: int, q: int) -> None:
    rng = np.random.default_rng(p)
    first = rng.normal(size=(20, p)) + 5
    second = rng.normal(size=(20, q)) - 2 + first[:, :1]
    found = similarity.linear_cka(first, second)
    assert 0.01 < found < 0.99
    assert found == pytest.approx(cka_by_definition(first, second), rel=1e-10)
    assert found == pytest.approx(cka_by_features(first, second), rel=1e-10)


def test_cka_ignores_turns_scales_and_shifts_but_not_other_maps() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 6)) * [5, 4, 3, 2, 1, 1]
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert similarity.linear_cka(vectors, -3 * vectors @ turn + 7) == pytest.approx(1, abs=1e-12)
    assert similarity.linear_cka(vectors, vectors / [5, 4, 3, 2, 1, 1]) < 0.9
    assert np.isnan(similarity.linear_cka(vectors, np.full((20, 6), 0.37, dtype=np.float32)))


@pytest.mark.parametrize(("n", "p", "q"), [(64, 128, 128), (196, 768, 768), (64, 128, 20)])
def test_cka_of_unrelated_vectors_is_what_the_docstring_says(n: int, p: int, q: int) -> None:
    rng = np.random.default_rng(1)
    found = similarity.linear_cka(rng.normal(size=(n, p)), rng.normal(size=(n, q)))
    assert found == pytest.approx(1 / np.sqrt((1 + n / p) * (1 + n / q)), abs=0.02)


def test_cka_between_all_stages_and_two_traces(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    deeper = dataclasses.replace(tiny_config, embed_dim=9, num_blocks=3)
    _, other = made(deeper, seed=4)
    own, between = similarity.cka_between_stages(one), similarity.cka_between_stages(one, other)
    assert (own.shape, between.shape) == ((5, 5), (5, 7))
    streams, others = ([tokens[0].numpy() for tokens in streams_of(side)] for side in (one, other))
    np.testing.assert_allclose(own, [[cka_by_definition(x, y) for y in streams] for x in streams], rtol=1e-9)
    np.testing.assert_allclose(between, [[cka_by_definition(x, y) for y in others] for x in streams], rtol=1e-9)
    np.testing.assert_allclose(np.diag(own), 1)
    np.testing.assert_allclose(similarity.cka_between_stages(other, one), between.T, rtol=1e-12)


def test_cka_needs_equally_many_tokens(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    _, coarse = made(dataclasses.replace(tiny_config, patch_size=4))
    with pytest.raises(ValueError, match="same number of tokens, got 16 and 4"):
        similarity.cka_between_stages(one, coarse)


def test_cka_is_nan_where_all_tokens_are_equal(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config, torch.float32)
    found = similarity.cka_between_stages(trace(model, torch.full((1, 3, 8, 8), 0.37)))
    assert np.isnan(found[0]).all()
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[1:, 1:]).all()


def test_token_similarity_is_the_cosine(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    found = similarity.token_similarity(one, 2)
    tokens = one.blocks[0].after_channel_mixing[0]
    expected = torch.cosine_similarity(tokens[:, None], tokens[None], dim=2)
    assert found.shape == (16, 16)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_drift_is_the_mean_of_the_matrix_without_its_diagonal(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    found = similarity.token_drift(one)
    for stage, stream in enumerate(streams_of(one)):
        matrix = similarity.token_similarity(one, stage)
        assert found.mean_similarity[stage] == pytest.approx(matrix[~np.eye(16, dtype=bool)].mean())
        tokens = stream[0]
        to_mean = torch.cosine_similarity(tokens, tokens.mean(dim=0, keepdim=True), dim=1)
        np.testing.assert_allclose(found.to_mean[stage], to_mean, rtol=1e-10)


def test_drift_of_equal_opposite_and_zero_tokens(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    line = torch.arange(1.0, 7.0, dtype=torch.float64)
    equal = torch.linspace(0.01, 3, 16, dtype=torch.float64)[:, None] * line
    opposite = torch.tensor([1.0, -1.0] * 8, dtype=torch.float64)[:, None] * line
    half = equal.clone()
    half[8:] = 0
    streams = [equal, opposite, half, torch.zeros_like(equal), equal]
    found = similarity.token_drift(with_streams(one, streams))
    # Pairs: all alike; 8 * 7 * 2 alike and 8 * 8 * 2 opposite; 8 * 7 alike and the rest 0; nothing.
    expected = [1, (112 - 128) / 240, 56 / 240, 0, 1]
    np.testing.assert_allclose(found.mean_similarity, expected, atol=1e-12)
    np.testing.assert_allclose(found.to_mean[0], 1)
    np.testing.assert_allclose(found.to_mean[2], [1] * 8 + [0] * 8)
    assert not found.to_mean[3].any()
    assert not np.diag(similarity.token_similarity(with_streams(one, streams), 3)).any()


def test_a_single_token_has_no_other(tiny_config: MixerConfig) -> None:
    _, one = made(dataclasses.replace(tiny_config, patch_size=8))
    found = similarity.token_drift(one)
    assert np.isnan(found.mean_similarity).all()
    np.testing.assert_allclose(found.to_mean, 1)
    assert np.isnan(similarity.cka_between_stages(one)).all()


def test_sizes_of_b16() -> None:
    _, one = made_wide()
    assert similarity.token_similarity(one, 4).shape == (196, 196)
    assert similarity.token_drift(one).to_mean.shape == (5, 196)
    found = similarity.cka_between_stages(one)
    assert found[0, 4] == pytest.approx(
        cka_by_features(one.embedding[0].double().numpy(), one.blocks[1].after_channel_mixing[0].double().numpy())
    )


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    _, one = made(tiny_config)
    with pytest.raises(ValueError, match="stage=-1 is not between 0 and 4"):
        similarity.token_similarity(one, -1)
    several = trace(random_model(tiny_config), random_pixels(tiny_config, count=2))
    for call in (
        lambda: similarity.token_similarity(several, 0),
        lambda: similarity.token_drift(several),
        lambda: similarity.cka_between_stages(several),
        lambda: similarity.cka_between_stages(one, several),
    ):
        with pytest.raises(ValueError, match="batch of 2"):
            call()


def test_permuted_cka_is_the_mean_over_all_orders(tiny_config: MixerConfig) -> None:
    """Four tokens have 24 orders."""
    config = dataclasses.replace(tiny_config, image_size=4)
    model = random_model(config)
    first, second = (trace(model, random_pixels(config, seed=seed)) for seed in (0, 1))
    found = similarity.permuted_cka(first, second)
    left, right = ([stream[0].double().numpy() for stream in streams_of(each)] for each in (first, second))
    orders = [list(order) for order in itertools.permutations(range(4))]
    for i, rows in enumerate(left):
        for j, columns in enumerate(right):
            mean = np.mean([similarity.linear_cka(rows, columns[order]) for order in orders])
            assert found[i, j] == pytest.approx(mean, rel=1e-6)
    assert similarity.permuted_cka(first).shape == (len(left), len(left))
