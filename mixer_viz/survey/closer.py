"""A closer look at a few pictures of a survey: derivatives, receptive fields, and how good attributions are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis import receptive_field
from mixer_viz.analysis.attribution import deletion, metrics
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.analysis.token_mixing import jacobian, unit_effect
from mixer_viz.language import mark
from mixer_viz.model import MixerConfig, MlpMixer, trace

MEASURES = (
    mark("deletion area"),
    mark("deletion area, random order"),
    mark("insertion area"),
    mark("insertion area, random order"),
    mark("rank correlation under noise"),
    mark("rank correlation, shuffled weights"),
)


@dataclasses.dataclass(frozen=True)
class CloserPlan:
    """Which pictures get the closer look, and how close."""

    pictures: np.ndarray  # (I,) int64
    methods: tuple[str, ...]  # of attribution; may be empty
    token: int  # whose receptive field is measured

    @classmethod
    def of(cls, config: MixerConfig, pictures: np.ndarray, methods: tuple[str, ...]) -> CloserPlan:
        """The middle patch, as on the pages."""
        return cls(pictures, methods, config.num_patches // 2 + config.grid_shape[1] // 2)


def empty_closer(config: MixerConfig, plan: CloserPlan) -> dict[str, np.ndarray]:
    """What is known before the first picture; rows are of `plan.pictures`."""
    blocks, tokens, images = config.num_blocks, config.num_patches, len(plan.pictures)
    return {
        "closer.done": np.zeros(images, np.int64),
        "closer.target": np.full(images, -1, np.int64),
        "jacobian.mean": np.zeros((blocks, tokens, tokens)),
        "jacobian.norm": np.zeros((blocks, tokens, tokens)),
        "field.sum": np.zeros((blocks + 1, tokens)),
        "field.count": np.zeros(blocks + 1, np.int64),
        "effect.sum": np.zeros((blocks, config.tokens_mlp_dim)),
        "effect.square": np.zeros((blocks, config.tokens_mlp_dim)),
        "attribution": np.full((images, len(plan.methods), len(MEASURES)), np.nan),
    }


def add_closer(
    model: MlpMixer,
    plan: CloserPlan,
    state: dict[str, np.ndarray],
    row: int,
    pixels: Tensor,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Add the picture of this row, (1, 3, H, W), to the state; the class it is looked at for is its top class.

    `between` is called after each of its parts, which take long: it may let others compute, or stop all by an error.
    """
    traced = trace(model, pixels)
    target = int(traced.logits.argmax())
    for block in range(model.config.num_blocks):
        found = jacobian.token_jacobian(model, traced, block)
        state["jacobian.mean"][block] += found.channel_mean
        state["jacobian.norm"][block] += found.norm
        effect = unit_effect.unit_effects(model, pixels, block, target)
        state["effect.sum"][block] += effect
        state["effect.square"][block] += effect**2
        between()
    field = receptive_field.receptive_field(model, pixels, plan.token).maps
    there = ~np.isnan(field).any(axis=1)  # a stage without a positive feature has no field
    state["field.sum"][there] += field[there]
    state["field.count"] += there
    for at, method in enumerate(plan.methods):
        between()
        state["attribution"][row, at] = _measures(model, pixels, target, method)
    state["closer.target"][row] = target
    state["closer.done"][row] = 1


def _measures(model: MlpMixer, pixels: Tensor, target: int, method: str) -> list[float]:
    """MEASURES of one map; nan where it has no finite values to rank."""
    found = attribute(model, pixels, target, method)
    if not np.isfinite(found.patch_map).all():
        return [float("nan")] * len(MEASURES)
    with torch.inference_mode(False):
        curves = deletion.deletion_insertion(model, pixels, found.patch_map, target)
        noise = metrics.noise_sensitivity(model, pixels, found, draws=2)
        shuffled = metrics.randomisation_check(model, pixels, found, draws=1)
    return [
        curves.deletion_area,
        float(curves.random_deletion_areas.mean()),
        curves.insertion_area,
        float(curves.random_insertion_areas.mean()),
        float(noise.rank_correlations.mean()),
        float(shuffled.rank_correlations.mean()),
    ]


def confidence_interval(values: np.ndarray, *, draws: int = 2000, level: float = 0.95, seed: int = 0) -> np.ndarray:
    """Mean and the percentile bootstrap interval over images: (I, ...) -> (3, ...), mean, low, high; nan are left out.

    Raises ValueError without an image.
    """
    if not len(values):
        raise ValueError("a mean needs at least one image, got none")
    rows = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    with np.errstate(invalid="ignore"):
        counts = (~np.isnan(values)).astype(float)
        filled = np.nan_to_num(values)
        means = filled[rows].sum(axis=1) / counts[rows].sum(axis=1)
        low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.stack([filled.sum(axis=0) / counts.sum(axis=0), low, high])


def merged_closer(states: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Several shares as one."""
    result = {name: value.copy() for name, value in states[0].items()}
    for state in states[1:]:
        rows = state["closer.done"] > 0
        for name, value in state.items():
            if name in ("attribution", "closer.target", "closer.done"):
                result[name][rows] = value[rows]
            else:
                result[name] += value
    return result
