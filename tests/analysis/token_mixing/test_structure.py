"""The measures of a whole network on weights whose answer is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.model import MixerConfig, MlpMixer
from tests.analysis.token_mixing.made_units import SIDE, gratings, model_with_first_layer


def test_structure_of_noise_is_close_to_white_noise() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 64))
    structure = structure_of(model_with_first_layer(rows))
    assert structure.white_noise == pytest.approx(0.3929, abs=5e-5)
    assert structure.frequency_ratio == pytest.approx(1, abs=0.02)
    assert structure.paired_share == structure.opposed_share == 0
    assert structure.distinct_units.tolist() == [300]


def test_structure_measures_each_block() -> None:
    units = gratings()
    rows = np.concatenate([units, -units[:6], -units[:3]])  # 21 units: 6 pairs, and 3 more that oppose a taken one
    model = model_with_first_layer(rows, num_blocks=2)
    structure = structure_of(model)
    assert structure.frequency.shape == (2, 21)
    expected = mean_radial_frequency(rows.reshape(-1, SIDE, SIDE))
    np.testing.assert_allclose(structure.frequency[1], expected, atol=1e-6)
    assert structure.block_frequency[1] == pytest.approx(expected.mean())
    assert structure.mean_frequency == pytest.approx(structure.block_frequency.mean())
    assert structure.frequency_ratio == pytest.approx(structure.mean_frequency / structure.white_noise)
    assert structure.block_paired_share[1] == pytest.approx(12 / 21)
    assert structure.block_opposed_share[1] == pytest.approx(15 / 21)
    assert structure.paired_share == pytest.approx(structure.block_paired_share.mean())
    assert structure.opposed_share == pytest.approx(structure.block_opposed_share.mean())
    assert structure.distinct_units[1] == 18


def test_structure_on_one_patch_is_defined(tiny_config: MixerConfig) -> None:
    structure = structure_of(MlpMixer(dataclasses.replace(tiny_config, patch_size=8)))
    assert structure.mean_frequency == 0
    assert math.isnan(structure.frequency_ratio)
    assert structure.distinct_units.tolist() == [0, 0]
