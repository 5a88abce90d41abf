"""The table of colour scales, and values turned into colours."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from mixer_viz.figures.theme import SCALES, Scale, colourise, lookup_table

SIGNED = [scale for scale in SCALES.values() if scale.kind == "signed"]
MAGNITUDES = [scale for scale in SCALES.values() if scale.kind == "magnitude"]


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L*, 0 to 100, of sRGB bytes (n, 3)."""
    shares = colours / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_scales_are_known_and_none_is_a_rainbow(scale: Scale) -> None:
    assert scale.colour_map in matplotlib.colormaps
    assert scale.quantity
    rainbows = {"jet", "hsv", "rainbow", "gist_rainbow", "nipy_spectral", "turbo", "Spectral"}
    assert scale.colour_map.removesuffix("_r") not in rainbows


@pytest.mark.parametrize("scale", SIGNED)
def test_signed_scales_are_lightest_at_zero_blue_below_and_red_above(scale: Scale) -> None:
    colours = lookup_table(scale).astype(int)
    light = lightness(colours)
    assert np.all(np.diff(light[:124]) > -0.5)
    assert np.all(np.diff(light[132:]) < 0.5)
    assert light[127] > 90
    assert abs(light[0] - light[255]) < 15  # as dark for -1 as for +1
    assert colours[32, 2] > colours[32, 0]
    assert colours[223, 0] > colours[223, 2]
    low, high = scale.limits(np.array([-0.5, 0.2]))
    assert low == -high


@pytest.mark.parametrize("scale", MAGNITUDES)
def test_magnitudes_get_evenly_lighter(scale: Scale) -> None:
    steps = np.diff(lightness(lookup_table(scale)[::15]))
    assert steps.min() > 0.5 * steps.mean()
    assert steps.max() < 2 * steps.mean()
    assert scale.limits(np.array([0.25, 0.5]))[0] == 0


def test_limits() -> None:
    signed, magnitude = Scale("x", "signed", "RdBu_r"), Scale("x", "magnitude", "viridis")
    assert signed.limits(np.array([-2.0, 1.0])) == (-2, 2)
    assert magnitude.limits(np.array([1.0, 4.0])) == (0, 4)
    assert Scale("x", "signed", "RdBu_r", fixed=(-1, 1)).limits(np.array([9.0])) == (-1, 1)
    assert signed.limits(np.array([np.nan, np.inf, -3.0])) == (-3, 3)
    for empty in (np.zeros(3), np.array([]), np.array([np.nan])):
        assert signed.limits(empty) == (-1, 1)
        assert magnitude.limits(empty) == (0, 1)


def test_colourise_reads_the_table_and_clips() -> None:
    scale = SCALES["similarity"]
    table = lookup_table(scale)
    colours = colourise(np.array([[-1.0, 1.0], [-7.0, 7.0]]), scale)
    assert colours.shape == (2, 2, 3)
    assert colours.dtype == np.uint8
    assert np.array_equal(colours, [[table[0], table[255]], [table[0], table[255]]])
    assert np.array_equal(colourise(np.array(0.25), scale, limits=(0, 1)), table[64])


def test_colourise_leaves_its_input_alone() -> None:
    values = np.array([-3.0, 0.0, 3.0])
    before = values.copy()
    colourise(values, SCALES["embedding"])
    assert np.array_equal(values, before)
