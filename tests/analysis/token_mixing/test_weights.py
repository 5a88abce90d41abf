"""Weights, measures and orders of the hidden units of one block."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from mixer_viz.analysis.token_mixing.weights import (
    MixingWeights,
    block_weights,
    grid_of,
    unit_order,
    units_of,
    weights_from_tensors,
)
from mixer_viz.model import MixerBlock, MlpMixer
from tests.analysis.token_mixing.made_units import SIDE, gratings, mixing_weights

CYCLES = np.tile([1, 2, 4, 6], 3)  # of the gratings
FREQUENCY = CYCLES * np.repeat([1, 1, np.sqrt(2)], 4) / SIDE


def shuffled_pairs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The 12 gratings and their negatives, of other lengths and means, shuffled: rows (24, S) and kind (24,)."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([gratings(), -gratings()]) * rng.uniform(0.2, 5, size=(24, 1)) + rng.normal(size=(24, 1))
    shuffle = rng.permutation(24)
    return rows[shuffle], (np.arange(24) % 12)[shuffle]


@pytest.mark.parametrize("seed", range(5))
def test_gratings_find_their_negatives_and_the_papers_order(seed: int) -> None:
    rows, kind = shuffled_pairs(seed)
    units = units_of(mixing_weights(rows))
    np.testing.assert_allclose(units.frequency, FREQUENCY[kind], atol=1e-6)
    np.testing.assert_array_equal(kind[units.partner], kind)
    np.testing.assert_array_equal(units.partner[units.partner], np.arange(24))
    np.testing.assert_allclose(units.partner_cosine, -1, atol=1e-6)
    order = unit_order(units, "pairs")
    assert sorted(order) == list(range(24))
    np.testing.assert_array_equal(kind[order[0::2]], kind[order[1::2]])
    assert (np.diff(FREQUENCY[kind[order]]) >= 0).all()


def test_one_dimension_cannot_tell_the_cycles_apart() -> None:
    rows, kind = shuffled_pairs(0)
    amplitude = np.abs(np.fft.fft(rows - rows.mean(axis=1, keepdims=True)))  # each map as one long row
    score = (amplitude * np.arange(SIDE**2)).sum(axis=1) / amplitude.sum(axis=1)
    np.testing.assert_allclose(score, SIDE**2 / 2)  # 1, 2, 4 and 6 cycles alike
    # With signed frequencies the scores differ, but the direction of the waves counts for more than their length.
    power, frequency = amplitude**2, np.abs(np.fft.fftfreq(SIDE**2))
    score = (power * frequency).sum(axis=1) / power.sum(axis=1)
    downward, sideways = kind < 4, (kind >= 4) & (kind < 8)
    assert score[downward & (CYCLES[kind] == 6)].max() < score[sideways & (CYCLES[kind] == 1)].min()


def test_the_members_of_a_pair_and_the_unit_left_over() -> None:
    y = np.arange(8)
    slow, fast, lone = (np.cos(2 * np.pi * k * (y + 0.5) / 8) for k in (1, 2, 3))
    rows = np.stack([0.8 * slow + 0.6 * fast, lone, -slow])[:, None, :].repeat(8, axis=1).reshape(3, 64)
    units = units_of(mixing_weights(rows, grid=(8, 8)))
    assert units.partner.tolist() == [2, -1, 0]
    assert np.isnan(units.partner_cosine[1])
    assert units.partner_cosine[[0, 2]] == pytest.approx(-0.8)
    assert unit_order(units, "pairs").tolist() == [2, 0, 1]  # the slower member first, the lone one last
    alone = dataclasses.replace(units, frequency=np.array([0.2, 0.01, 0.2]))
    assert unit_order(alone, "pairs").tolist() == [0, 2, 1]


def test_equal_frequencies_keep_pairs_together() -> None:
    units = units_of(mixing_weights(np.concatenate([gratings()[[0, 4]], -gratings()[[0, 4]]])))
    assert unit_order(units, "pairs").tolist() == [0, 2, 1, 3]


def test_every_other_order() -> None:
    units = units_of(mixing_weights(np.random.default_rng(0).normal(size=(7, 64)), grid=(8, 8)))
    assert (np.diff(units.frequency[unit_order(units, "frequency")]) > 0).all()
    assert (np.diff(units.locality[unit_order(units, "locality")]) > 0).all()
    assert (np.diff((units.norm1 * units.norm2)[unit_order(units, "norm")]) < 0).all()
    assert unit_order(units, "index").tolist() == list(range(7))
    assert unit_order(units, "effect", np.array([1, -5, 0, 2, 2, -3, 0.5])).tolist() == [1, 5, 3, 4, 0, 6, 2]
    with pytest.raises(ValueError, match=r"one effect per unit, \(7,\), got none"):
        unit_order(units, "effect")
    with pytest.raises(ValueError, match=r"got \(6,\)"):
        unit_order(units, "effect", np.zeros(6))
    with pytest.raises(ValueError, match="'size' is none of pairs, frequency"):
        unit_order(units, "size")  # type: ignore[arg-type]


def test_measures_of_what_a_unit_reads_and_writes_on_an_oblong_grid() -> None:
    height, width = 4, 6
    y, x = np.mgrid[:height, :width]
    rows = np.stack([np.cos(2 * np.pi * y / height), np.cos(2 * np.pi * x / width), y == 1]).reshape(3, -1)
    columns = np.stack([5 + 2 * rows[0], -3 * rows[1], 4.0 * (x == 2).ravel()])
    units = units_of(mixing_weights(rows, columns.T, grid=(height, width)))
    np.testing.assert_allclose(units.frequency[:2], [1 / height, 1 / width], atol=1e-6)
    np.testing.assert_allclose(units.orientation[:2], [90, 0], atol=1e-4)
    np.testing.assert_allclose(units.orientation_strength[:2], 1, atol=1e-6)
    assert units.locality[2] == pytest.approx(np.sqrt((width**2 - 1) / 12))
    np.testing.assert_allclose(units.norm1, [np.sqrt(12), np.sqrt(12), np.sqrt(6)], rtol=1e-6)
    np.testing.assert_allclose(units.norm2[1:], [3 * np.sqrt(12), 8], rtol=1e-6)
    np.testing.assert_allclose(units.likeness, [1, -1, 0], atol=1e-6)
    np.testing.assert_allclose(units.sparsity1, [1 / 2, 0, 3 / 4])
    np.testing.assert_allclose(units.sparsity2, [0, 0, 5 / 6])


def test_weights_without_a_pattern_are_measured_too() -> None:
    units = units_of(mixing_weights(np.zeros((2, 4)), grid=(2, 2)))
    for name in ("frequency", "orientation", "orientation_strength", "norm1", "norm2", "likeness", "partner_cosine"):
        assert getattr(units, name).tolist() == [0, 0], name
    one = units_of(mixing_weights(np.ones((1, 1)), grid=(1, 1)))
    assert (one.partner[0], one.locality[0]) == (-1, 0)
    assert unit_order(one, "pairs").tolist() == [0]


def test_block_weights_are_copies(tiny_model: MlpMixer) -> None:
    weights = block_weights(tiny_model, 1)
    block = tiny_model.blocks[1]
    assert isinstance(block, MixerBlock)
    mixing = block.token_mixing
    for mine, module in ((weights.w1, mixing.fc1.weight), (weights.b1, mixing.fc1.bias)):
        np.testing.assert_array_equal(mine, module.detach().numpy())
    for mine, module in ((weights.w2, mixing.fc2.weight), (weights.b2, mixing.fc2.bias)):
        np.testing.assert_array_equal(mine, module.detach().numpy())
    assert weights.grid == (4, 4)
    weights.w1[:] = 0
    assert mixing.fc1.weight.detach().abs().sum() > 0
    with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
        block_weights(tiny_model, 2)
    with pytest.raises(ValueError, match="block=-1 is not between 0 and 1"):
        block_weights(tiny_model, -1)


def test_a_state_dict_gives_the_same_weights(tiny_model: MlpMixer) -> None:
    tensors = {name: value.numpy() for name, value in tiny_model.state_dict().items()}
    blocks = weights_from_tensors(tensors, (4, 4))
    assert len(blocks) == 2
    for index, mine in enumerate(blocks):
        for name, value in dataclasses.asdict(block_weights(tiny_model, index)).items():
            np.testing.assert_array_equal(getattr(mine, name), value)
    half = {name: value.astype(np.float16) for name, value in tensors.items()}
    assert weights_from_tensors(half, (2, 8))[0].w1.dtype == np.float32
    assert weights_from_tensors(half, (2, 8))[0].grid == (2, 8)


def test_what_is_missing_or_does_not_fit_is_named(tiny_model: MlpMixer) -> None:
    tensors = {name: value.numpy() for name, value in tiny_model.state_dict().items()}
    with pytest.raises(ValueError, match=re.escape("grid of 3 x 4 does not hold the S=16 tokens")):
        weights_from_tensors(tensors, (3, 4))
    with pytest.raises(ValueError, match=re.escape("no tensor named blocks.0.token_mixing.fc1.weight")):
        weights_from_tensors({}, (4, 4))
    with pytest.raises(ValueError, match=re.escape("no tensor named blocks.1.token_mixing.fc2.bias")):
        weights_from_tensors({k: v for k, v in tensors.items() if k != "blocks.1.token_mixing.fc2.bias"}, (4, 4))
    good = block_weights(tiny_model, 0)
    with pytest.raises(ValueError, match=re.escape("w2 must be (16, 5) beside a w1 of (5, 16), got (5, 16)")):
        dataclasses.replace(good, w2=good.w1)
    with pytest.raises(ValueError, match=re.escape("w1 must be (D_S, S), got (16,)")):
        MixingWeights(good.b2, good.b1, good.w2, good.b2, (4, 4))


def test_only_a_square_number_of_tokens_has_a_grid_of_its_own() -> None:
    assert grid_of(196) == (14, 14)
    assert grid_of(1) == (1, 1)
    for num_tokens in (0, 2, 15, -4):
        with pytest.raises(
            ValueError, match=rf"S={num_tokens} tokens make no square grid, so the grid has to be given"
        ):
            grid_of(num_tokens)
