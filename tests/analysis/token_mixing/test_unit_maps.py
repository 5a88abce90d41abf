"""Spectrum, direction, radius and sparsity of maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.analysis.spectrum import orientation, power_spectrum
from mixer_viz.analysis.token_mixing.unit_maps import locality, sparsity, uniform_locality


def wave(height: int, width: int, cycles_y: float, cycles_x: float, phase: float = 0.4) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.cos(2 * np.pi * (cycles_y * y / height + cycles_x * x / width) + phase)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 7), (6, 9)])
def test_power_lies_at_the_waves_own_frequency(height: int, width: int) -> None:
    power = power_spectrum(3 + wave(height, width, 2, -1))
    assert power.shape == (height, width)
    peaks = np.argwhere(power > 1e-9)
    assert sorted(map(tuple, peaks - [height // 2, width // 2])) == [(-2, 1), (2, -1)]
    np.testing.assert_allclose(power[tuple(peaks.T)], (height * width / 2) ** 2)
    assert power[height // 2, width // 2] == 0


def test_power_sums_to_the_variance_and_ignores_the_mean() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    power = power_spectrum(maps)
    np.testing.assert_allclose(power.sum(axis=(-2, -1)) / 20, 20 * maps.var(axis=(-2, -1)))
    np.testing.assert_allclose(power_spectrum(maps + 7), power, atol=1e-9)
    assert not power_spectrum(np.full((2, 5, 5), 0.1)).any()


@pytest.mark.parametrize(
    ("cycles", "angle"),
    [((0, 2), 0), ((2, 2), 45), ((3, 0), 90), ((2, -2), 135), ((-2, 2), 135), ((1, 2), 26.565), ((1, -2), 153.435)],
)
def test_orientation_of_a_wave(cycles: tuple[int, int], angle: float) -> None:
    measured, strength = orientation(wave(16, 16, *cycles))
    assert measured == pytest.approx(angle, abs=1e-3)
    assert strength == pytest.approx(1)


def test_words_for_45_degrees() -> None:
    y, x = np.mgrid[:8, :8]
    from_top_left_to_bottom_right = np.cos(2 * np.pi * (x + y) / 8)
    assert orientation(from_top_left_to_bottom_right)[0] == pytest.approx(45)


def test_orientation_counts_in_patches_on_an_oblong_grid() -> None:
    angle, _ = orientation(wave(6, 12, 1, 2))  # both 6 patches per cycle
    assert angle == pytest.approx(45)


def test_orientation_strength_weighs_the_power() -> None:
    angle, strength = orientation(np.stack([2 * wave(8, 8, 1, 0) + wave(8, 8, 0, 1), wave(8, 8, 1, 0)]))
    np.testing.assert_allclose(angle, 90)
    np.testing.assert_allclose(strength, [(4 - 1) / (4 + 1), 1])


@pytest.mark.parametrize(
    "undecided", [np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8)), wave(8, 8, 1, 0) + wave(8, 8, 0, 1)]
)
def test_no_direction_has_no_strength(undecided: np.ndarray) -> None:
    angle, strength = orientation(undecided)
    assert strength == pytest.approx(0, abs=1e-12)
    assert 0 <= angle < 180


def test_directions_of_noise_stay_in_range() -> None:
    angle, strength = orientation(np.random.default_rng(0).normal(size=(500, 4, 4)))
    assert angle.min() >= 0 and angle.max() < 180
    assert strength.min() >= 0 and strength.max() <= 1


def test_locality_in_patches() -> None:
    point = np.zeros((5, 7))
    point[1, 6] = -3
    two = np.zeros((5, 7))
    two[2, 1], two[2, 5] = 1, -1
    weighted = np.zeros((5, 7))
    weighted[0, 0], weighted[4, 0] = 1, 2  # centroid at 4 * 4 / 5, weights 1 and 4
    found = locality(np.stack([point, two, weighted, np.full((5, 7), -0.3), np.zeros((5, 7))]))
    np.testing.assert_allclose(found, [0, 2, 1.6, uniform_locality(5, 7), uniform_locality(5, 7)])
    assert uniform_locality(5, 7) == pytest.approx(np.sqrt(2 + 4))


def test_sparsity_is_the_share_below_the_limit() -> None:
    rows = np.array([[0, 0.04, -0.04, 1], [0.05, -0.05, -0.5, 0.5]])
    np.testing.assert_allclose(sparsity(rows, 0.05), [0.75, 0])
    np.testing.assert_allclose(sparsity(np.zeros((2, 4)), 0.0), 1)


@pytest.mark.parametrize("measure", [power_spectrum, orientation, locality])
def test_a_map_has_two_axes(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"maps must be \(..., H, W\), got \(16,\)"):
        measure(np.zeros(16))
