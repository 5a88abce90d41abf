"""Methods that take the gradient at the image: how captum runs them, and their entries in the table."""

from __future__ import annotations

from torch import Tensor

from mixer_viz.analysis.attribution.methods import Method, Parameter, cost_per, fixed_cost
from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.analysis.attribution.task import Task
from mixer_viz.language import mark
from mixer_viz.model import MixerConfig


def _saliency(task: Task) -> Tensor:
    from captum.attr import Saliency

    values: Tensor = Saliency(task.score).attribute(task.pixels, abs=False)
    return values


def _input_x_gradient(task: Task) -> Tensor:
    from captum.attr import InputXGradient

    values: Tensor = InputXGradient(task.score).attribute(task.pixels)
    return values


def _smooth_grad(task: Task) -> Tensor:
    from captum.attr import NoiseTunnel, Saliency

    samples = task.whole("samples")
    with seeded(task.seed, task.pixels.device, task.score.wait):
        values: Tensor = NoiseTunnel(Saliency(task.score)).attribute(
            task.pixels,
            nt_samples=samples,
            nt_samples_batch_size=min(task.chunk, samples),
            stdevs=task.noise,
            abs=False,
        )
        return values


def rows(config: MixerConfig) -> list[Method]:
    """Their entries in the table."""
    return [
        Method(
            name="saliency",
            title=mark("Gradient (saliency)"),
            answers=mark("How fast does the logit rise with each pixel's value, right at this image?"),
            run=_saliency,
            passes=fixed_cost(forward=2, backward=1),
            in_logits=False,
            needs_baseline=False,
        ),
        Method(
            name="input_x_gradient",
            title=mark("Input × gradient"),
            answers=mark("How much of the logit would each pixel carry if the network were linear around this image?"),
            run=_input_x_gradient,
            passes=fixed_cost(forward=2, backward=1),
            needs_baseline=False,
        ),
        Method(
            name="smooth_grad",
            title=mark("SmoothGrad"),
            answers=mark("What is the gradient on average over noisy copies of this image?"),
            run=_smooth_grad,
            passes=cost_per("samples", extra=1),
            parameters=(
                Parameter("samples", mark("Noisy copies"), 25, 1, 500),
                Parameter("noise", mark("Noise, as a share of the image's range"), 0.15, 0.01, 1.0),
            ),
            in_logits=False,
            needs_baseline=False,
            draws=True,
        ),
    ]
