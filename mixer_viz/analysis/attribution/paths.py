"""Methods that follow a way from the baseline to the image: how captum runs them, and their entries in the table."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from mixer_viz.analysis.attribution.deep_lift_rules import private_copy, with_secants
from mixer_viz.analysis.attribution.methods import Method, Parameter, cost_per, fixed_cost
from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.analysis.attribution.task import ScoreModule, Task
from mixer_viz.language import mark
from mixer_viz.model import MixerConfig

STEPS = Parameter("steps", mark("Steps along the way"), 50, 1, 1000)


def _integrated_gradients(task: Task) -> Tensor:
    from captum.attr import IntegratedGradients

    values: Tensor = IntegratedGradients(task.score).attribute(
        task.pixels, task.baseline, n_steps=task.whole("steps"), internal_batch_size=task.chunk
    )
    return values


def _gradient_shap(task: Task) -> Tensor:
    from captum.attr import GradientShap

    # captum takes all samples in one batch; the mean over chunks is the mean over all.
    method, samples = GradientShap(task.score), task.whole("samples")
    total = torch.zeros_like(task.pixels)
    with seeded(task.seed, task.pixels.device, task.score.wait):
        for start in range(0, samples, task.chunk):
            count = min(task.chunk, samples - start)
            part = method.attribute(task.pixels, task.baseline, n_samples=count, stdevs=task.noise)
            total += part.detach() * (count / samples)
    return total


def _deep_lift(task: Task) -> Tensor:
    from captum.attr import DeepLift

    # captum warns at each run that it sets hooks; here they go on a private copy. A filter for that one message may
    # stay: taking it back would put back the filters that other threads have changed since.
    warnings.filterwarnings("ignore", message="Setting forward, backward hooks", category=UserWarning)
    network = with_secants(task.model) if task.values["rules"] == "rescale" else private_copy(task.model)
    values: Tensor = DeepLift(ScoreModule(task.score, network)).attribute(task.pixels, task.baseline)
    return values


def rows(config: MixerConfig) -> list[Method]:
    """Their entries in the table."""
    return [
        Method(
            name="integrated_gradients",
            title=mark("Integrated gradients"),
            answers=mark(
                "How much does each pixel add to the logit along the straight line from the baseline to this image?"
            ),
            run=_integrated_gradients,
            passes=cost_per("steps", extra=2),
            parameters=(STEPS,),
            law="difference",
        ),
        Method(
            name="gradient_shap",
            title=mark("Gradient SHAP"),
            answers=mark("How much does each pixel add to the logit at random points of the way from the baseline?"),
            run=_gradient_shap,
            passes=cost_per("samples", extra=2),
            parameters=(
                # Bundled model, photos: 25 miss 28 % of the sum at the median, 100 miss 13 %, 400 miss 5 %.
                Parameter("samples", mark("Random points of the way"), 100, 1, 1000),
                Parameter("noise", mark("Noise on the image, as a share of its range"), 0.0, 0.0, 1.0),
            ),
            law="difference",
            draws=True,
        ),
        Method(
            name="deep_lift",
            title=mark("DeepLIFT"),
            answers=mark("How much of the difference from the baseline's logit comes through each pixel?"),
            run=_deep_lift,
            passes=fixed_cost(forward=4, backward=2),
            parameters=(
                Parameter(
                    "rules", mark("Rules for GELU and LayerNorm"), "rescale", choices=(mark("rescale"), "captum")
                ),
            ),
            law="difference",
        ),
    ]
