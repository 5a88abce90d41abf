"""Opposing pairs and near-copies among the hidden units of a token-mixing MLP.

One hidden unit is one row of W1: S weights, drawn as a grid x grid map. The paper (Tolstikhin et al. 2021, Figure 5 and
Appendix D) pairs units of opposing phase and sorts them by frequency without a formula; the definitions here are ours.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
from scipy.spatial.distance import squareform  # type: ignore[import-untyped]

OPPOSING_COSINE = -0.7  # at or below: two units count as opposing
COPY_COSINE = 0.95  # at or above: two units count as near-copies
ALIKE_COSINE = 0.8  # at or above: two units show the same pattern to the eye


@dataclasses.dataclass(frozen=True)
class OpposingPairs:
    """Units paired one to one, most opposing pair first; K = D_S // 2, so one unit stays alone when D_S is odd."""

    pairs: np.ndarray  # (K, 2) int, row indices, the smaller one first
    cosine: np.ndarray  # (K,) float64, ascending; the last pairs may be positive, as everyone left over is paired


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Centre each row and scale it to unit length: (D_S, S) -> (D_S, S) float64; a constant row becomes zeros."""
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"rows must be (units, tokens), got {rows.shape}")
    centred = rows - rows.mean(axis=1, keepdims=True)
    # Centring a constant row leaves rounding noise, which the scaling would blow up into a pattern.
    centred[np.ptp(rows, axis=1) == 0] = 0.0
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled: np.ndarray = centred / np.where(length == 0, 1.0, length)
    return scaled


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
    most_opposed: np.ndarray = cosine.min(axis=1)
    return most_opposed


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


def pairs_to_see(rows: np.ndarray, partner_cosine: np.ndarray) -> float:
    """How much a block has to show of opposing pairs: sqrt(units in pairs * their patterns), at most D_S.

    Units with a cosine of `ALIKE_COSINE` or more count as one pattern: a block may be full of one pattern and its
    negative.

    Args:
        rows: (D_S, S), one unit per row.
        partner_cosine: (D_S,), of each unit and its partner in `opposing_pairs`; nan without one.
    """
    paired = rows[partner_cosine <= OPPOSING_COSINE]
    return math.sqrt(len(paired) * count_distinct(paired, ALIKE_COSINE))


def _cosines(rows: np.ndarray) -> np.ndarray:  # (D_S, S) -> (D_S, D_S) float64, a new array
    scaled = unit_rows(rows)
    cosine: np.ndarray = scaled @ scaled.T
    return cosine
