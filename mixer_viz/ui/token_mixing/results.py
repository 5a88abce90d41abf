"""The caches of the token-mixing page, beside those in `cached`; results are shared between visitors, never written to.

Bounds: weights and depth curves of 4 networks (L/16: 19 MB each), 32 results per kind of one block or one token (B/16:
a block's activations have 1.2 MB, its meter 1 MB, a token's maps 0.1 MB).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st
import torch

from mixer_viz.analysis import receptive_field
from mixer_viz.analysis.arrays import one_image, to_array
from mixer_viz.analysis.token_mixing import convolution, depth, jacobian, mixing_matrix, unit_effect, weights
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE, best_opposing_cosine, count_distinct
from mixer_viz.analysis.token_mixing.weights import MixingWeights, Units
from mixer_viz.checkpoints import snapshots
from mixer_viz.images.samples import available_samples
from mixer_viz.model import MlpMixer, trace
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.gate import computing_on

MAX_NETWORKS = 4
FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)


@st.cache_resource(max_entries=MAX_NETWORKS, show_spinner="Reading the mixing weights …")
def _weights(model_key: str, _model: MlpMixer) -> tuple[MixingWeights, ...]:
    return tuple(weights.block_weights(_model, block) for block in range(_model.config.num_blocks))


def weights_of(model: ChosenModel) -> tuple[MixingWeights, ...]:
    """Token-mixing weights of every block."""
    return _weights(model.key, model.model)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Reading a snapshot …")
def snapshot_weights(model_name: str, label: str) -> tuple[MixingWeights, ...]:
    """Token-mixing weights of a bundled model at an earlier time of its training."""
    snapshot = next(item for item in snapshots.snapshots_of(model_name) if item.label == label)
    tensors = snapshots.read_snapshot(snapshot)
    grid = weights.grid_of(tensors["blocks.0.token_mixing.fc2.bias"].size)
    return weights.weights_from_tensors(tensors, grid)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Measuring the units …")
def _units(model_key: str, block: int, _model: ChosenModel) -> Units:
    return weights.units_of(weights_of(_model)[block])


def units_of(model: ChosenModel, block: int) -> Units:
    return _units(model.key, block, model)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Pairing the units …")
def _most_paired(model_key: str, _model: ChosenModel) -> int:
    blocks = (units_of(_model, block) for block in range(_model.config.num_blocks))
    return int(np.argmax([(units.partner_cosine <= OPPOSING_COSINE).sum() for units in blocks]))


def most_opposed_unit(model: ChosenModel) -> int:
    """A unit of the strongest opposing pair of the block that is looked at first, whichever block is shown now."""
    cosine = units_of(model, most_paired_block(model)).partner_cosine
    return int(np.argmin(np.nan_to_num(cosine, nan=1.0)))


def most_paired_block(model: ChosenModel) -> int:
    """The block with the largest share of opposing pairs, the one to look at first; 0 where none has any."""
    return _most_paired(model.key, model)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Counting distinct units …")
def _distinct(model_key: str, block: int, _model: ChosenModel) -> int:
    return count_distinct(weights_of(_model)[block].w1)


def distinct_units(model: ChosenModel, block: int) -> int:
    """Units of a block when near-copies count once."""
    return _distinct(model.key, block, model)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Looking for opposites …")
def _opposites(model_key: str, block: int, _model: ChosenModel) -> np.ndarray:
    return best_opposing_cosine(weights_of(_model)[block].w1)


def opposites_of(model: ChosenModel, block: int) -> np.ndarray:
    """Each unit's most negative cosine to any other, (D_S,): unlike in the pairs, one unit may oppose many."""
    return _opposites(model.key, block, model)


@dataclasses.dataclass(frozen=True)
class Depth:
    """Curves through the blocks, of the network and of the start it is compared with."""

    trained: depth.DepthCurves
    start: depth.DepthCurves
    start_is_real: bool  # its own first snapshot, or weights drawn anew


@st.cache_resource(max_entries=MAX_NETWORKS, show_spinner="Measuring every block …")
def _depth(model_key: str, _model: ChosenModel) -> Depth:
    blocks = weights_of(_model)
    own = snapshots.snapshots_of(_model.key)
    start = snapshot_weights(_model.key, own[0].label) if own else depth.random_start(blocks)
    return Depth(depth.depth_curves(blocks), depth.depth_curves(start), bool(own))


def depth_of(model: ChosenModel) -> Depth:
    return _depth(model.key, model)


@st.cache_resource(max_entries=MAX_NETWORKS, show_spinner="Comparing with convolutions …")
def _meters(model_key: str, _model: ChosenModel) -> tuple[convolution.ConvolutionMeter, ...]:
    return tuple(
        convolution.convolution_share(mixing_matrix.linear_mixing(block), block.grid) for block in weights_of(_model)
    )


def meters_of(model: ChosenModel) -> tuple[convolution.ConvolutionMeter, ...]:
    """How much like a convolution the mixing matrix W2 W1 of every block is."""
    return _meters(model.key, model)


@dataclasses.dataclass(frozen=True)
class OnPicture:
    """What the units of one block do on one picture."""

    activations: np.ndarray  # (C, D_S) float32, after GELU
    effects: np.ndarray  # (D_S,) float64, on the logit of the top class


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Running the Mixer …")
def _on_picture(picture_key: str, model_key: str, block: int, _choice: Choice) -> OnPicture:
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        model = _choice.model.model
        activations = to_array(one_image(trace(model, pixels).blocks[block].tokens_hidden))
        return OnPicture(activations, unit_effect.unit_effects(model, pixels, block))


def on_picture(choice: Choice, block: int) -> OnPicture:
    return _on_picture(choice.picture.key, choice.model.key, block, choice)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Running the Mixer without the unit …")
def _scaled(picture_key: str, model_key: str, block: int, unit: int, _choice: Choice) -> np.ndarray:
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        logits = unit_effect.logits_with_unit(_choice.model.model, pixels, block, unit, FACTORS)
    return torch.from_numpy(logits).double().softmax(dim=1).numpy()


def with_unit_scaled(choice: Choice, block: int, unit: int) -> np.ndarray:
    """Class probabilities (F, num_classes) with one unit multiplied by each of FACTORS."""
    return _scaled(choice.picture.key, choice.model.key, block, unit, choice)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Following the patch through the blocks …")
def _jacobian_rows(picture_key: str, model_key: str, token: int, _choice: Choice) -> jacobian.JacobianRows:
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        return jacobian.jacobian_rows(_choice.model.model, trace(_choice.model.model, pixels), token)


def jacobian_rows_of(choice: Choice, token: int) -> jacobian.JacobianRows:
    return _jacobian_rows(choice.picture.key, choice.model.key, token, choice)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Following the gradient back to the picture …")
def _field(
    picture_key: str, model_key: str, token: int, averaged: bool, _choice: Choice
) -> receptive_field.ReceptiveField:
    pictures = [_choice.picture]
    if averaged:
        # Drawn pictures have large even areas, as no photo has.
        photos = [sample for sample in available_samples() if sample.kind == "photo"]
        pictures += [Picture(sample.name, sample.title, None) for sample in photos]
    unique = {picture.key: picture for picture in pictures}.values()
    pixels = torch.cat([cached.pixels_of(picture, _choice.model) for picture in unique])
    with computing_on(pixels.device):
        return receptive_field.receptive_field(_choice.model.model, pixels, token)


def receptive_field_of(choice: Choice, token: int, averaged: bool) -> receptive_field.ReceptiveField:
    """Of this picture alone, or averaged over it and the sample photos."""
    return _field(choice.picture.key, choice.model.key, token, averaged, choice)
