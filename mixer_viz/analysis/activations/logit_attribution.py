"""Direct logit attribution: one class's logit as an exact sum of what the embedding and every half-block wrote.

The last tokens are a sum, x[s] = sum_i p_i[s], of the embedding and all branches. With g and beta the scale and shift
of the last LayerNorm, sd[s] the deviation of token s, and w, b the head's row and bias of the class,

    logit = mean_s w . (g (x[s] - mean_c x[s]) / sd[s] + beta) + b = sum_i part_i + constant
    part_i = mean_s v . p_i[s] / sd[s],    v = w g less its mean over the channels,    constant = w . beta + b.

Taking away the mean is linear, so it is moved to v. Only sd is not linear in x: it is held at this image's value.
That makes the sum exact, and limits what it says: a part is not the logit lost without that half-block, because later
blocks and sd would answer differently. `ablation.logits_with` makes that pass.

`channel_effects` asks the same of the channels at one stage: not exactly, but to first order, by one backward pass.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.ranges import check_range, check_same_model, check_stage
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.half_blocks import logits_from
from mixer_viz.model.trace import Stage, branches_of, stages_of, streams_of


@dataclasses.dataclass(frozen=True)
class LogitAttribution:
    """One class's logit as a sum over T writers, the embedding and every half-block; all in logits."""

    stages: tuple[Stage, ...]  # T, the stage after each writer
    target: int
    patch_parts: np.ndarray  # (T, S) float64, what each wrote into each patch's own logit; mean over S: `parts`
    parts: np.ndarray  # (T,) float64
    constant: float  # from the shift of the last LayerNorm and the head's bias: the same for every image
    total: float  # sum of the parts and the constant, to be compared with
    logit: float  # the network's own; equal but for rounding

    def to_frame(self) -> Any:
        """A pandas table: stage, name of the writer, part of the logit."""
        names = [stage.name for stage in self.stages]
        return frame({"stage": range(len(names)), "name": names, "part": self.parts})


@torch.no_grad()
def logit_attribution(model: MlpMixer, trace: Trace, target: int) -> LogitAttribution:
    """Split the logit of one class at the one image of `trace`, in float64 sums over the trace's tensors.

    Raises ValueError for a class that is not there, or a trace of several images or of another model.
    """
    check_same_model(model, trace)
    check_range("target", target, trace.config.num_classes)
    row = to_double(model.head.weight[target])  # (C,)
    reading = row * to_double(model.norm.weight)
    reading -= reading.mean()
    writers = [trace.embedding, *(branch for branch, _ in branches_of(trace))]  # T of (1, S, C)
    patch_parts = np.stack([to_double(one_image(tokens)) @ reading for tokens in writers]) / _deviation(model, trace)
    parts = patch_parts.mean(axis=1)
    constant = float(row @ to_double(model.norm.bias)) + float(model.head.bias[target])
    return LogitAttribution(
        stages=stages_of(trace.config),
        target=target,
        patch_parts=patch_parts,
        parts=parts,
        constant=constant,
        total=float(parts.sum()) + constant,
        logit=float(one_image(trace.logits)[target]),
    )


def _deviation(model: MlpMixer, trace: Trace) -> np.ndarray:
    """What the last LayerNorm divides each token by: (S,)."""
    last = trace.blocks[-1].after_channel_mixing
    variance = torch.from_numpy(to_double(one_image(last))).var(dim=1, correction=0)
    return (variance + model.norm.eps).sqrt().numpy()


def channel_effects(model: MlpMixer, trace: Trace, stage: int, target: int) -> np.ndarray:
    """First-order effect of each channel at a stage on a class's logit: (C,) float64, in logits.

    The effect of channel c is sum_s x[s, c] * d logit / d x[s, c]: the slope of the logit at factor 1 when the channel
    is scaled by a factor. Positive: the channel raises the logit. It equals the logit lost when the channel is set to
    zero only as far as the rest of the network is linear; `ablation.logits_with` tells. The model is only read.

    Raises ValueError for a stage or class that is not there, or a trace of several images or of another model.
    """
    check_same_model(model, trace)
    check_stage(model.config, stage)
    check_range("target", target, model.config.num_classes)
    one_image(trace.logits)
    with torch.enable_grad():
        tokens = streams_of(trace)[stage].detach().requires_grad_()  # a new tensor: the trace's own stays as it is
        logit = one_image(logits_from(model, tokens, stage))[target]
        gradient = torch.autograd.grad(logit, tokens)[0]
    written: np.ndarray = (to_double(tokens[0]) * to_double(gradient[0])).sum(axis=0)
    return written
