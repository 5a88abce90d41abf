"""How much each half-block writes into the residual stream, and whether along what is there or across it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mixer_viz.analysis.arrays import cosine, one_image, to_double
from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.overview import branch_ratios
from mixer_viz.model import Trace
from mixer_viz.model.trace import Stage, branches_of, stages_of


@dataclasses.dataclass(frozen=True)
class ResidualStream:
    """Each branch against the stream that it is added to, the one before it; row 0, the embedding, is nan everywhere.

    A cosine of 1: the branch makes the stream longer; -1: it erases; 0: it writes something new. A ratio is nan where
    the stream is zero; a cosine is 0 where either is zero.
    """

    stages: tuple[Stage, ...]  # T = 1 + 2 L
    ratio: np.ndarray  # (T,) float64, |branch| / |stream|, all S * C values as one vector
    cosine: np.ndarray  # (T,) float64, between the two as vectors of S * C values
    token_ratio: np.ndarray  # (T, S) float64, |branch| / |stream| of each token
    token_cosine: np.ndarray  # (T, S) float64, of each token

    def to_frame(self) -> Any:
        """A pandas table: stage, name, ratio, cosine."""
        names = [stage.name for stage in self.stages]
        return frame({"stage": range(len(names)), "name": names, "ratio": self.ratio, "cosine": self.cosine})


def residual_stream(trace: Trace) -> ResidualStream:
    """Measure every half-block's branch against its stream; raises ValueError for a trace of several images."""
    unknown = np.full(trace.config.num_patches, np.nan)
    cosines, token_ratios, token_cosines = [np.nan], [unknown], [unknown]
    for pair in branches_of(trace):
        branch, stream = (to_double(one_image(tensor)) for tensor in pair)  # (S, C) each
        cosines.append(float(cosine(branch.ravel(), stream.ravel())))
        token_ratios.append(_ratios(branch, stream))
        token_cosines.append(cosine(branch, stream))
    return ResidualStream(
        stages=stages_of(trace.config),
        ratio=branch_ratios(trace),
        cosine=np.array(cosines),
        token_ratio=np.stack(token_ratios),
        token_cosine=np.stack(token_cosines),
    )


def _ratios(branch: np.ndarray, stream: np.ndarray) -> np.ndarray:  # (S, C) and (S, C) -> (S,)
    length = np.linalg.norm(stream, axis=1)
    ratios: np.ndarray = np.linalg.norm(branch, axis=1) / np.where(length == 0, np.nan, length)
    return ratios
