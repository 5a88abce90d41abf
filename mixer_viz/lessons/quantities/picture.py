"""Quantities of one picture on its way: sizes, tokens, one sum term by term, parts switched off, patches shuffled."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from mixer_viz.analysis.activations.ablation import Ablation, Kind, Replacement, logits_with
from mixer_viz.analysis.activations.any_number import channel_mixing_number
from mixer_viz.analysis.activations.formula import TokenMixingFormula, layer_norm_step, token_mixing_formula
from mixer_viz.analysis.activations.permutation import random_order, reversed_rows_order, shuffled_prediction
from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.overview import token_norms
from mixer_viz.analysis.patches import filter_order, filters_of, reconstruct, tokenize
from mixer_viz.analysis.ranges import block_of
from mixer_viz.lessons.quantities.situation import Situation
from mixer_viz.model.costs import PatchSizeOption, patch_size_options
from mixer_viz.model.trace import streams_of

ALIKE = 1e-3  # tokens that differ by less than this share of the longest are the same


def rebuilt_error(situation: Situation) -> float:
    """Of the whole picture, rebuilt from its tokens, in percent of its length."""
    return 100.0 * reconstruct(situation.model, situation.trace.pixels).error


def kept_directions(situation: Situation) -> float:
    """How many directions of a patch the patch embedding keeps."""
    return float(reconstruct(situation.model, situation.trace.pixels).rank)


def similarity(situation: Situation) -> float:
    """Cosine of the embeddings of the patches "token" and "other"."""
    matrix = tokenize(situation.model, situation.trace.pixels).similarity
    return float(matrix[situation.whole("token"), situation.whole("other")])


def most_similar(situation: Situation) -> float:
    """The other patch whose embedding has the largest cosine to that of "token"."""
    row = tokenize(situation.model, situation.trace.pixels).similarity[situation.whole("token")].copy()
    row[situation.whole("token")] = -np.inf
    return float(row.argmax())


def smoothest_filter(situation: Situation) -> float:
    """The channel whose filter has the lowest frequency."""
    return float(filter_order(filters_of(situation.model), "frequency")[0])


def patches_at_size(situation: Situation) -> float:
    """How many patches of side "side" there would be."""
    return float(_option(situation).num_patches)


def block_parameters_at_size(situation: Situation) -> float:
    """Token-mixing parameters of one block with patches of side "side"."""
    return float(_option(situation).block_token_mixing_parameters)


def distinct_tokens(situation: Situation) -> float:
    """How many different tokens there are at "layer", 0 the embedding."""
    tokens = to_double(one_image(streams_of(situation.trace)[situation.whole("layer")]))
    distance = np.linalg.norm(tokens[:, None] - tokens[None], axis=2)
    same = distance <= ALIKE * np.linalg.norm(tokens, axis=1).max()
    return float(len({int(row.argmax()) for row in same}))


def layer_length(situation: Situation) -> float:
    """Mean length of the tokens at "layer"."""
    return float(token_norms(situation.trace)[situation.whole("layer")].mean())


def formula(situation: Situation) -> TokenMixingFormula:
    """One number of token mixing with all its terms."""
    place = (situation.block, situation.whole("token"), situation.whole("channel"), situation.whole("unit"))
    return token_mixing_formula(situation.model, situation.trace, *place)


def gelu(situation: Situation) -> float:
    """The model's own GELU of the number "at"."""
    value = torch.tensor(float(situation.text("at")), dtype=torch.float64)
    return float(block_of(situation.model, 0).token_mixing.gelu(value))


def norm_mean(situation: Situation) -> float:
    """Mean over the channels of the token, before LayerNorm."""
    return layer_norm_step(situation.model, situation.trace, situation.block, situation.whole("token")).mean


def norm_deviation(situation: Situation) -> float:
    """Standard deviation over the channels of the token, before LayerNorm."""
    return layer_norm_step(situation.model, situation.trace, situation.block, situation.whole("token")).deviation


def normed_value(situation: Situation) -> float:
    """The token's value in "channel" after LayerNorm."""
    return float(formula(situation).normed[situation.whole("token")])


def channel_mixing_result(situation: Situation) -> float:
    """The stored number after channel mixing."""
    step = channel_mixing_number(
        situation.model,
        situation.trace,
        situation.block,
        situation.whole("token"),
        situation.whole("channel"),
        situation.whole("hidden_unit"),
    )
    return step.second.result


def switched_off(situation: Situation) -> np.ndarray:
    """Class probabilities with what the view "Switching off" says switched off."""
    kind = situation.text("off")
    index = None if kind == "branch" else situation.whole("off_number")
    part = Ablation(cast(Kind, kind), situation.whole("off_at"), index, cast(Replacement, situation.text("off_to")))
    part.check(situation.model.config)
    return probabilities(logits_with(situation.model, situation.trace.pixels, part))


def shuffled(situation: Situation) -> np.ndarray:
    """Class probabilities with the patches in another order."""
    config = situation.model.config
    if situation.text("patch_order") == "reversed":
        order = reversed_rows_order(config.grid_shape)
    else:
        order = random_order(config.num_patches, situation.whole("shuffle_seed"))
    return probabilities(shuffled_prediction(situation.model, situation.trace.pixels, order).shuffled_logits)


def _option(situation: Situation) -> PatchSizeOption:
    options = patch_size_options(situation.model.config)
    return next(option for option in options if option.patch_size == situation.whole("side"))
