"""`attribute`: one attribution of one image, by any method of the table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TypeGuard, get_args, overload

import captum.attr  # noqa: F401 - here, as the runners import it in the middle of what is timed
import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.attribution.baselines import baseline_pixels, check_baseline
from mixer_viz.analysis.attribution.methods import Method, check_parameters, check_target, class_number
from mixer_viz.analysis.attribution.result import Attribution, Value
from mixer_viz.analysis.attribution.table import method_for
from mixer_viz.analysis.attribution.task import Score, Task
from mixer_viz.analysis.batches import for_each_image
from mixer_viz.analysis.chunks import Cancelled, Precision, Progress, chunk_for, halving
from mixer_viz.analysis.ranges import check_answer, check_range
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.mixer import check_pixels


@overload
def attribute(
    model: MlpMixer,
    pixels: Tensor,
    target: int,
    method: str = "integrated_gradients",
    *,
    against: int | None = None,
    baseline: str = "mean",
    seed: int = 0,
    precision: Precision = "float32",
    chunk: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    **parameters: Value,
) -> Attribution: ...
@overload
def attribute(
    model: MlpMixer,
    pixels: Tensor,
    target: Sequence[int],
    method: str = "integrated_gradients",
    *,
    against: int | None = None,
    baseline: str = "mean",
    seed: int = 0,
    precision: Precision = "float32",
    chunk: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    **parameters: Value,
) -> list[Attribution]: ...
def attribute(
    model: MlpMixer,
    pixels: Tensor,
    target: int | Sequence[int],
    method: str = "integrated_gradients",
    *,
    against: int | None = None,
    baseline: str = "mean",
    seed: int = 0,
    precision: Precision = "float32",
    chunk: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    **parameters: Value,
) -> Attribution | list[Attribution]:
    """Which pixels and patches the score of `target` rests on; see `Attribution` for signs and units.

    The model is only read, so threads may share it: no hook, gradient or flag is left on it, also after an error.

    Args:
        target: a class; a tensor without an axis does, such as `logits.argmax()`. N classes, in a sequence or a tensor
            with one axis, ask for a list of N results, one for each image, equal to N calls; only one is in work at a
            time, and `progress` counts images.
        pixels: (1, 3, H, W), or (N, 3, H, W) for N targets, normalised and finite, of the model's type and on its
            device, as `preprocess` makes them.
        method, parameters: a row of `table.methods_for(model.config)` and its parameters by name.
        against: another class; then the score is the difference of the two logits.
        baseline: a name from `baselines.BASELINES`, for the methods that compare with one.
        seed: of all that is drawn; the same seed gives the same values (the noise of "smooth_grad" and "gradient_shap"
            is drawn chunk by chunk on the device, so on a GPU they need the same chunk as well).
        precision: "bfloat16" runs the network, and nothing else, under autocast: faster on some processors, with other
            small values (correlation with the float32 map 0.98, seen with patch ablation on B/16). The weights
            stay as they are. "patch_logits", which is exact and a single pass, is computed in float32 all the same,
            and its result says so.
        chunk: images sent through the network at once; by default as many as memory allows. Halved when it runs out.
        progress: called with (images done, images in all); goes back when memory ran out and gradients start again.
        cancelled: asked before every chunk; when it says yes, AnalysisCancelled is raised.
    Raises ValueError for an image, target, method, baseline, precision or parameter that does not fit.
    """
    if _are_targets(target):
        same = {"against": against, "baseline": baseline, "seed": seed, "precision": precision, "chunk": chunk}
        one = partial(attribute, method=method, cancelled=cancelled, **same, **parameters)
        return for_each_image(one, model, pixels, targets=target, progress=progress, cancelled=cancelled)
    started = time.perf_counter()
    row = method_for(model.config, method)
    values = check_parameters(row, parameters)
    target = class_number("target", target)
    against = None if against is None else class_number("against", against)
    check_target(model.config, target, against)
    check_baseline(baseline)
    check_range("seed", seed, 2**32)
    _check_pixels(model, pixels, precision)
    at_once = _chunk(row, model.config, pixels, chunk)
    used: Precision = "float32" if row.exact else precision
    score = Score(model, target, against, at_once, row.passes(values).forward, used, progress, cancelled)
    with (
        torch.inference_mode(False),
        torch.set_grad_enabled(row.needs_gradient),
        torch.autocast(pixels.device.type, enabled=False),  # of the caller, as it would reach backward passes
    ):
        # A leaf of its own: captum asks for gradients by setting a flag on the tensor.
        own = pixels.detach().clone().requires_grad_(row.needs_gradient)
        start = baseline_pixels(model.config, own.detach(), baseline, seed) if row.needs_baseline else None
        task = Task(model, own, start, score, values, seed, at_once)
        ends = _ends(task)
        raw = to_double(_values(row, task))
    seconds = time.perf_counter() - started - score.reporting_seconds
    return _result(row, task, baseline if row.needs_baseline else None, ends, raw, seconds)


def _are_targets(target: int | Sequence[int]) -> TypeGuard[Sequence[int]]:
    if isinstance(target, Tensor):
        return target.ndim == 1
    return isinstance(target, Sequence) and not isinstance(target, str)


def _result(
    row: Method, task: Task, baseline: str | None, ends: list[float], raw: np.ndarray, seconds: float
) -> Attribution:
    pixel_values, pixel_map, patch_map = _levels(task.model.config, raw)
    return Attribution(
        method=row.name,
        target=task.score.target,
        against=task.score.against,
        baseline=baseline,
        seed=task.seed,
        precision=task.score.precision,
        parameters=task.values,
        pixel_values=pixel_values,
        pixel_map=pixel_map,
        patch_map=patch_map,
        in_logits=row.in_logits,
        score=ends[0],
        baseline_score=ends[1] if len(ends) > 1 else None,
        expected=_expected(row, ends),
        seconds=seconds,
        forward_passes=task.score.forward_passes,
        backward_passes=task.score.backward_passes,
    )


def _chunk(row: Method, config: MixerConfig, pixels: Tensor, chunk: int | None) -> int:
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk={chunk} must be at least 1")
    return chunk or chunk_for(config, pixels.device, row.needs_gradient)


def _check_pixels(model: MlpMixer, pixels: Tensor, precision: str) -> None:
    weight = next(model.parameters())
    if not isinstance(pixels, Tensor):
        raise ValueError(f"pixels must be a tensor, as preprocess makes it, got {type(pixels).__name__}")
    check_pixels(pixels, model.config)
    one_image(pixels)
    if pixels.dtype != weight.dtype or pixels.device != weight.device:
        raise ValueError(
            f"pixels must be {weight.dtype} on {weight.device} as the model is, got {pixels.dtype} on {pixels.device}; "
            "preprocess makes them"
        )
    if not bool(pixels.isfinite().all()):
        raise ValueError("pixels must be finite, but some are NaN or infinite")
    if precision not in get_args(Precision):
        raise ValueError(f"precision={precision!r} must be one of {', '.join(get_args(Precision))}")
    if precision == "bfloat16" and pixels.dtype != torch.float32:
        raise ValueError(f"precision='bfloat16' takes float32 pixels, got {pixels.dtype}")


def _ends(task: Task) -> list[float]:
    """f(image) and, where the method compares with a baseline, f(baseline)."""
    images = [task.pixels.detach(), *([] if task.baseline is None else [task.baseline])]
    with torch.no_grad():
        scores = task.score(torch.cat(images))
    check_answer(scores)
    return [float(value) for value in scores]


def _values(row: Method, task: Task) -> Tensor:
    if not row.needs_gradient:
        return row.run(task)  # the score itself halves its chunks, and keeps what is done
    done = task.score.forward_passes

    def run(chunk: int) -> Tensor:
        task.score.restart(done)
        return row.run(task.with_chunk(chunk))

    # Methods that need all of their passes at once have no smaller chunk to try.
    chunked = row.passes(task.values).backward > 2
    return halving(task.chunk if chunked else 1, run)


def _levels(config: MixerConfig, raw: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
    """Values, pixel map and patch map from (1, 3, H, W); the patch map alone from (1, ..., S)."""
    if raw.ndim < 4:
        return None, None, raw.reshape(config.num_patches)
    pixel_map = raw[0].sum(axis=0)
    (rows, columns), side = config.grid_shape, config.patch_size
    return raw[0], pixel_map, pixel_map.reshape(rows, side, columns, side).sum(axis=(1, 3)).reshape(-1)


def _expected(row: Method, ends: list[float]) -> float | None:
    if row.law is None:
        return None
    return ends[0] - ends[1] if row.law == "difference" else ends[0]
