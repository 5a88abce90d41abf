"""The whole way of one image through the network: a small picture of the tokens after every step, and the answer."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from scipy.linalg import orthogonal_procrustes  # type: ignore[import-untyped]
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, probabilities, to_array, to_double
from mixer_viz.analysis.calibration import confidences
from mixer_viz.analysis.frames import frame
from mixer_viz.model import MixerConfig, Trace
from mixer_viz.model.trace import Stage, branches_of, stages_of, streams_of

NUM_COLOURS = 3
COLOUR_PERCENTILE = 98.0  # one outlying token would otherwise leave all others grey


@dataclasses.dataclass(frozen=True)
class Overview:
    """One image at all T = 1 + 2 L stages; S tokens on a grid x grid picture, C channels.

    A picture's colours are the first three principal components of that stage's tokens, turned to agree as well as
    possible with the stage before. They are comparable inside a picture; from one picture to the next they show which
    tokens go together, not the same direction in channel space. Mid-grey is the mean token.
    """

    config: MixerConfig
    stages: tuple[Stage, ...]  # T
    embedding: np.ndarray  # (S, C) float32
    colours: np.ndarray  # (T, rows, columns, 3) float64, 0 to 1
    colour_limit: np.ndarray  # (T,) float64, component value drawn at 1 (its negative at 0); values beyond are clipped
    explained_variance: np.ndarray  # (T,) float64, share of the tokens' variance in the three components, 0 if none
    token_norm: np.ndarray  # (T, rows, columns) float64, length of each token
    branch_ratio: np.ndarray  # (T,) float64, |what the step adds| / |what it is added to|; nan for the embedding
    pooled: np.ndarray  # (C,) float32, mean over tokens after the last LayerNorm
    top_classes: np.ndarray  # (K,) int, most probable first; K is at most the number of classes
    top_probabilities: np.ndarray  # (K,) float64, softmax over all classes
    top_logits: np.ndarray  # (K,) float32
    confidence: float | None  # the largest probability after the model's own temperature; None where it has none

    def to_frame(self) -> Any:
        """A pandas table of the answer: class, name, logit, probability, most probable first."""
        known = self.config.class_names
        names = [known[index] if known else f"class {index}" for index in self.top_classes.tolist()]
        columns = {"logit": self.top_logits, "probability": self.top_probabilities}
        return frame({"class": self.top_classes, "name": names, **columns})


def overview_of(trace: Trace, num_top: int = 5) -> Overview:
    """Sum up one image's trace; raises ValueError when the trace holds several images or `num_top` is below 1."""
    if num_top < 1:
        raise ValueError(f"num_top={num_top} must be at least 1")
    logits = one_image(trace.logits)
    temperature = trace.config.temperature
    streams = [to_array(one_image(tokens)).astype(np.float64) for tokens in streams_of(trace)]
    grid = trace.config.grid_shape
    colours, limits, explained = _colours(streams)
    top = np.argsort(-to_array(logits), kind="stable")[:num_top]
    return Overview(
        config=trace.config,
        stages=stages_of(trace.config),
        embedding=to_array(trace.embedding[0]),
        colours=colours.reshape(-1, *grid, NUM_COLOURS),
        colour_limit=limits,
        explained_variance=explained,
        token_norm=token_norms(trace),
        branch_ratio=branch_ratios(trace),
        pooled=to_array(trace.pooled[0]),
        top_classes=top,
        top_probabilities=probabilities(to_double(logits))[top],
        top_logits=to_array(logits)[top],
        confidence=None if temperature is None else float(confidences(to_double(logits)[None], temperature)[0]),
    )


def token_norms(trace: Trace) -> np.ndarray:
    """Length of each token at every stage, over the grid: (T, rows, columns) float64. One image, else ValueError."""
    grid = trace.config.grid_shape
    lengths = [np.linalg.norm(to_double(one_image(tokens)), axis=1) for tokens in streams_of(trace)]
    return np.stack(lengths).reshape(-1, *grid)


def principal_scores(tokens: np.ndarray) -> tuple[np.ndarray, float]:
    """First three principal components of tokens (S, C): scores (S, 3) and their share of the variance, 0 to 1.

    Components that are missing (C or S too small) or of rounding size are 0. Each component's sign is chosen so that
    its largest value is positive, as a singular value decomposition leaves it open.
    """
    centred = tokens - tokens.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    # Relative to the tokens before centring: equal tokens leave nothing but the rounding of float32 behind.
    values[values <= max(tokens.shape) * np.finfo(np.float32).eps * np.linalg.norm(tokens)] = 0.0
    scores = (left * values)[:, :NUM_COLOURS]
    scores *= np.where(scores.max(axis=0) < -scores.min(axis=0), -1.0, 1.0)
    total = float((values**2).sum())
    explained = float((values[:NUM_COLOURS] ** 2).sum()) / total if total else 0.0
    return np.pad(scores, ((0, 0), (0, NUM_COLOURS - scores.shape[1]))), explained


def align_scores(scores: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Turn (and mirror where needed) scores (S, 3) to lie as close as possible to `reference` (S, 3).

    Orthogonal Procrustes: distances between tokens stay as they are, and the scale of either does not matter.
    """
    rotation, _ = orthogonal_procrustes(scores, reference)
    rotated: np.ndarray = scores @ rotation
    return rotated


def _colours(streams: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours (T, S, 3), limits (T,) and explained variance (T,) of tokens (S, C) at T stages."""
    colours, limits, explained = [], [], []
    reference = None
    for tokens in streams:
        scores, share = principal_scores(tokens)
        if scores.any():
            # The last stage with a pattern is the reference: one without would let the colours jump behind it.
            scores = reference = scores if reference is None else align_scores(scores, reference)
        magnitude = np.abs(scores)
        limit = float(np.percentile(magnitude, COLOUR_PERCENTILE)) or float(magnitude.max())
        colours.append(np.clip(0.5 + 0.5 * scores / (limit or 1.0), 0, 1))
        limits.append(limit)
        explained.append(share)
    return np.stack(colours), np.array(limits), np.array(explained)


def branch_ratios(trace: Trace) -> np.ndarray:
    """|what the step adds| / |what it is added to| over all tokens: (T,) float64; nan for the embedding."""
    return np.array([float("nan"), *(_ratio(branch, stream) for branch, stream in branches_of(trace))])


def _ratio(branch: Tensor, stream: Tensor) -> float:
    length = float(torch.linalg.vector_norm(stream.cpu().double()))
    return float(torch.linalg.vector_norm(branch.cpu().double())) / length if length else float("nan")
