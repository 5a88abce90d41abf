"""Measures of a small map of weights: its power spectrum, its direction, how local it is and how sparse."""

from __future__ import annotations

import math

import numpy as np

SPARSE_BELOW = 0.05  # of the largest |weight| of the matrix, as in ResMLP (Touvron et al. 2021, arXiv 2105.03404)


def power_spectrum(maps: np.ndarray) -> np.ndarray:
    """Power of the two-dimensional DFT of each map, zero frequency in the middle: (..., H, W) -> (..., H, W) float64.

    The zero frequency (DC) is at (H // 2, W // 2), as `np.fft.fftshift` puts it, and is 0: the mean is taken away. A
    constant map gives zeros. Raises ValueError when `maps` has fewer than two axes.
    """
    return np.fft.fftshift(_power(maps), axes=(-2, -1))


def orientation(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The direction in which each map's pattern changes most, and how clear it is: (..., H, W) -> two (...) float64.

    Angle in degrees, 0 to 180 (180 excluded), of the wave vector on the screen: 0 changes from left to right (upright
    stripes), 45 from top left to bottom right, 90 from top to bottom, 135 from top right to bottom left. Strength is 1
    when all power lies in one direction and 0 when no direction is preferred; the angle of a constant map is 0.

    Both are the power-weighted mean of the doubled angles over all frequencies but zero, because a direction is the
    same after half a turn. Frequencies are in cycles per patch, so a grid need not be square. Raises ValueError when
    `maps` has fewer than two axes.
    """
    power = _power(maps)
    cosine, sine = _doubled_angles(*power.shape[-2:])
    total = power.sum(axis=(-2, -1))
    total = np.where(total == 0, 1.0, total)
    x = (power * cosine).sum(axis=(-2, -1)) / total
    y = (power * sine).sum(axis=(-2, -1)) / total
    degrees = np.rad2deg(np.arctan2(y, x)) / 2
    # Rounding leaves -1e-15 for an angle of 0, which the remainder would turn into 180.
    return np.where(degrees < -1e-9, degrees + 180, np.maximum(degrees, 0.0)), np.minimum(np.hypot(x, y), 1.0)


def locality(maps: np.ndarray) -> np.ndarray:
    """Radius of each map in patches, small for a local one: (..., H, W) -> (...) float64.

    Root mean square distance to the centroid, both weighted by the squared weights. One non-zero weight has 0, weights
    of equal magnitude have `uniform_locality`, and so has an all-zero map by definition. Raises ValueError when `maps`
    has fewer than two axes.
    """
    weight = _checked(maps) ** 2
    total = weight.sum(axis=(-2, -1), keepdims=True)
    weight = np.where(total == 0, 1.0, weight)
    share = weight / weight.sum(axis=(-2, -1), keepdims=True)
    return np.sqrt(_variance(share.sum(axis=-1)) + _variance(share.sum(axis=-2)))


def uniform_locality(height: int, width: int) -> float:
    """`locality` of a map whose weights all have the same magnitude, in patches; close to what white noise has."""
    return math.sqrt((height**2 - 1 + width**2 - 1) / 12)


def sparsity(rows: np.ndarray, limit: float) -> np.ndarray:
    """Share of each row's weights whose magnitude is below `limit`: (..., S) -> (...) float64, 0 to 1.

    With `limit = SPARSE_BELOW * np.abs(matrix).max()` it is ResMLP's measure (Touvron et al. 2021, arXiv 2105.03404).
    That limit is 0 for an all-zero matrix, so a weight of exactly 0 always counts.
    """
    magnitude = np.abs(rows)
    return ((magnitude < limit) | (magnitude == 0)).mean(axis=-1)


def _checked(maps: np.ndarray) -> np.ndarray:  # float64
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim < 2:
        raise ValueError(f"maps must be (..., H, W), got {maps.shape}")
    return maps


def _power(maps: np.ndarray) -> np.ndarray:  # (..., H, W), zero frequency first and 0
    maps = _checked(maps)
    power = np.abs(np.fft.fft2(maps - maps.mean(axis=(-2, -1), keepdims=True))) ** 2
    power[..., 0, 0] = 0.0
    # The transform of a constant leaves rounding noise beside the zero frequency.
    power[np.ptp(maps, axis=(-2, -1)) == 0] = 0.0
    return power


def _doubled_angles(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of twice the angle of every frequency, both (H, W) and 0 at the zero frequency."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    squared = x**2 + y**2
    squared[0, 0] = 1.0
    # At half a cycle per patch +f and -f are one frequency, so which way the pattern leans is undecided.
    decided = (np.abs(x) < 0.5) & (np.abs(y) < 0.5)
    return (x**2 - y**2) / squared, np.where(decided, 2 * x * y / squared, 0.0)


def _variance(share: np.ndarray) -> np.ndarray:  # (..., n) summing to 1 -> (...), of the positions 0 to n - 1
    position = np.arange(share.shape[-1])
    mean = (share * position).sum(axis=-1, keepdims=True)
    return (share * (position - mean) ** 2).sum(axis=-1)
