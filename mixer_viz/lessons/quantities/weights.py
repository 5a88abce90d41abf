"""Quantities of the learned token-mixing weights: units, opposing pairs, the convolution meter, the film."""

from __future__ import annotations

import re

import numpy as np

from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency
from mixer_viz.analysis.token_mixing.convolution import ConvolutionMeter, convolution_share
from mixer_viz.analysis.token_mixing.mixing_matrix import distance_profile, linear_mixing
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE, best_opposing_cosine, unit_rows
from mixer_viz.analysis.token_mixing.weights import (
    MixingWeights,
    Units,
    block_weights,
    units_of,
    weights_from_tensors,
)
from mixer_viz.checkpoints.snapshots import Snapshot, read_snapshot, snapshots_of
from mixer_viz.lessons.quantities.situation import Situation

METERS = {
    "best": ("explained", "null_explained"),
    "3x3": ("local_explained", "null_local_explained"),
    "shift": ("shift_explained", "null_shift_explained"),
    "identity": ("identity_explained", "null_identity_explained"),
}


def units(situation: Situation) -> Units:
    """Measures of the units of the chosen block."""
    return units_of(block_weights(situation.model, situation.block))


def partner_cosine(situation: Situation) -> float:
    """Cosine of the chosen unit's weights and its partner's; 1 where it has none."""
    cosine = float(units(situation).partner_cosine[situation.whole("unit")])
    return 1.0 if np.isnan(cosine) else cosine


def partner(situation: Situation) -> float:
    """The chosen unit's partner, -1 where it has none."""
    return float(units(situation).partner[situation.whole("unit")])


def unit_frequency(situation: Situation) -> float:
    """Of the chosen unit, in cycles per patch."""
    return float(units(situation).frequency[situation.whole("unit")])


def smoothest_unit(situation: Situation) -> float:
    """The unit of the chosen block with the lowest frequency."""
    return float(units(situation).frequency.argmin())


def opposed_share(situation: Situation) -> float:
    """Units of the chosen block with an opposing unit, in percent."""
    return _opposed(block_weights(situation.model, situation.block))


def paired_units(situation: Situation) -> float:
    """How many units of the chosen block have an opposing partner."""
    cosine = units_of(block_weights(situation.model, situation.block)).partner_cosine
    return float((cosine <= OPPOSING_COSINE).sum())


def near_mixing(situation: Situation) -> float:
    """How many times as large the mixing of a patch with itself is as that of patches "apart" patches apart."""
    weights = block_weights(situation.model, situation.block)
    profile = distance_profile(linear_mixing(weights), weights.grid)
    place = int(np.argmin(np.abs(profile.distance - situation.whole("apart"))))
    return float(profile.magnitude[0] / profile.magnitude[place])


def meter_share(situation: Situation) -> float:
    """What the stand-in "kernel" explains of the chosen block's mixing matrix, in percent."""
    return 100.0 * float(getattr(_meter(situation, situation.block), METERS[situation.text("kernel")][0]))


def meter_chance(situation: Situation) -> float:
    """The same of a random matrix, in percent."""
    return 100.0 * float(getattr(_meter(situation, situation.block), METERS[situation.text("kernel")][1]))


def meter_best_block(situation: Situation) -> float:
    """The block of whose mixing matrix the stand-in "kernel" explains most, counted from 1."""
    name = METERS[situation.text("kernel")][0]
    blocks = range(situation.model.config.num_blocks)
    return float(np.argmax([getattr(_meter(situation, block), name) for block in blocks])) + 1


def film_accuracy(situation: Situation) -> float:
    """Accuracy at the moment "film_moment", in percent; ValueError where none was measured."""
    accuracy = _moment(situation).accuracy
    if accuracy is None:
        raise ValueError("no accuracy was measured at this moment")
    return accuracy


def film_frequency(situation: Situation) -> float:
    """Mean radial frequency of the block's units at the moment, as a share of white noise's."""
    weights = _at_moment(situation)
    maps = unit_rows(weights.w1.astype(np.float64)).reshape(-1, *weights.grid)
    return float(mean_radial_frequency(maps).mean() / white_noise_frequency(*weights.grid))


def film_opposed(situation: Situation) -> float:
    """Units of the block with an opposing unit at the moment, in percent."""
    return _opposed(_at_moment(situation))


def film_moments(situation: Situation) -> float:
    """How many moments of the training were kept."""
    return float(len(snapshots_of(situation.model_name)))


def _opposed(weights: MixingWeights) -> float:
    return 100.0 * float(np.mean(best_opposing_cosine(weights.w1) <= OPPOSING_COSINE))


def _meter(situation: Situation, block: int) -> ConvolutionMeter:
    weights = block_weights(situation.model, block)
    return convolution_share(linear_mixing(weights), weights.grid)


def _moment(situation: Situation) -> Snapshot:
    chosen = situation.text("film_moment")
    for each in snapshots_of(situation.model_name):
        if re.sub(r"[^a-z0-9.]+", "-", each.label.lower()) == chosen:  # as links have it
            return each
    raise ValueError(f"no moment is called {chosen}")


def _at_moment(situation: Situation) -> MixingWeights:
    tensors = read_snapshot(_moment(situation))
    return weights_from_tensors(tensors, situation.model.config.grid_shape)[situation.block]
