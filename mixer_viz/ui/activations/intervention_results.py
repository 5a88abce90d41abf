"""Passes of the activations page that are changed on the way, and its formula in numbers, as they are kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from mixer_viz.analysis.activations import ablation, formula, permutation
from mixer_viz.analysis.activations.ablation import Ablation
from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.ranges import block_of
from mixer_viz.language import mark
from mixer_viz.model import MlpMixer
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on

_GELU_POINTS = 161


@kept("result", mark("Running the Mixer without it …"))
def without(choice: Choice, ablations: tuple[Ablation, ...]) -> np.ndarray:
    """Class probabilities (num_classes,) of a pass with these things switched off."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        return probabilities(ablation.logits_with(choice.model.model, pixels, ablations))


@kept("result", mark("Switching off one half-block after the other …"))
def each_alone(choice: Choice) -> np.ndarray:
    """Class probabilities (2 L, num_classes) with each half-block alone switched off; a pass for each."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    rows = []
    for stage in range(1, 1 + 2 * choice.model.config.num_blocks):
        with computing_on(pixels.device):  # for each pass anew: others need not wait for all of them
            rows.append(probabilities(ablation.logits_with(choice.model.model, pixels, Ablation("branch", stage))))
    return np.stack(rows)


@dataclasses.dataclass(frozen=True)
class Shuffled:
    """One picture before and after its patches are put in another order; all (num_classes,) float64."""

    before: np.ndarray  # probabilities
    after: np.ndarray  # probabilities
    logits: np.ndarray  # of the picture as it is
    permuted_logits: np.ndarray  # of the shuffled picture, by the network with permuted weights
    identity_gap: float  # largest difference between the two


@kept("result", mark("Running the Mixer on the shuffled picture …"))
def shuffled_of(choice: Choice, order: tuple[int, ...]) -> Shuffled:
    """The picture with patch order[s] at place s."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        result = permutation.shuffled_prediction(choice.model.model, pixels, order)
    return Shuffled(
        before=probabilities(result.logits),
        after=probabilities(result.shuffled_logits),
        logits=result.logits,
        permuted_logits=result.permuted_logits,
        identity_gap=result.identity_gap,
    )


@dataclasses.dataclass(frozen=True)
class Formula:
    """One value of a block's token mixing with all that leads to it."""

    norm: formula.LayerNormStep
    mixing: formula.TokenMixingFormula
    column: np.ndarray  # (S,) float64, X[:, c]
    gelu_inputs: np.ndarray  # (161,) float64, as wide as the preactivations of this channel
    gelu_outputs: np.ndarray  # (161,) float64, by the network's own GELU


@kept("result", mark("Writing out the formula …"))
def formula_of(choice: Choice, block: int, token: int, channel: int, unit: int) -> Formula:
    """U[token, channel] of a block, with one hidden unit laid open."""
    trace, model = cached.trace_of(choice), choice.model.model
    mixing = formula.token_mixing_formula(model, trace, block, token, channel, unit)
    inputs, outputs = _gelu_curve(model, mixing.preactivations)
    return Formula(
        norm=formula.layer_norm_step(model, trace, block, token),
        mixing=mixing,
        column=to_double(one_image(trace.blocks[block].tokens_in))[:, channel],
        gelu_inputs=inputs,
        gelu_outputs=outputs,
    )


def largest_unit_of(choice: Choice, block: int, token: int, channel: int) -> int:
    """The hidden unit that adds most to U[token, channel], or takes most away: the one to look at first."""
    return int(np.abs(formula_of(choice, block, token, channel, 0).mixing.products2).argmax())


def _gelu_curve(model: MlpMixer, preactivations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = max(1.0, 1.25 * float(np.abs(preactivations).max()))
    inputs = torch.linspace(-width, width, _GELU_POINTS, dtype=torch.float64)
    return inputs.numpy(), block_of(model, 0).token_mixing.gelu(inputs).numpy()
