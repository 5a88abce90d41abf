"""The caches of the activations page for passes that are changed on the way, and for the formula in numbers.

Bounds: 32 results per kind. For B/16 with 1,000 classes: 8 KB for each pass, 200 KB for all half-blocks, 60 KB for a
formula.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch

from mixer_viz.analysis.activations import ablation, formula, permutation
from mixer_viz.analysis.activations.ablation import Ablation
from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.ranges import block_of
from mixer_viz.model import MlpMixer
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.gate import computing_on

_GELU_POINTS = 161
_Plain = tuple[str, int, int | None, str]  # kind, stage, index, to


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Running the Mixer without it …")
def _without(picture_key: str, model_key: str, plain: tuple[_Plain, ...], _choice: Choice) -> np.ndarray:
    chosen = [Ablation(*values) for values in plain]  # type: ignore[arg-type]  # were an Ablation before
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        return probabilities(ablation.logits_with(_choice.model.model, pixels, chosen))


def without(choice: Choice, ablations: Sequence[Ablation] = ()) -> np.ndarray:
    """Class probabilities (num_classes,) of a pass with these things switched off; none: the plain pass."""
    plain = tuple((each.kind, each.stage, each.index, each.to) for each in ablations)
    return _without(choice.picture.key, choice.model.key, plain, choice)


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Switching off one half-block after the other …")
def _each_alone(picture_key: str, model_key: str, _choice: Choice) -> np.ndarray:
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    rows = []
    for stage in range(1, 1 + 2 * _choice.model.config.num_blocks):
        with computing_on(pixels.device):  # for each pass anew: others need not wait for all of them
            rows.append(probabilities(ablation.logits_with(_choice.model.model, pixels, Ablation("branch", stage))))
    return np.stack(rows)


def each_alone(choice: Choice) -> np.ndarray:
    """Class probabilities (2 L, num_classes) with each half-block alone switched off; a pass for each."""
    return _each_alone(choice.picture.key, choice.model.key, choice)


@dataclasses.dataclass(frozen=True)
class Shuffled:
    """One picture before and after its patches are put in another order; all (num_classes,) float64."""

    before: np.ndarray  # probabilities
    after: np.ndarray  # probabilities
    logits: np.ndarray  # of the picture as it is
    permuted_logits: np.ndarray  # of the shuffled picture, by the network with permuted weights
    identity_gap: float  # largest difference between the two


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Running the Mixer on the shuffled picture …")
def _shuffled(picture_key: str, model_key: str, order: tuple[int, ...], _choice: Choice) -> Shuffled:
    pixels = cached.pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        result = permutation.shuffled_prediction(_choice.model.model, pixels, order)
    return Shuffled(
        before=probabilities(result.logits),
        after=probabilities(result.shuffled_logits),
        logits=result.logits,
        permuted_logits=result.permuted_logits,
        identity_gap=result.identity_gap,
    )


def shuffled_of(choice: Choice, order: np.ndarray) -> Shuffled:
    """The picture with patch order[s] at place s."""
    return _shuffled(choice.picture.key, choice.model.key, tuple(order.tolist()), choice)


@dataclasses.dataclass(frozen=True)
class Formula:
    """One value of a block's token mixing with all that leads to it."""

    norm: formula.LayerNormStep
    mixing: formula.TokenMixingFormula
    column: np.ndarray  # (S,) float64, X[:, c]
    gelu_inputs: np.ndarray  # (161,) float64, as wide as the preactivations of this channel
    gelu_outputs: np.ndarray  # (161,) float64, by the network's own GELU


@st.cache_resource(max_entries=cached.MAX_RESULTS, show_spinner="Writing out the formula …")
def _formula(
    picture_key: str, model_key: str, block: int, token: int, channel: int, unit: int, _choice: Choice
) -> Formula:
    trace, model = cached.trace_of(_choice), _choice.model.model
    mixing = formula.token_mixing_formula(model, trace, block, token, channel, unit)
    inputs, outputs = _gelu_curve(model, mixing.preactivations)
    return Formula(
        norm=formula.layer_norm_step(model, trace, block, token),
        mixing=mixing,
        column=to_double(one_image(trace.blocks[block].tokens_in))[:, channel],
        gelu_inputs=inputs,
        gelu_outputs=outputs,
    )


def formula_of(choice: Choice, block: int, token: int, channel: int, unit: int) -> Formula:
    """U[token, channel] of a block, with one hidden unit laid open."""
    return _formula(choice.picture.key, choice.model.key, block, token, channel, unit, choice)


def _gelu_curve(model: MlpMixer, preactivations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = max(1.0, 1.25 * float(np.abs(preactivations).max()))
    inputs = torch.linspace(-width, width, _GELU_POINTS, dtype=torch.float64)
    return inputs.numpy(), block_of(model, 0).token_mixing.gelu(inputs).numpy()
