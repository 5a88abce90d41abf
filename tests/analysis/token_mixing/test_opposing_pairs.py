"""Opposing pairs and near-copies on weights whose answer is known."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.analysis.token_mixing import opposing_pairs
from tests.analysis.token_mixing.made_units import SIDE, gratings


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


def test_shuffled_gratings_find_their_negatives_and_their_order() -> None:
    positive = gratings()
    rng = np.random.default_rng(0)
    # Other lengths and means, which centring and scaling must remove.
    negative = -positive * rng.uniform(0.2, 5, size=(12, 1)) + rng.normal(size=(12, 1))
    order = rng.permutation(24)
    found = opposing_pairs.opposing_pairs(np.concatenate([positive, negative])[order])
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
    found = opposing_pairs.opposing_pairs(rows)
    assert [tuple(pair) for pair in found.pairs] == (greedy_by_search(rows) if num_units > 1 else [])
    assert (np.diff(found.cosine) >= 0).all()
    assert len(np.unique(found.pairs)) == num_units // 2 * 2


def test_best_opposing_cosine_is_not_one_to_one() -> None:
    unit = np.random.default_rng(0).normal(size=16)
    rows = np.stack([unit, -unit, -2 * unit])
    np.testing.assert_allclose(opposing_pairs.best_opposing_cosine(rows), [-1, -1, -1])
    np.testing.assert_allclose(opposing_pairs.opposing_pairs(rows).cosine, [-1])
    assert np.isnan(opposing_pairs.best_opposing_cosine(rows[:1])).all()


def test_constant_rows_have_no_pattern() -> None:
    rows = np.full((3, 49), 0.1, dtype=np.float32)
    rows[2, 0] = 1
    assert not opposing_pairs.unit_rows(rows)[:2].any()
    np.testing.assert_array_equal(opposing_pairs.best_opposing_cosine(rows), 0)
    assert opposing_pairs.count_distinct(rows) == 1


def test_distinct_units_merge_copies_but_not_negatives_nor_chains() -> None:
    units = gratings()
    noise = np.random.default_rng(0).normal(size=units.shape) * 0.01
    assert opposing_pairs.count_distinct(np.concatenate([units, units + noise, 3 * units])) == 12
    assert opposing_pairs.count_distinct(np.concatenate([units, -units])) == 24
    # Neighbours 15 degrees apart have cosine 0.966, the ends of the chain 0.
    angle = np.deg2rad(np.arange(0, 91, 15))[:, None]
    chain = np.cos(angle) * units[0] + np.sin(angle) * units[1]
    assert 3 <= opposing_pairs.count_distinct(chain) <= 4


def test_640_units_take_less_than_a_second() -> None:
    rows = np.random.default_rng(0).normal(size=(640, 256))
    start = time.thread_time()
    opposing_pairs.opposing_pairs(rows)
    opposing_pairs.best_opposing_cosine(rows)
    assert time.thread_time() - start < 1


def test_pairs_of_one_pattern_show_less_than_as_many_of_several() -> None:
    units = np.random.default_rng(5).standard_normal((4, 16))
    several = np.concatenate([units, -units])
    one = np.concatenate([np.repeat(units[:1], 4, axis=0), np.repeat(-units[:1], 4, axis=0)])
    paired = np.full(8, -1.0)
    assert opposing_pairs.pairs_to_see(several, paired) == pytest.approx(8)  # 8 units, 8 patterns
    assert opposing_pairs.pairs_to_see(one, paired) == pytest.approx(4)  # 8 units, 2 patterns
    half = np.where(np.arange(8) % 4 < 2, -1.0, np.nan)
    assert opposing_pairs.pairs_to_see(several, half) == pytest.approx(4)
    assert opposing_pairs.pairs_to_see(several, np.zeros(8)) == 0
