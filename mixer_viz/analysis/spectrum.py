"""The pattern of a small map in the two-dimensional Fourier transform: its power, how fine it is, which way it runs."""

from __future__ import annotations

import numpy as np


def mean_radial_frequency(maps: np.ndarray) -> np.ndarray:
    """Power-weighted mean radial frequency of each map, without its DC term: (..., H, W) -> (...) float64.

    In cycles per pixel (one pixel is one cell of the map), from 0 to sqrt(1/2), about 0.707. A sine of k cycles along
    one axis of a map of side n has k / n. The value does not change with the scale or the mean of a map. A constant
    map has no pattern and gives 0.0 by definition. Raises ValueError when `maps` has fewer than two axes.
    """
    power = _power(maps)
    total = power.sum(axis=(-2, -1))
    weighted: np.ndarray = (power * _radii(*power.shape[-2:])).sum(axis=(-2, -1))
    return weighted / np.where(total == 0, 1.0, total)


def white_noise_frequency(height: int, width: int) -> float:
    """Expected `mean_radial_frequency` of white noise: the plain mean radius of all bins but the DC term.

    The expected share of the power is the same in every bin, so the weights drop out. A 1 x 1 map has only the DC
    term and gives 0.0.
    """
    num_bins = height * width - 1
    return float(_radii(height, width).sum() / num_bins) if num_bins else 0.0


def _radii(height: int, width: int) -> np.ndarray:  # (H, W), cycles per pixel, 0 at the DC term
    radii: np.ndarray = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    return radii


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


def checked_maps(maps: np.ndarray) -> np.ndarray:  # float64
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim < 2:
        raise ValueError(f"maps must be (..., H, W), got {maps.shape}")
    return maps


def _power(maps: np.ndarray) -> np.ndarray:  # (..., H, W), zero frequency first and 0
    maps = checked_maps(maps)
    power = np.abs(np.fft.fft2(maps - maps.mean(axis=(-2, -1), keepdims=True))) ** 2
    power[..., 0, 0] = 0.0
    # Exact, unlike a test on the power: the transform of a constant leaves rounding noise beside the zero frequency.
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
