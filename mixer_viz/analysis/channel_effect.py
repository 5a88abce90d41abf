"""What each channel of the residual stream does to a logit, to first order: one backward pass for all channels."""

from __future__ import annotations

import numpy as np
import torch

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.overview import streams_of
from mixer_viz.analysis.ranges import check_range, check_same_model, check_stage
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.half_blocks import logits_from


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
    return (to_double(tokens[0]) * to_double(gradient[0])).sum(axis=0)
