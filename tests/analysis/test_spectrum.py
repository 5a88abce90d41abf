"""The mean radial frequency against gratings of known frequency, and against the known wrong way to sort them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency

SIDE = 16
CYCLES = (1, 2, 4, 6)


def grating(cycles_y: float, cycles_x: float, phase: float = 0.3) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return np.cos(2 * np.pi * (cycles_y * y + cycles_x * x) + phase)


def gratings() -> tuple[np.ndarray, np.ndarray]:
    """Horizontal, vertical and diagonal gratings (12, SIDE, SIDE) and their frequencies (12,) in cycles per pixel."""
    directions = [(k, 0) for k in CYCLES] + [(0, k) for k in CYCLES] + [(k, k) for k in CYCLES]
    return np.stack([grating(*d) for d in directions]), np.array([np.hypot(*d) / SIDE for d in directions])


def flattened_ramp_score(maps: np.ndarray) -> np.ndarray:
    """The wrong way: each map as one long row, amplitude spectrum weighted by a ramp."""
    amplitude = np.abs(np.fft.rfft(maps.reshape(len(maps), -1)))[:, 1:]
    ramp = np.arange(1, amplitude.shape[1] + 1)
    return (amplitude * ramp).sum(axis=1) / amplitude.sum(axis=1)


def is_sorted_by(score: np.ndarray, frequency: np.ndarray) -> bool:
    """Whether a lower true frequency always has a lower score."""
    lower = frequency[:, None] < frequency[None, :] - 1e-9
    return bool((score[:, None] < score[None, :])[lower].all())


def test_gratings_have_their_own_frequency_and_order() -> None:
    maps, frequency = gratings()
    measured = mean_radial_frequency(maps)
    np.testing.assert_allclose(measured, frequency, atol=1e-12)
    assert is_sorted_by(measured, frequency)


def test_flattening_before_the_transform_loses_the_order() -> None:
    maps, frequency = gratings()
    assert not is_sorted_by(flattened_ramp_score(maps), frequency)


def test_a_mixture_is_weighted_by_power() -> None:
    mixture = 2 * grating(2, 0) + grating(0, 6)
    assert mean_radial_frequency(mixture) == pytest.approx((4 * 2 + 1 * 6) / 5 / SIDE)


def test_scale_and_mean_do_not_matter() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 7, 9))
    np.testing.assert_allclose(mean_radial_frequency(3 * maps - 8), mean_radial_frequency(maps))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e30])
def test_a_constant_map_is_zero(value: float) -> None:
    maps = np.stack([np.full((7, 7), value), np.eye(7)])
    frequency = mean_radial_frequency(maps)
    assert frequency[0] == 0.0
    assert frequency[1] > 0.1


def test_highest_frequency_is_the_checkerboard() -> None:
    checkerboard = np.indices((8, 8)).sum(axis=0) % 2
    assert mean_radial_frequency(checkerboard) == pytest.approx(np.sqrt(0.5))


def test_leading_axes_are_kept_and_one_axis_is_refused() -> None:
    assert mean_radial_frequency(np.ones((2, 3, 4, 5))).shape == (2, 3)
    with pytest.raises(ValueError, match="H, W"):
        mean_radial_frequency(np.ones(16))


def test_white_noise() -> None:
    offsets = [-4, -3, -2, -1, 0, 1, 2, 3]
    by_hand = sum(math.hypot(y, x) / 8 for y in offsets for x in offsets) / 63
    assert white_noise_frequency(8, 8) == pytest.approx(by_hand)
    assert white_noise_frequency(8, 8) == pytest.approx(0.3929, abs=5e-5)
    noise = np.random.default_rng(0).normal(size=(4000, 5, 8))
    assert mean_radial_frequency(noise).mean() == pytest.approx(white_noise_frequency(5, 8), rel=0.01)
    assert white_noise_frequency(1, 1) == 0.0
