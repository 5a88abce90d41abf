"""What the first token-mixing layers have learned: frequencies, opposing pairs and near-copies of their hidden units.

One hidden unit is one row of W1: S weights, drawn as a grid x grid map. The paper (Tolstikhin et al. 2021, Figure 5 and
Appendix D) pairs units of opposing phase and sorts them by frequency without a formula; the definitions here are ours.
"""

from __future__ import annotations

import dataclasses
import math
from typing import cast

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
from scipy.spatial.distance import squareform  # type: ignore[import-untyped]

from mixer_viz.analysis.arrays import to_array
from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency
from mixer_viz.model import MixerBlock, MlpMixer

OPPOSING_COSINE = -0.7  # at or below: two units count as opposing
COPY_COSINE = 0.95  # at or above: two units count as near-copies


@dataclasses.dataclass(frozen=True)
class OpposingPairs:
    """Units paired one to one, most opposing pair first; K = D_S // 2, so one unit stays alone when D_S is odd."""

    pairs: np.ndarray  # (K, 2) int, row indices, the smaller one first
    cosine: np.ndarray  # (K,) float64, ascending; the last pairs may be positive, as everyone left over is paired


@dataclasses.dataclass(frozen=True)
class Structure:
    """How far the first token-mixing layers are from noise; L blocks, D_S units each."""

    frequency: np.ndarray  # (L, D_S) float64, mean radial frequency of each unit's map, cycles per patch
    block_frequency: np.ndarray  # (L,) float64, its mean over the units of a block
    mean_frequency: float  # over all blocks
    white_noise: float  # what white noise on this grid would have
    frequency_ratio: float  # mean_frequency / white_noise, 1 for noise; nan on a 1 x 1 grid
    block_paired_share: np.ndarray  # (L,) share of units whose one-to-one partner has cosine <= OPPOSING_COSINE
    paired_share: float  # over all blocks
    block_opposed_share: np.ndarray  # (L,) share of units with any other unit at cosine <= OPPOSING_COSINE
    opposed_share: float  # over all blocks; at least paired_share, as one unit may oppose many near-copies
    distinct_units: np.ndarray  # (L,) int, units left when near-copies are merged, see `count_distinct`


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Centre each row and scale it to unit length: (D_S, S) -> (D_S, S) float64; a constant row becomes zeros."""
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"rows must be (units, tokens), got {rows.shape}")
    centred = rows - rows.mean(axis=1, keepdims=True)
    # Centring a constant row leaves rounding noise, which the scaling would blow up into a pattern.
    centred[np.ptp(rows, axis=1) == 0] = 0.0
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(length == 0, 1.0, length)


def opposing_pairs(rows: np.ndarray) -> OpposingPairs:
    """Pair units one to one by most negative cosine, greedily: the best pair among all units left is taken next.

    `rows` is (D_S, S), one unit per row; rows are centred and scaled to unit length first. Ties go to the lower row
    index. A constant row has cosine 0 to every other.
    """
    cosine = _cosines(rows)
    first, second = np.triu_indices(len(cosine), k=1)
    order = np.argsort(cosine[first, second], kind="stable")
    free = [True] * len(cosine)
    pairs: list[tuple[int, int]] = []
    # Walking all pairs in ascending order and skipping taken units is exactly the repeated search for the minimum.
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if free[a] and free[b]:
            free[a] = free[b] = False
            pairs.append((a, b))
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return OpposingPairs(found, cosine[found[:, 0], found[:, 1]])


def best_opposing_cosine(rows: np.ndarray) -> np.ndarray:
    """Each unit's most negative cosine to any other unit, not one to one: (D_S, S) -> (D_S,) float64.

    Rows are centred and scaled as in `opposing_pairs`. A unit that is alone (D_S = 1) has nan.
    """
    cosine = _cosines(rows)
    if len(cosine) < 2:
        return np.full(len(cosine), np.nan)
    np.fill_diagonal(cosine, np.inf)
    return cosine.min(axis=1)


def count_distinct(rows: np.ndarray, copy_cosine: float = COPY_COSINE) -> int:
    """Units left when near-copies are merged: (D_S, S) -> number of groups, by complete-linkage clustering.

    Complete linkage, so any two units of one group have cosine >= `copy_cosine`; connected components would also merge
    the two ends of a chain of slowly changing units. Opposing units stay apart. A constant row carries no pattern and
    is not counted.
    """
    patterns = unit_rows(rows)
    patterns = patterns[patterns.any(axis=1)]
    if len(patterns) < 2:
        return len(patterns)
    distance = np.clip(1.0 - patterns @ patterns.T, 0.0, None)
    groups = fcluster(linkage(squareform(distance, checks=False), "complete"), 1.0 - copy_cosine, "distance")
    return int(groups.max())


def structure_of(model: MlpMixer) -> Structure:
    """Measure frequency, opposing pairs and distinct units of W1 in every block; the model is only read."""
    grid = model.config.grid_size
    blocks = [first_layer_rows(model, index) for index in range(model.config.num_blocks)]
    frequency = np.stack([mean_radial_frequency(unit_rows(rows).reshape(-1, grid, grid)) for rows in blocks])
    white_noise = white_noise_frequency(grid, grid)
    paired = np.array([2 * np.sum(opposing_pairs(rows).cosine <= OPPOSING_COSINE) / len(rows) for rows in blocks])
    opposed = np.array([np.mean(best_opposing_cosine(rows) <= OPPOSING_COSINE) for rows in blocks])
    return Structure(
        frequency=frequency,
        block_frequency=frequency.mean(axis=1),
        mean_frequency=float(frequency.mean()),
        white_noise=white_noise,
        frequency_ratio=float(frequency.mean() / white_noise) if white_noise else math.nan,
        block_paired_share=paired,
        paired_share=float(paired.mean()),
        block_opposed_share=opposed,
        opposed_share=float(opposed.mean()),
        distinct_units=np.array([count_distinct(rows) for rows in blocks]),
    )


def first_layer_rows(model: MlpMixer, block: int) -> np.ndarray:
    """W1 of block `block` (counted from 0): (D_S, S) float32 copy. Raises ValueError for a block that is not there."""
    if not 0 <= block < model.config.num_blocks:
        raise ValueError(f"block={block} is not between 0 and {model.config.num_blocks - 1}")
    weight = cast(MixerBlock, model.blocks[block]).token_mixing.fc1.weight
    return to_array(weight)


def _cosines(rows: np.ndarray) -> np.ndarray:  # (D_S, S) -> (D_S, D_S) float64, a new array
    scaled = unit_rows(rows)
    return scaled @ scaled.T
