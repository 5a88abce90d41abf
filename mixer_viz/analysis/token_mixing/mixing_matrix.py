"""Token mixing as one matrix, tokens to tokens: W2 W1, or the one matrix of a ResMLP or gMLP block.

W2 W1 is token mixing without its GELU and biases. Apart from a scale, it is the linear part of what a block does for
small inputs; `analysis.jacobian` has the exact derivative for one image.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mixer_viz.analysis.ranges import check_range
from mixer_viz.analysis.token_mixing.weights import MixingWeights


@dataclasses.dataclass(frozen=True)
class DistanceProfile:
    """How strong mixing is at each distance; B distances of 0, 1, ..., B - 1 patches."""

    distance: np.ndarray  # (B,) int, patches, the Euclidean distance rounded to the nearest integer
    magnitude: np.ndarray  # (B,) float64, mean |weight| of the entries at that distance
    count: np.ndarray  # (B,) int, entries at that distance, at least 1


def linear_mixing(weights: MixingWeights) -> np.ndarray:
    """W2 W1: (S, S) float64, entry [t, s] is how token s acts on token t through all units, GELU left out."""
    return weights.w2.astype(np.float64) @ weights.w1.astype(np.float64)


def listening(matrix: np.ndarray, token: int) -> tuple[np.ndarray, np.ndarray]:
    """Copies of what one token reads from all (its row) and what all read from it (its column): (S,) and (S,).

    `matrix` is (S, S), [written token, read token]. Raises ValueError for another shape or a token that is not there.
    """
    _check_token(matrix, token)
    return matrix[token].copy(), matrix[:, token].copy()


def distance_profile(matrix: np.ndarray, grid: tuple[int, int], token: int | None = None) -> DistanceProfile:
    """Mean |weight| by Euclidean distance of the two tokens on the grid, rounded to whole patches.

    Args:
        matrix: (S, S), [written token, read token].
        grid: patches along height and width; S is their product.
        token: only what this token reads (its row); pass `matrix.T` for what is read from it. None: all entries.

    Raises ValueError when matrix and grid do not fit, or for a token that is not there.
    """
    dy, dx = displacements(matrix, grid)
    magnitude, distance = np.abs(matrix.astype(np.float64)), np.rint(np.hypot(dy, dx)).astype(np.int64)
    if token is not None:
        _check_token(matrix, token)
        magnitude, distance = magnitude[token], distance[token]
    # No gaps: a step to a neighbouring patch changes the distance by 1 at most, and no distance lies at a half.
    count = np.bincount(distance.ravel())
    return DistanceProfile(np.arange(len(count)), np.bincount(distance.ravel(), magnitude.ravel()) / count, count)


def displacements(matrix: np.ndarray, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows down and columns right from the written token to the read one, for each entry: (S, S) and (S, S) int.

    Raises ValueError when `matrix` is not (S, S) with S = grid height * width.
    """
    height, width = grid
    tokens = height * width
    if min(grid) < 1 or matrix.shape != (tokens, tokens):
        raise ValueError(f"a grid of {height} x {width} needs a matrix of ({tokens}, {tokens}), got {matrix.shape}")
    y, x = np.divmod(np.arange(tokens), width)
    return y[None, :] - y[:, None], x[None, :] - x[:, None]


def _check_token(matrix: np.ndarray, token: int) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix must be (S, S), got {matrix.shape}")
    check_range("token", token, len(matrix))
