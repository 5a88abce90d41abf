"""What the token-mixing page computes and keeps; results are shared between visitors, never written to."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from mixer_viz.analysis import receptive_field
from mixer_viz.analysis.arrays import one_image, probabilities, to_array
from mixer_viz.analysis.token_mixing import convolution, depth, jacobian, mixing_matrix, unit_effect, weights
from mixer_viz.analysis.token_mixing.opposing_pairs import best_opposing_cosine, count_distinct, pairs_to_see
from mixer_viz.analysis.token_mixing.weights import MixingWeights, Units
from mixer_viz.checkpoints import snapshots
from mixer_viz.images.samples import reference_photos
from mixer_viz.language import mark
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on

FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)


@kept("weights", mark("Reading the mixing weights …"))
def weights_of(model: ChosenModel) -> tuple[MixingWeights, ...]:
    """Token-mixing weights of every block."""
    return tuple(weights.block_weights(model.model, block) for block in range(model.config.num_blocks))


@kept("result", mark("Reading a snapshot …"))
def snapshot_weights(model_name: str, label: str) -> tuple[MixingWeights, ...]:
    """Token-mixing weights of a bundled model at an earlier time of its training."""
    snapshot = next(item for item in snapshots.snapshots_of(model_name) if item.label == label)
    tensors = snapshots.read_snapshot(snapshot)
    grid = weights.grid_of(tensors["blocks.0.token_mixing.fc2.bias"].size)
    return weights.weights_from_tensors(tensors, grid)


@kept("result", mark("Measuring the units …"))
def units_of(model: ChosenModel, block: int) -> Units:
    return weights.units_of(weights_of(model)[block])


def most_opposed_unit(model: ChosenModel) -> int:
    """A unit of the strongest opposing pair of the block that is looked at first, whichever block is shown now."""
    cosine = units_of(model, block_to_begin_with(model)).partner_cosine
    return int(np.argmin(np.nan_to_num(cosine, nan=1.0)))


@kept("result", mark("Pairing the units …"))
def block_to_begin_with(model: ChosenModel) -> int:
    """The block that has most to show of opposing pairs; 0 where none has any."""
    blocks = enumerate(weights_of(model))
    return int(np.argmax([pairs_to_see(each.w1, units_of(model, block).partner_cosine) for block, each in blocks]))


@kept("result", mark("Counting distinct units …"))
def distinct_units(model: ChosenModel, block: int) -> int:
    """Units of a block when near-copies count once."""
    return count_distinct(weights_of(model)[block].w1)


@kept("result", mark("Looking for opposites …"))
def opposites_of(model: ChosenModel, block: int) -> np.ndarray:
    """Each unit's most negative cosine to any other, (D_S,): unlike in the pairs, one unit may oppose many."""
    return best_opposing_cosine(weights_of(model)[block].w1)


@dataclasses.dataclass(frozen=True)
class Depth:
    """Curves through the blocks, of the network and of the start it is compared with."""

    trained: depth.DepthCurves
    start: depth.DepthCurves
    start_is_real: bool  # its own first snapshot, or weights drawn anew


@kept("weights", mark("Measuring every block …"))
def depth_of(model: ChosenModel) -> Depth:
    blocks = weights_of(model)
    own = snapshots.snapshots_of(model.key)
    start = snapshot_weights(model.key, own[0].label) if own else depth.random_start(blocks)
    return Depth(depth.depth_curves(blocks), depth.depth_curves(start), bool(own))


@kept("weights", mark("Comparing with convolutions …"))
def meters_of(model: ChosenModel) -> tuple[convolution.ConvolutionMeter, ...]:
    """How much like a convolution the mixing matrix W2 W1 of every block is."""
    return tuple(
        convolution.convolution_share(mixing_matrix.linear_mixing(block), block.grid) for block in weights_of(model)
    )


@dataclasses.dataclass(frozen=True)
class OnPicture:
    """What the units of one block do on one picture."""

    activations: np.ndarray  # (C, D_S) float32, after GELU
    effects: np.ndarray  # (D_S,) float64, on the logit of the top class


@kept("result", mark("Running the Mixer …"))
def on_picture(choice: Choice, block: int) -> OnPicture:
    traced = cached.trace_of(choice)
    activations = to_array(one_image(traced.blocks[block].tokens_hidden))
    with computing_on(traced.pixels.device):
        return OnPicture(activations, unit_effect.unit_effects(choice.model.model, traced.pixels, block))


@kept("result", mark("Running the Mixer without the unit …"))
def with_unit_scaled(choice: Choice, block: int, unit: int) -> np.ndarray:
    """Class probabilities (F, num_classes) with one unit multiplied by each of FACTORS."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        logits = unit_effect.logits_with_unit(choice.model.model, pixels, block, unit, FACTORS)
    return probabilities(logits)


@kept("result", mark("Following the patch through the blocks …"))
def jacobian_rows_of(choice: Choice, token: int) -> jacobian.JacobianRows:
    traced = cached.trace_of(choice)
    with computing_on(traced.pixels.device):
        return jacobian.jacobian_rows(choice.model.model, traced, token)


@kept("result", mark("Following the gradient back to the picture …"))
def receptive_field_of(choice: Choice, token: int, averaged: bool) -> receptive_field.ReceptiveField:
    """Of this picture alone, or averaged over it and the reference photos."""
    pictures = [choice.picture]
    if averaged:
        # Drawn pictures have large even areas, as no photo has.
        pictures += [Picture(sample.name, sample.title, None) for sample in reference_photos()]
    unique = {picture.key: picture for picture in pictures}.values()
    pixels = torch.cat([cached.pixels_of(picture, choice.model) for picture in unique])
    with computing_on(pixels.device):
        return receptive_field.receptive_field(choice.model.model, pixels, token)
