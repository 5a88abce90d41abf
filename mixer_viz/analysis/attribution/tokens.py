"""Methods that look at the tokens of one block: how they run, and their entries in the table."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from mixer_viz.analysis.activations.logit_lens import patch_logits
from mixer_viz.analysis.attribution.methods import Method, Parameter, cost_per, fixed_cost
from mixer_viz.analysis.attribution.paths import STEPS
from mixer_viz.analysis.attribution.task import ScoreModule, Task, TokensTap
from mixer_viz.language import mark
from mixer_viz.model import MixerConfig, trace
from mixer_viz.model.half_blocks import logits_from, tokens_at


def _grad_cam(task: Task) -> Tensor:
    from captum.attr import LayerGradCam

    model, stage = task.model, 2 * (task.whole("block") + 1)
    network = TokensTap(
        lambda pixels: tokens_at(model, pixels, stage), lambda tokens: logits_from(model, tokens, stage)
    )
    module = ScoreModule(task.score, network)
    values: Tensor = LayerGradCam(module, network.tap).attribute(task.pixels, relu_attributions=False)
    return values


def _layer_integrated_gradients(task: Task) -> Tensor:
    """Integrated gradients over a block's tokens: nothing before that block need run again, and no hook is needed."""
    from captum.attr import IntegratedGradients

    model, stage = task.model, 2 * (task.whole("block") + 1)
    with torch.no_grad():
        both = torch.cat([task.pixels, task.start])
        here, there = task.score.run(lambda pixels: tokens_at(model, pixels, stage), both).split(1)
    task.score.count(2)
    rest = functools.partial(task.score.through, lambda tokens: logits_from(model, tokens, stage))
    values: Tensor = IntegratedGradients(rest).attribute(
        here, there, n_steps=task.whole("steps"), internal_batch_size=task.chunk
    )
    summed: Tensor = values.sum(dim=2)
    return summed


def _patch_logits(task: Task) -> Tensor:
    """No captum: the exact map that the others can be held against. Divided by S, so that the sum is the score."""
    seen = trace(task.model, task.pixels)
    task.score.count(1)
    target, against = task.score.target, task.score.against
    values = patch_logits(task.model, seen, target).values[-1]
    if against is not None:
        values = values - patch_logits(task.model, seen, against).values[-1]
    return torch.from_numpy(values / len(values))[None]


def rows(config: MixerConfig) -> list[Method]:
    """Their entries in the table."""
    last = config.num_blocks - 1
    block = Parameter("block", mark("Block, counted from 0"), last, 0, last)
    return [
        Method(
            name="grad_cam",
            title=mark("Grad-CAM"),
            answers=mark("Where are the channels large that raise the logit on average over one block's tokens?"),
            run=_grad_cam,
            passes=fixed_cost(forward=2, backward=1),
            parameters=(block,),
            in_logits=False,
            at_pixels=False,
            needs_baseline=False,
        ),
        Method(
            name="layer_integrated_gradients",
            title=mark("Layer integrated gradients"),
            answers=mark(
                "How much does each token of a block add to the logit along the straight line from the baseline's?"
            ),
            run=_layer_integrated_gradients,
            passes=cost_per("steps", extra=4),
            parameters=(block, STEPS),
            law="difference",
            at_pixels=False,
        ),
        Method(
            name="patch_logits",
            title=mark("Logit of each patch"),
            answers=mark(
                "What would the head answer from each final token alone? The mean of these values is the logit."
            ),
            run=_patch_logits,
            passes=fixed_cost(forward=2, backward=0),
            law="score",
            at_pixels=False,
            needs_baseline=False,
            needs_gradient=False,
            exact=True,
        ),
    ]
