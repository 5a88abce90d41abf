"""How far to trust a map, in numbers: agreement between methods, steadiness, and whether it depends on the weights.

All of them compare patch maps, by Spearman's rank correlation, -1 to 1: methods have different units, and what a reader
takes from a map is which patches stand out.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from scipy.stats import rankdata  # type: ignore[import-untyped]
from torch import Tensor

from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.model import MlpMixer

CONTROLS = 5  # random orders beside every curve
NOISE_DRAWS = 4
SHUFFLES = 3


@dataclasses.dataclass(frozen=True)
class NoiseSensitivity:
    """The same method on D slightly noisy copies of the image, against its map of the image itself."""

    noise: float  # standard deviation, as a share of the image's range
    relative_changes: np.ndarray  # (D,) |map of the copy - map| / |map|, Euclidean; NaN when the map is zero
    rank_correlations: np.ndarray  # (D,)
    score_changes: np.ndarray  # (D,) change of f, which says how much of it is the network's own unrest


@dataclasses.dataclass(frozen=True)
class RandomisationCheck:
    """The same method on R copies of the model whose weights are shuffled (Adebayo et al. 2018).

    "Sanity Checks for Saliency Maps", arXiv 1810.03292: a map that stays much the same when nothing learned is left
    shows the image, or the architecture, and not what the model learned. Near 0 is what one hopes for.
    """

    rank_correlations: np.ndarray  # (R,) of the signed maps
    magnitude_correlations: np.ndarray  # (R,) of their absolute values, as signs may turn at random


@dataclasses.dataclass(frozen=True)
class SanityChecks:
    """Whether a map is steady, and whether it depends on what was learned."""

    noise: NoiseSensitivity
    randomised: RandomisationCheck


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation of two maps of one shape; NaN when one of them is constant and so has no order."""
    if first.shape != second.shape:
        raise ValueError(f"maps of shapes {first.shape} and {second.shape} cannot be compared")
    ranks = [rankdata(values.ravel()) for values in (first, second)]
    centred = [values - values.mean() for values in ranks]
    norms = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    return float(centred[0] @ centred[1]) / norms if norms else float("nan")


def agreement(attributions: Sequence[Attribution]) -> np.ndarray:
    """(M, M) rank correlations between the patch maps of M attributions; 1 on the diagonal, NaN for constant maps."""
    maps = [attribution.patch_map for attribution in attributions]
    return np.array([[rank_correlation(first, second) for second in maps] for first in maps]).reshape(
        len(maps), len(maps)
    )


def noise_sensitivity(
    model: MlpMixer,
    pixels: Tensor,
    attribution: Attribution,
    *,
    noise: float = 0.02,
    draws: int = 4,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> NoiseSensitivity:
    """Attribute `draws` copies of `pixels` (1, 3, H, W) with Gaussian noise in the same way as `attribution`.

    Args:
        noise: standard deviation, as a share of the difference between the image's highest and lowest value.
    Raises ValueError for noise that is not positive or draws below one, AnalysisCancelled when told to stop.
    """
    if not 0 < noise <= 1:
        raise ValueError(f"noise={noise} must be above 0 and at most 1")
    _check_count("draws", draws)
    generator = torch.Generator().manual_seed(seed)
    size = noise * float(pixels.detach().max() - pixels.detach().min())
    others = []
    for index in range(draws):
        drawn = torch.randn(pixels.shape, generator=generator).to(pixels.dtype).to(pixels.device)
        step = _shifted(progress, index, draws)
        others.append(_again(model, pixels + size * drawn, attribution, step, cancelled))
    norm = float(np.linalg.norm(attribution.patch_map)) or float("nan")
    return NoiseSensitivity(
        noise=noise,
        relative_changes=np.array([np.linalg.norm(each.patch_map - attribution.patch_map) / norm for each in others]),
        rank_correlations=np.array([rank_correlation(each.patch_map, attribution.patch_map) for each in others]),
        score_changes=np.array([each.score - attribution.score for each in others]),
    )


def randomisation_check(
    model: MlpMixer,
    pixels: Tensor,
    attribution: Attribution,
    *,
    draws: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> RandomisationCheck:
    """Attribute `pixels` in the same way as `attribution`, on `draws` copies of the model with shuffled weights.

    Raises ValueError for draws below one, AnalysisCancelled when told to stop.
    """
    _check_count("draws", draws)
    maps = []
    for index in range(draws):
        step = _shifted(progress, index, draws)
        maps.append(_again(with_shuffled_weights(model, seed + index), pixels, attribution, step, cancelled).patch_map)
    own = attribution.patch_map
    return RandomisationCheck(
        rank_correlations=np.array([rank_correlation(each, own) for each in maps]),
        magnitude_correlations=np.array([rank_correlation(np.abs(each), np.abs(own)) for each in maps]),
    )


@torch.no_grad()
def with_shuffled_weights(model: MlpMixer, seed: int) -> MlpMixer:
    """A copy of `model` with the numbers of each tensor in random order: nothing learned is left, all sizes are."""
    twin = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    for parameter in twin.parameters():
        order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
        parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return twin


def _again(
    model: MlpMixer, pixels: Tensor, like: Attribution, progress: Progress | None, cancelled: Cancelled | None
) -> Attribution:
    return attribute(
        model,
        pixels,
        like.target,
        like.method,
        against=like.against,
        baseline=like.baseline or "black",
        seed=like.seed,
        precision=like.precision,
        progress=progress,
        cancelled=cancelled,
        **cast(dict[str, Any], dict(like.parameters)),
    )


def _shifted(progress: Progress | None, index: int, draws: int) -> Progress | None:
    """Progress of run `index` of several alike, as progress of them all."""
    if progress is None:
        return None
    return lambda done, total: progress(index * total + done, draws * total)


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"{name}={count} must be at least 1")
