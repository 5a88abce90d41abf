"""The logit lens: the last LayerNorm and the head applied to the tokens of every stage.

It comes from language models, and asks what the head would read from tokens that it was never trained on:
Vilas et al. 2023 ("Analyzing Vision Transformers for Image Classification in Class Embedding Space", arXiv 2310.18969)
look at vision transformers in this way. A late jump does not prove that the class was not there before: linear probes,
trained for each layer, rise smoothly where the logit lens jumps. Early rows say how far the stream already speaks the
head's language, not what it knows.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.frames import frame, places
from mixer_viz.analysis.ranges import check_range, check_same_model
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.trace import Stage, stages_of, streams_of


@dataclasses.dataclass(frozen=True)
class LogitLens:
    """What the head says to the mean of the normed tokens of T stages; the last row is the network's own answer."""

    stages: tuple[Stage, ...]  # T
    logits: np.ndarray  # (T, num_classes) float64
    probabilities: np.ndarray  # (T, num_classes) float64, softmax of each row

    def to_frame(self) -> Any:
        """A pandas table: stage, name, class, logit, probability, one row per stage and class."""
        columns = places(self.logits.shape, ("stage", "class"), (0, 0))
        names = [self.stages[stage].name for stage in columns["stage"]]
        return frame(
            {**columns, "name": names, "logit": self.logits.ravel(), "probability": self.probabilities.ravel()}
        )


@dataclasses.dataclass(frozen=True)
class PatchLogits:
    """What the head says to each token alone, for one class; the mean over the S tokens is that stage's logit."""

    stages: tuple[Stage, ...]  # T
    target: int
    values: np.ndarray  # (T, S) float64, logits
    last_mean: float  # mean of the last row, to be compared with
    logit: float  # the network's own logit: equal but for rounding, as LayerNorm comes before the mean


@torch.no_grad()
def logit_lens(model: MlpMixer, trace: Trace) -> LogitLens:
    """Class logits and probabilities at every stage, in the model's precision; see this module's caveat.

    Raises ValueError for a trace of several images or of another model.
    """
    check_same_model(model, trace)
    rows = [model.head(one_image(model.norm(tokens)).mean(dim=0)) for tokens in streams_of(trace)]
    logits = to_double(torch.stack(rows))
    return LogitLens(stages_of(trace.config), logits, probabilities(logits))


@torch.no_grad()
def patch_logits(model: MlpMixer, trace: Trace, target: int) -> PatchLogits:
    """One class's logit of every patch at every stage; see this module's caveat, which holds for all but the last.

    Raises ValueError for a class that is not there, or a trace of several images or of another model.
    """
    check_same_model(model, trace)
    check_range("target", target, trace.config.num_classes)
    row = to_double(model.head.weight[target])
    bias = float(model.head.bias[target])
    values = np.stack([_scores(model, tokens, row) + bias for tokens in streams_of(trace)])
    return PatchLogits(
        stages=stages_of(trace.config),
        target=target,
        values=values,
        last_mean=float(values[-1].mean()),
        logit=float(one_image(trace.logits)[target]),
    )


def _scores(model: MlpMixer, tokens: Tensor, row: np.ndarray) -> np.ndarray:  # (1, S, C), (C,) -> (S,)
    scores: np.ndarray = to_double(one_image(model.norm(tokens))) @ row
    return scores
