"""The attribution methods, as captum does them: the only importer of captum.

Every method runs on a score of its own (`attribution_score.Score`), never on the model's modules: where captum hangs
hooks on modules it gets private ones, so threads may share a model and nothing is left on it. Values at pixels come as
(1, 3, H, W), values of tokens as (1, ..., S). The logit of each patch, exact, stands among them as their reference.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from captum.attr import (
    DeepLift,
    FeatureAblation,
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    KernelShap,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
)
from torch import Tensor

from mixer_viz.analysis.activations.logit_lens import patch_logits
from mixer_viz.analysis.attribution.deep_lift_rules import private_copy, with_secants
from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.analysis.attribution.task import Task, group_mask, spread_over_groups
from mixer_viz.analysis.attribution_score import ScoreModule, TokensTap
from mixer_viz.analysis.attribution_shapley import LeastSquares, random_orders
from mixer_viz.model import trace
from mixer_viz.model.half_blocks import logits_from, tokens_at


def _saliency(task: Task) -> Tensor:
    return Saliency(task.score).attribute(task.pixels, abs=False)


def _input_x_gradient(task: Task) -> Tensor:
    return InputXGradient(task.score).attribute(task.pixels)


def _smooth_grad(task: Task) -> Tensor:
    samples = task.whole("samples")
    with seeded(task.seed, task.pixels.device, task.score.check_cancelled):
        return NoiseTunnel(Saliency(task.score)).attribute(
            task.pixels,
            nt_samples=samples,
            nt_samples_batch_size=min(task.chunk, samples),
            stdevs=task.noise,
            abs=False,
        )


def _integrated_gradients(task: Task) -> Tensor:
    return IntegratedGradients(task.score).attribute(
        task.pixels, task.baseline, n_steps=task.whole("steps"), internal_batch_size=task.chunk
    )


def _gradient_shap(task: Task) -> Tensor:
    # captum takes all samples in one batch; the mean over chunks is the mean over all.
    method, samples = GradientShap(task.score), task.whole("samples")
    total = torch.zeros_like(task.pixels)
    with seeded(task.seed, task.pixels.device, task.score.check_cancelled):
        for start in range(0, samples, task.chunk):
            count = min(task.chunk, samples - start)
            part = method.attribute(task.pixels, task.baseline, n_samples=count, stdevs=task.noise)
            total += part.detach() * (count / samples)
    return total


def _deep_lift(task: Task) -> Tensor:
    # captum warns at each run that it sets hooks; here they go on a private copy. A filter for that one message may
    # stay: taking it back would put back the filters that other threads have changed since.
    warnings.filterwarnings("ignore", message="Setting forward, backward hooks", category=UserWarning)
    network = with_secants(task.model) if task.values["rules"] == "rescale" else private_copy(task.model)
    return DeepLift(ScoreModule(task.score, network)).attribute(task.pixels, task.baseline)


def _occlusion(task: Task) -> Tensor:
    window, stride = task.whole("window"), task.whole("stride")
    channels = task.pixels.shape[1]
    drops = Occlusion(task.score).attribute(
        task.pixels,
        sliding_window_shapes=(channels, window, window),
        strides=(channels, stride, stride),
        baselines=task.baseline,
        perturbations_per_eval=task.chunk,
    )
    return drops / (channels * window**2)


def _patch_ablation(task: Task) -> Tensor:
    mask = group_mask(task.model.config, 1, task.pixels.device)
    drops = FeatureAblation(task.score).attribute(
        task.pixels, task.baseline, feature_mask=mask, perturbations_per_eval=task.chunk
    )
    return spread_over_groups(drops, mask)


def _shapley_sampling(task: Task) -> Tensor:
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
    mask = group_mask(task.model.config, task.whole("group"), task.pixels.device)
    values = _SeededKernelShap(task).attribute(
        task.pixels,
        task.baseline,
        feature_mask=mask,
        n_samples=task.whole("samples"),
        perturbations_per_eval=task.chunk,
    )
    return spread_over_groups(values, mask)


class _SeededKernelShap(KernelShap):
    """captum's method with its random sets drawn in one go, under a seed, and without its need for scikit-learn."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.score)
        self.interpretable_model = LeastSquares()
        self._task = task

    def kernel_shap_perturb_generator(self, original_inp: Tensor, **kwargs: Any) -> Iterator[Tensor]:
        task = self._task
        with seeded(task.seed, task.pixels.device, task.score.check_cancelled):
            endless = super().kernel_shap_perturb_generator(original_inp, **kwargs)
            drawn = list(itertools.islice(endless, task.whole("samples")))
        yield from drawn


def _grad_cam(task: Task) -> Tensor:
    model, stage = task.model, 2 * (task.whole("block") + 1)
    network = TokensTap(
        lambda pixels: tokens_at(model, pixels, stage), lambda tokens: logits_from(model, tokens, stage)
    )
    module = ScoreModule(task.score, network)
    return LayerGradCam(module, network.tap).attribute(task.pixels, relu_attributions=False)


def _layer_integrated_gradients(task: Task) -> Tensor:
    """Integrated gradients over a block's tokens: nothing before that block need run again, and no hook is needed."""
    model, stage = task.model, 2 * (task.whole("block") + 1)
    with torch.no_grad():
        both = torch.cat([task.pixels, task.start])
        here, there = task.score.run(lambda pixels: tokens_at(model, pixels, stage), both).split(1)
    task.score.count(2)
    rest = functools.partial(task.score.through, lambda tokens: logits_from(model, tokens, stage))
    values = IntegratedGradients(rest).attribute(
        here, there, n_steps=task.whole("steps"), internal_batch_size=task.chunk
    )
    return values.sum(dim=2)


def _patch_logits(task: Task) -> Tensor:
    """No captum: the exact map that the others can be held against. Divided by S, so that the sum is the score."""
    seen = trace(task.model, task.pixels)
    task.score.count(1)
    target, against = task.score.target, task.score.against
    values = patch_logits(task.model, seen, target).values[-1]
    if against is not None:
        values = values - patch_logits(task.model, seen, against).values[-1]
    return torch.from_numpy(values / len(values))[None]


METHODS: dict[str, Callable[[Task], Tensor]] = {
    "saliency": _saliency,
    "input_x_gradient": _input_x_gradient,
    "smooth_grad": _smooth_grad,
    "integrated_gradients": _integrated_gradients,
    "gradient_shap": _gradient_shap,
    "deep_lift": _deep_lift,
    "occlusion": _occlusion,
    "patch_ablation": _patch_ablation,
    "shapley_sampling": _shapley_sampling,
    "kernel_shap": _kernel_shap,
    "grad_cam": _grad_cam,
    "layer_integrated_gradients": _layer_integrated_gradients,
    "patch_logits": _patch_logits,
}
