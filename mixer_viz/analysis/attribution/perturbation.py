"""Rows of the table of methods that take parts of the image away: no gradients, many forward passes."""

from __future__ import annotations

from collections.abc import Mapping

from mixer_viz.analysis.attribution.methods import (
    Method,
    Parameter,
    Passes,
    cost_per,
    fixed_cost,
    num_groups,
    num_windows,
)
from mixer_viz.analysis.attribution.result import Value
from mixer_viz.model import MixerConfig


def ablations(config: MixerConfig) -> list[Method]:
    """Methods that take one part away at a time."""
    side, whole = config.patch_size, config.image_size

    def passes(values: Mapping[str, Value]) -> Passes:
        return Passes(num_windows(config, int(values["window"]), int(values["stride"])) + 3, 0)

    def check(values: Mapping[str, Value]) -> None:
        if int(values["stride"]) > int(values["window"]):
            raise ValueError(
                f"stride={values['stride']} is more than window={values['window']}: pixels would be missed"
            )

    return [
        Method(
            name="occlusion",
            title="Occlusion",
            answers="How far does the logit fall when a window of the image is replaced by the baseline?",
            passes=passes,
            parameters=(
                Parameter("window", "Side of the window, in pixels", min(2 * side, whole), 1, whole),
                Parameter("stride", "Step of the window, in pixels", side, 1, whole),
            ),
            needs_gradient=False,
            check_together=check,
        ),
        Method(
            name="patch_ablation",
            title="Patch ablation",
            answers="How far does the logit fall when one patch alone is replaced by the baseline?",
            passes=fixed_cost(forward=config.num_patches + 3, backward=0),
            needs_gradient=False,
        ),
    ]


def shapley(config: MixerConfig) -> list[Method]:
    """Methods that take many parts away together, and share the change out fairly."""
    most = max(1, config.grid_size - 1)  # two groups or more, else there is nothing to share out
    coarse = min(2, most)

    def ordered(values: Mapping[str, Value]) -> Passes:
        return Passes(int(values["samples"]) * num_groups(config, int(values["group"])) + 3, 0)

    def check(values: Mapping[str, Value]) -> None:
        groups = num_groups(config, int(values["group"]))
        if groups < 2:
            raise ValueError("kernel_shap needs at least two groups of patches, this Mixer has one patch")
        if int(values["samples"]) < groups + 2:
            raise ValueError(f"samples={values['samples']} is too few for {groups} groups: at least {groups + 2}")

    return [
        Method(
            name="shapley_sampling",
            title="Shapley values, sampled",
            answers="What does each patch add to the logit on average, over random orders of putting the patches in?",
            passes=ordered,
            parameters=(
                Parameter("samples", "Random orders", 10, 1, 500),
                Parameter("group", "Side of a group, in patches", 1, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
        ),
        Method(
            name="kernel_shap",
            title="Kernel SHAP",
            answers="Which share for each group of patches fits the logits of random sets of groups best?",
            passes=cost_per("samples", extra=2, with_backward=False),
            parameters=(
                Parameter("samples", "Random sets", max(200, 4 * num_groups(config, coarse)), 4, 20_000),
                Parameter("group", "Side of a group, in patches", coarse, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
            check_together=check,
        ),
    ]
