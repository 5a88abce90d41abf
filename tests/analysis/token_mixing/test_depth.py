"""Curves over the blocks, effective rank and the random start to compare with."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.analysis.spectrum import white_noise_frequency
from mixer_viz.analysis.token_mixing.depth import depth_curves, effective_rank, random_start
from mixer_viz.analysis.token_mixing.unit_maps import uniform_locality
from mixer_viz.analysis.token_mixing.weights import block_weights, units_of
from mixer_viz.model import MlpMixer
from tests.analysis.token_mixing.made_units import gratings, mixing_weights


def test_curves_sum_up_the_units_of_each_block(tiny_model: MlpMixer) -> None:
    blocks = [block_weights(tiny_model, index) for index in range(2)]
    curves = depth_curves(blocks)
    for index, block in enumerate(blocks):
        units = units_of(block)
        assert curves.frequency_mean[index] == pytest.approx(units.frequency.mean())
        assert curves.locality_mean[index] == pytest.approx(units.locality.mean())
        ordered = np.sort(units.frequency)  # of 5, so the quartiles are members
        np.testing.assert_allclose(curves.frequency_quartiles[index], ordered[1:4])
        np.testing.assert_allclose(curves.locality_quartiles[index], np.sort(units.locality)[1:4])
        assert curves.norm1[index] == pytest.approx(np.sqrt((units.norm1**2).sum()))
        assert curves.norm2[index] == pytest.approx(np.sqrt((units.norm2**2).sum()))
        assert curves.sparsity1[index] == pytest.approx(units.sparsity1.mean())
        assert curves.sparsity2[index] == pytest.approx(units.sparsity2.mean())
        assert (curves.singular_values1[index] ** 2).sum() == pytest.approx(curves.norm1[index] ** 2)
        assert (curves.singular_values2[index] ** 2).sum() == pytest.approx(curves.norm2[index] ** 2)
    assert curves.singular_values1.shape == curves.singular_values2.shape == (2, 5)


def test_rank_counts_orthogonal_units() -> None:
    four, one = gratings()[:4], gratings()[:1].repeat(4, axis=0)
    curves = depth_curves([mixing_weights(four), mixing_weights(one, four.T)])
    np.testing.assert_allclose(curves.effective_rank1, [4, 1], rtol=1e-4)
    np.testing.assert_allclose(curves.effective_rank2, [4, 4], rtol=1e-4)


def test_effective_rank_by_formula() -> None:
    np.testing.assert_allclose(effective_rank(np.array([[5, 5, 0], [3, 0, 0], [0, 0, 0]])), [2, 1, 0])
    share = np.array([0.5, 0.25, 0.25])
    assert effective_rank(7 * share) == pytest.approx(np.exp(1.5 * np.log(2)))


def test_curves_work_on_an_oblong_grid() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 24))
    curves = depth_curves([mixing_weights(rows, grid=(4, 6))])
    assert curves.frequency_mean[0] == pytest.approx(white_noise_frequency(4, 6), rel=0.03)
    assert curves.locality_mean[0] == pytest.approx(uniform_locality(4, 6), rel=0.05)
    assert curves.singular_values1.shape == (1, 24)


def test_blocks_have_to_be_of_one_size(tiny_model: MlpMixer) -> None:
    with pytest.raises(ValueError, match="got 0 of 0 sizes"):
        depth_curves([])
    with pytest.raises(ValueError, match="got 2 of 2 sizes"):
        depth_curves([block_weights(tiny_model, 0), mixing_weights(np.ones((5, 16)), grid=(2, 8))])


def test_random_start_has_the_fan_in_scale_and_no_pattern() -> None:
    learned = mixing_weights(gratings().repeat(10, axis=0))  # 120 units, 256 tokens
    first, second = random_start([learned, learned])
    assert (first.w1.shape, first.w2.shape, first.grid) == (learned.w1.shape, learned.w2.shape, learned.grid)
    assert (first.w1.dtype, first.w2.dtype) == (np.float32, np.float32)
    assert first.w1.std() == pytest.approx(1 / 16, rel=0.02)
    assert first.w2.std() == pytest.approx(1 / np.sqrt(120), rel=0.02)
    assert not first.b1.any() and not first.b2.any()
    assert abs(np.corrcoef(first.w1.ravel(), second.w1.ravel())[0, 1]) < 0.03
    assert units_of(first).frequency.mean() == pytest.approx(white_noise_frequency(16, 16), rel=0.02)


def test_random_start_is_the_same_for_the_same_seed(tiny_model: MlpMixer) -> None:
    blocks = [block_weights(tiny_model, index) for index in range(2)]
    again, other = random_start(blocks, seed=3), random_start(blocks, seed=4)
    for one, two in zip(random_start(blocks, seed=3), again, strict=True):
        np.testing.assert_array_equal(one.w1, two.w1)
        np.testing.assert_array_equal(one.w2, two.w2)
    assert np.abs(again[0].w1 - other[0].w1).max() > 0.01
