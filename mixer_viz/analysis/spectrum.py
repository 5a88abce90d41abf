"""How fine the pattern of a small map is: its mean radial frequency in the two-dimensional Fourier transform."""

from __future__ import annotations

import numpy as np


def mean_radial_frequency(maps: np.ndarray) -> np.ndarray:
    """Power-weighted mean radial frequency of each map, without its DC term: (..., H, W) -> (...) float64.

    In cycles per pixel (one pixel is one cell of the map), from 0 to sqrt(1/2), about 0.707. A sine of k cycles along
    one axis of a map of side n has k / n. The value does not change with the scale or the mean of a map. A constant
    map has no pattern and gives 0.0 by definition. Raises ValueError when `maps` has fewer than two axes.
    """
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim < 2:
        raise ValueError(f"maps must be (..., H, W), got {maps.shape}")
    power = np.abs(np.fft.fft2(maps)) ** 2  # (..., H, W)
    power[..., 0, 0] = 0.0
    # Exact, unlike a test on the power: the transform of a constant leaves rounding noise beside the DC term.
    constant = np.ptp(maps, axis=(-2, -1)) == 0
    total = np.where(constant, 1.0, power.sum(axis=(-2, -1)))
    weighted = (power * _radii(*maps.shape[-2:])).sum(axis=(-2, -1))
    return np.where(constant, 0.0, weighted / total)


def white_noise_frequency(height: int, width: int) -> float:
    """Expected `mean_radial_frequency` of white noise: the plain mean radius of all bins but the DC term.

    The expected share of the power is the same in every bin, so the weights drop out. A 1 x 1 map has only the DC
    term and gives 0.0.
    """
    num_bins = height * width - 1
    return float(_radii(height, width).sum() / num_bins) if num_bins else 0.0


def _radii(height: int, width: int) -> np.ndarray:  # (H, W), cycles per pixel, 0 at the DC term
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
