"""Methods that take parts of the image away, without gradients: how captum runs them, their entries in the table."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from mixer_viz.analysis.attribution.masking import group_mask, spread_over_groups
from mixer_viz.analysis.attribution.methods import (
    Method,
    Parameter,
    Passes,
    cost_per,
    fixed_cost,
    num_groups,
    num_windows,
)
from mixer_viz.analysis.attribution.result import Value
from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.analysis.attribution.task import Task
from mixer_viz.language import mark, noted
from mixer_viz.model import MixerConfig


def _occlusion(task: Task) -> Tensor:
    from captum.attr import Occlusion

    window, stride = task.whole("window"), task.whole("stride")
    channels = task.pixels.shape[1]
    drops = Occlusion(task.score).attribute(
        task.pixels,
        sliding_window_shapes=(channels, window, window),
        strides=(channels, stride, stride),
        baselines=task.baseline,
        perturbations_per_eval=task.chunk,
    )
    means: Tensor = drops / (channels * window**2)
    return means


def _patch_ablation(task: Task) -> Tensor:
    from captum.attr import FeatureAblation

    mask = group_mask(task.model.config, 1, task.pixels.device)
    drops = FeatureAblation(task.score).attribute(
        task.pixels, task.baseline, feature_mask=mask, perturbations_per_eval=task.chunk
    )
    return spread_over_groups(drops, mask)


def _shapley_sampling(task: Task) -> Tensor:
    from captum.attr import ShapleyValueSampling

    mask = group_mask(task.model.config, task.whole("group"), task.pixels.device)
    method = ShapleyValueSampling(task.score)
    method.permutation_generator = functools.partial(random_orders, task.seed)
    values = method.attribute(
        task.pixels,
        task.baseline,
        feature_mask=mask,
        n_samples=task.whole("samples"),
        perturbations_per_eval=task.chunk,
    )
    return spread_over_groups(values, mask)


def _kernel_shap(task: Task) -> Tensor:
    from captum.attr import KernelShap

    mask = group_mask(task.model.config, task.whole("group"), task.pixels.device)
    method = KernelShap(task.score)
    method.interpretable_model = LeastSquares()  # captum's own needs scikit-learn
    method.perturb_func = functools.partial(_sets_drawn_at_once, task, method.perturb_func)
    values = method.attribute(
        task.pixels,
        task.baseline,
        feature_mask=mask,
        n_samples=task.whole("samples"),
        perturbations_per_eval=task.chunk,
    )
    return spread_over_groups(values, mask)


def _sets_drawn_at_once(
    task: Task, endless: Callable[..., Iterator[Tensor]], original_inp: Tensor, **kwargs: Any
) -> Iterator[Tensor]:
    """captum's random sets, drawn in one go under a seed."""
    with seeded(task.seed, task.pixels.device, task.score.wait):
        drawn = list(itertools.islice(endless(original_inp, **kwargs), task.whole("samples")))
    yield from drawn


def random_orders(seed: int, num_features: int, num_samples: int) -> Iterator[list[int]]:
    """captum's own orders, from a generator of our own in place of the process-wide one."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randperm(num_features, generator=generator).tolist() for _ in range(num_samples))


class LeastSquares:
    """Weighted linear regression with an intercept, in double precision, in the shape that captum asks for."""

    def fit(self, train_data: DataLoader[Any]) -> None:
        # The data set itself: to iterate over a loader draws from the process-wide random generator.
        data = cast(TensorDataset, train_data.dataset)
        features, outputs, weights = (part.cpu().double().numpy() for part in data.tensors)
        root = np.sqrt(weights.reshape(-1, 1))
        design = np.hstack([np.ones((len(features), 1)), features]) * root
        self._coefficients = np.linalg.lstsq(design, outputs.reshape(-1, 1) * root, rcond=None)[0][1:, 0]

    def representation(self) -> Tensor:
        return torch.from_numpy(self._coefficients)[None]


def rows(config: MixerConfig) -> list[Method]:
    """Their entries in the table."""
    return [*_ablations(config), *_shapley(config)]


def _ablations(config: MixerConfig) -> list[Method]:
    """Methods that take one part away at a time."""
    side, whole = config.patch_size, min(config.image_shape)

    def passes(values: Mapping[str, Value]) -> Passes:
        return Passes(num_windows(config, int(values["window"]), int(values["stride"])) + 3, 0)

    def check(values: Mapping[str, Value]) -> None:
        if int(values["stride"]) > int(values["window"]):
            raise ValueError(
                noted(
                    "stride={stride} is more than window={window}: pixels would be missed",
                    stride=values["stride"],
                    window=values["window"],
                )
            )

    return [
        Method(
            name="occlusion",
            title=mark("Occlusion"),
            answers=mark("How far does the logit fall when a window of the image is replaced by the baseline?"),
            run=_occlusion,
            passes=passes,
            parameters=(
                Parameter("window", mark("Side of the window, in pixels"), min(2 * side, whole), 1, whole),
                Parameter("stride", mark("Step of the window, in pixels"), side, 1, whole),
            ),
            needs_gradient=False,
            check_together=check,
        ),
        Method(
            name="patch_ablation",
            title=mark("Patch ablation"),
            answers=mark("How far does the logit fall when one patch alone is replaced by the baseline?"),
            run=_patch_ablation,
            passes=fixed_cost(forward=config.num_patches + 3, backward=0),
            needs_gradient=False,
        ),
    ]


def _shapley(config: MixerConfig) -> list[Method]:
    """Methods that take many parts away together, and share the change out fairly."""
    most = max(1, max(config.grid_shape) - 1)  # two groups or more, else there is nothing to share out
    coarse = min(2, most)

    def ordered(values: Mapping[str, Value]) -> Passes:
        return Passes(int(values["samples"]) * num_groups(config, int(values["group"])) + 3, 0)

    return [
        Method(
            name="shapley_sampling",
            title=mark("Shapley values, sampled"),
            answers=mark(
                "What does each patch add to the logit on average, over random orders of putting the patches in?"
            ),
            run=_shapley_sampling,
            passes=ordered,
            parameters=(
                Parameter("samples", mark("Random orders"), 10, 1, 500),
                Parameter("group", mark("Side of a group, in patches"), 1, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
        ),
        Method(
            name="kernel_shap",
            title=mark("Kernel SHAP"),
            answers=mark("Which share for each group of patches fits the logits of random sets of groups best?"),
            run=_kernel_shap,
            passes=cost_per("samples", extra=2, with_backward=False),
            parameters=(
                Parameter("samples", mark("Random sets"), max(200, 4 * num_groups(config, coarse)), 4, 20_000),
                Parameter("group", mark("Side of a group, in patches"), coarse, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
            check_together=lambda values: _check_samples(config, values),
        ),
    ]


def _check_samples(config: MixerConfig, values: Mapping[str, Value]) -> None:
    """Raise ValueError where Kernel SHAP would have fewer random sets than unknowns."""
    samples, groups = int(values["samples"]), num_groups(config, int(values["group"]))
    if groups < 2:
        raise ValueError(noted("kernel_shap needs at least two groups of patches, this Mixer has one patch"))
    if samples < groups + 2:
        words = mark("samples={samples} is too few for {groups} groups: at least {least}")
        raise ValueError(noted(words, samples=samples, groups=groups, least=groups + 2))
