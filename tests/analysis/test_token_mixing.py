"""Opposing pairs, near-copies and the structure measures on weights whose answer is known."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest
import torch

from mixer_viz.analysis import token_mixing
from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.model import MixerBlock, MixerConfig, MlpMixer

SIDE = 16


def gratings() -> np.ndarray:  # (12, S), all orthogonal
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    directions = [(k, 0) for k in (1, 2, 4, 6)] + [(0, k) for k in (1, 2, 4, 6)] + [(k, k) for k in (1, 2, 4, 6)]
    return np.stack([np.cos(2 * np.pi * (a * y + b * x) + 0.7).ravel() for a, b in directions])


def greedy_by_search(rows: np.ndarray) -> list[tuple[int, int]]:
    """The definition, word for word: again and again the global minimum among the units left."""
    cosine = np.corrcoef(rows)
    np.fill_diagonal(cosine, np.inf)
    pairs = []
    for _ in range(len(rows) // 2):
        a, b = np.unravel_index(np.argmin(cosine), cosine.shape)
        pairs.append((int(min(a, b)), int(max(a, b))))
        cosine[[a, b]] = cosine[:, [a, b]] = np.inf
    return pairs


def model_with_first_layer(rows: np.ndarray, num_blocks: int = 1) -> MlpMixer:
    side = math.isqrt(rows.shape[1])
    config = MixerConfig(
        image_size=side, patch_size=1, embed_dim=3, num_blocks=num_blocks, tokens_mlp_dim=len(rows), channels_mlp_dim=2
    )
    model = MlpMixer(config).eval()
    block = model.blocks[num_blocks - 1]
    assert isinstance(block, MixerBlock)
    with torch.no_grad():
        block.token_mixing.fc1.weight.copy_(torch.from_numpy(rows))
    return model


def test_shuffled_gratings_find_their_negatives_and_their_order() -> None:
    positive = gratings()
    rng = np.random.default_rng(0)
    # Other lengths and means, which centring and scaling must remove.
    negative = -positive * rng.uniform(0.2, 5, size=(12, 1)) + rng.normal(size=(12, 1))
    order = rng.permutation(24)
    found = token_mixing.opposing_pairs(np.concatenate([positive, negative])[order])
    assert {tuple(sorted(order[list(pair)])) for pair in found.pairs} == {(unit, unit + 12) for unit in range(12)}
    np.testing.assert_allclose(found.cosine, -1)
    maps = np.concatenate([positive, negative])[order].reshape(-1, SIDE, SIDE)
    by_frequency = found.pairs[np.argsort(mean_radial_frequency(maps)[found.pairs].mean(axis=1))]
    kind = np.sort(order[by_frequency], axis=1)[:, 0]
    assert [sorted(group) for group in np.split(kind, [2, 3, 5, 6, 8, 9, 11])] == [
        [0, 4], [8], [1, 5], [9], [2, 6], [10], [3, 7], [11]
    ]  # fmt: skip


@pytest.mark.parametrize("num_units", [1, 2, 9, 30])
def test_greedy_is_exact(num_units: int) -> None:
    rows = np.random.default_rng(num_units).normal(size=(num_units, 12))
    found = token_mixing.opposing_pairs(rows)
    assert [tuple(pair) for pair in found.pairs] == (greedy_by_search(rows) if num_units > 1 else [])
    assert (np.diff(found.cosine) >= 0).all()
    assert len(np.unique(found.pairs)) == num_units // 2 * 2


def test_best_opposing_cosine_is_not_one_to_one() -> None:
    unit = np.random.default_rng(0).normal(size=16)
    rows = np.stack([unit, -unit, -2 * unit])
    np.testing.assert_allclose(token_mixing.best_opposing_cosine(rows), [-1, -1, -1])
    np.testing.assert_allclose(token_mixing.opposing_pairs(rows).cosine, [-1])
    assert np.isnan(token_mixing.best_opposing_cosine(rows[:1])).all()


def test_constant_rows_have_no_pattern() -> None:
    rows = np.full((3, 49), 0.1, dtype=np.float32)
    rows[2, 0] = 1
    assert not token_mixing.unit_rows(rows)[:2].any()
    np.testing.assert_array_equal(token_mixing.best_opposing_cosine(rows), 0)
    assert token_mixing.count_distinct(rows) == 1


def test_distinct_units_merge_copies_but_not_negatives_nor_chains() -> None:
    units = gratings()
    noise = np.random.default_rng(0).normal(size=units.shape) * 0.01
    assert token_mixing.count_distinct(np.concatenate([units, units + noise, 3 * units])) == 12
    assert token_mixing.count_distinct(np.concatenate([units, -units])) == 24
    # Neighbours 15 degrees apart have cosine 0.966, the ends of the chain 0.
    angle = np.deg2rad(np.arange(0, 91, 15))[:, None]
    chain = np.cos(angle) * units[0] + np.sin(angle) * units[1]
    assert 3 <= token_mixing.count_distinct(chain) <= 4


def test_640_units_take_less_than_a_second() -> None:
    rows = np.random.default_rng(0).normal(size=(640, 256))
    start = time.perf_counter()
    token_mixing.opposing_pairs(rows)
    token_mixing.best_opposing_cosine(rows)
    assert time.perf_counter() - start < 1


def test_structure_of_noise_is_close_to_white_noise() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 64))
    structure = token_mixing.structure_of(model_with_first_layer(rows))
    assert structure.white_noise == pytest.approx(0.3929, abs=5e-5)
    assert structure.frequency_ratio == pytest.approx(1, abs=0.02)
    assert structure.paired_share == structure.opposed_share == 0
    assert structure.distinct_units.tolist() == [300]


def test_structure_measures_each_block() -> None:
    units = gratings()
    rows = np.concatenate([units, -units[:6], -units[:3]])  # 21 units: 6 pairs, and 3 more that oppose a taken one
    model = model_with_first_layer(rows, num_blocks=2)
    structure = token_mixing.structure_of(model)
    assert structure.frequency.shape == (2, 21)
    expected = mean_radial_frequency(rows.reshape(-1, SIDE, SIDE))
    np.testing.assert_allclose(structure.frequency[1], expected, atol=1e-6)
    assert structure.block_frequency[1] == pytest.approx(expected.mean())
    assert structure.mean_frequency == pytest.approx(structure.block_frequency.mean())
    assert structure.frequency_ratio == pytest.approx(structure.mean_frequency / structure.white_noise)
    assert structure.block_paired_share[1] == pytest.approx(12 / 21)
    assert structure.block_opposed_share[1] == pytest.approx(15 / 21)
    assert structure.paired_share == pytest.approx(structure.block_paired_share.mean())
    assert structure.opposed_share == pytest.approx(structure.block_opposed_share.mean())
    assert structure.distinct_units[1] == 18


def test_structure_on_one_patch_is_defined(tiny_config: MixerConfig) -> None:
    structure = token_mixing.structure_of(MlpMixer(dataclasses.replace(tiny_config, patch_size=8)))
    assert structure.mean_frequency == 0
    assert math.isnan(structure.frequency_ratio)
    assert structure.distinct_units.tolist() == [0, 0]


def test_first_layer_rows_are_a_copy(tiny_model: MlpMixer) -> None:
    rows = token_mixing.first_layer_rows(tiny_model, 1)
    block = tiny_model.blocks[1]
    assert isinstance(block, MixerBlock)
    weight = block.token_mixing.fc1.weight.detach()
    np.testing.assert_array_equal(rows, weight.numpy())
    rows[:] = 0
    assert weight.abs().sum() > 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        token_mixing.first_layer_rows(tiny_model, 2)
