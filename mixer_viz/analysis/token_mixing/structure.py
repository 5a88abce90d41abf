"""How far the first token-mixing layers of a whole network are from noise, in a few numbers per block."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency
from mixer_viz.analysis.token_mixing.opposing_pairs import (
    OPPOSING_COSINE,
    best_opposing_cosine,
    count_distinct,
    opposing_pairs,
    unit_rows,
)
from mixer_viz.analysis.token_mixing.weights import block_weights
from mixer_viz.model import MlpMixer


@dataclasses.dataclass(frozen=True)
class Structure:
    """How far the first token-mixing layers are from noise; L blocks, D_S units each."""

    frequency: np.ndarray  # (L, D_S) float64, mean radial frequency of each unit's map, cycles per patch
    block_frequency: np.ndarray  # (L,) float64, its mean over the units of a block
    mean_frequency: float  # over all blocks
    white_noise: float  # what white noise on this grid would have
    frequency_ratio: float  # mean_frequency / white_noise, 1 for noise; nan on a 1 x 1 grid
    block_paired_share: np.ndarray  # (L,) share of units whose one-to-one partner has cosine <= OPPOSING_COSINE
    paired_share: float  # over all blocks
    block_opposed_share: np.ndarray  # (L,) share of units with any other unit at cosine <= OPPOSING_COSINE
    opposed_share: float  # over all blocks; at least paired_share, as one unit may oppose many near-copies
    distinct_units: np.ndarray  # (L,) int, units left when near-copies are merged, see `count_distinct`


def structure_of(model: MlpMixer) -> Structure:
    """Measure frequency, opposing pairs and distinct units of W1 in every block; the model is only read."""
    grid = model.config.grid_shape
    blocks = [block_weights(model, index).w1 for index in range(model.config.num_blocks)]
    frequency = np.stack([mean_radial_frequency(unit_rows(rows).reshape(-1, *grid)) for rows in blocks])
    white_noise = white_noise_frequency(*grid)
    paired = np.array([2 * np.sum(opposing_pairs(rows).cosine <= OPPOSING_COSINE) / len(rows) for rows in blocks])
    opposed = np.array([np.mean(best_opposing_cosine(rows) <= OPPOSING_COSINE) for rows in blocks])
    return Structure(
        frequency=frequency,
        block_frequency=frequency.mean(axis=1),
        mean_frequency=float(frequency.mean()),
        white_noise=white_noise,
        frequency_ratio=float(frequency.mean() / white_noise) if white_noise else math.nan,
        block_paired_share=paired,
        paired_share=float(paired.mean()),
        block_opposed_share=opposed,
        opposed_share=float(opposed.mean()),
        distinct_units=np.array([count_distinct(rows) for rows in blocks]),
    )
