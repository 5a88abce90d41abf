"""Measures of a small map of weights: how local it is and how sparse."""

from __future__ import annotations

import math

import numpy as np

from mixer_viz.analysis.spectrum import checked_maps

SPARSE_BELOW = 0.05  # of the largest |weight| of the matrix, as in ResMLP (Touvron et al. 2021, arXiv 2105.03404)


def locality(maps: np.ndarray) -> np.ndarray:
    """Radius of each map in patches, small for a local one: (..., H, W) -> (...) float64.

    Root mean square distance to the centroid, both weighted by the squared weights. One non-zero weight has 0, weights
    of equal magnitude have `uniform_locality`, and so has an all-zero map by definition. Raises ValueError when `maps`
    has fewer than two axes.
    """
    weight = checked_maps(maps) ** 2
    total = weight.sum(axis=(-2, -1), keepdims=True)
    weight = np.where(total == 0, 1.0, weight)
    share = weight / weight.sum(axis=(-2, -1), keepdims=True)
    spread: np.ndarray = np.sqrt(_variance(share.sum(axis=-1)) + _variance(share.sum(axis=-2)))
    return spread


def uniform_locality(height: int, width: int) -> float:
    """`locality` of a map whose weights all have the same magnitude, in patches; close to what white noise has."""
    return math.sqrt((height**2 - 1 + width**2 - 1) / 12)


def sparsity(rows: np.ndarray, limit: float) -> np.ndarray:
    """Share of each row's weights whose magnitude is below `limit`: (..., S) -> (...) float64, 0 to 1.

    With `limit = SPARSE_BELOW * np.abs(matrix).max()` it is ResMLP's measure (Touvron et al. 2021, arXiv 2105.03404).
    That limit is 0 for an all-zero matrix, so a weight of exactly 0 always counts.
    """
    magnitude = np.abs(rows)
    share: np.ndarray = ((magnitude < limit) | (magnitude == 0)).mean(axis=-1)
    return share


def _variance(share: np.ndarray) -> np.ndarray:  # (..., n) summing to 1 -> (...), of the positions 0 to n - 1
    position = np.arange(share.shape[-1])
    mean = (share * position).sum(axis=-1, keepdims=True)
    variance: np.ndarray = (share * (position - mean) ** 2).sum(axis=-1)
    return variance
