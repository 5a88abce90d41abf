"""Attributions against the plain captum call with its defaults: patch ablation and integrated gradients, in turn.

Both sides get the same frozen network in eval mode, the same pixels and baseline, and as many threads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation, IntegratedGradients
from peak_memory import peak_mebibytes
from timing import alternate, ratios, summary
from torch import Tensor, nn

from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.attribution.masking import group_mask
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.checkpoints import load_model
from mixer_viz.images import preprocess
from mixer_viz.images.samples import load_sample
from mixer_viz.model import PRESETS, MlpMixer

NAME = "attribution"
AT_MOST = 1.0  # ours / captum's
CORRELATION_AT_LEAST = 0.999  # of our float32 map with captum's
STEPS = 50  # captum's default, and ours
ROUNDS = {"cpu": {"bundled": 10, "B/16": 3}, "cuda": {"bundled": 20, "B/16": 20}}
HEAD_SCALE = 0.1  # standard deviation of the random head's weights: the logits of B/16 are then about 1 apart

Rivals = dict[str, Callable[[], Any]]  # each returns a patch map (S,)


def measure() -> dict[str, Any]:
    """Ratios, seconds, correlations and memory of the bundled model and B/16, on the CPU and on CUDA if it is there."""
    results: dict[str, Any] = {}
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        for size, model in {"bundled": load_model("mixer_cifar10", "cpu"), "B/16": random_b16()}.items():
            measured = compare(model.to(device), ROUNDS[device][size])
            results |= {f"{device}, {size}, {key}": value for key, value in measured.items()}
    return results


def random_b16() -> MlpMixer:
    """Mixer-B/16 with random weights and a head for 1 000 classes that tells images apart."""
    torch.manual_seed(0)
    model = MlpMixer(PRESETS["B/16"]).eval().requires_grad_(False)
    nn.init.normal_(model.head.weight, std=HEAD_SCALE)
    return model


def compare(model: MlpMixer, rounds: int) -> dict[str, Any]:
    """One network on one photo, explained for the class that it answers."""
    device = next(model.parameters()).device
    pixels = preprocess(load_sample("cat"), model)
    target = int(model(pixels).argmax())
    theirs = {"patch_ablation": captum_ablation, "integrated_gradients": captum_gradients}
    results: dict[str, Any] = {}
    for method, plain in theirs.items():
        ours = functools.partial(patch_map, model, pixels, target, method)
        rivals: Rivals = {
            "ours": ours,
            "captum": functools.partial(plain, model, pixels, target),
            "bfloat16": functools.partial(ours, precision="bfloat16"),
        }
        name = method.replace("_", " ")
        results |= {f"{name}: {key}": value for key, value in race(rivals, rounds, device).items()}
    return results


def race(rivals: Rivals, rounds: int, device: torch.device) -> dict[str, Any]:
    """One method: the maps and the memory first, which warms up as well, then the times.

    Raises RuntimeError when our map is not captum's.
    """
    memory, maps = {}, {}
    for name, run in rivals.items():
        memory[name], maps[name] = peak_mebibytes(run, device)
    alike = correlation(maps["ours"], maps["captum"])
    if not alike >= CORRELATION_AT_LEAST:
        raise RuntimeError(f"our map is not captum's: their correlation is {alike:.5f}")
    seconds = alternate(rivals, rounds, warm_up=0)
    return {
        "ours / captum": summary(ratios(seconds["ours"], seconds["captum"]), "x", AT_MOST),
        "bfloat16 / float32, both ours": summary(ratios(seconds["bfloat16"], seconds["ours"]), "x"),
        **{f"{name} time": summary(values, "s") for name, values in seconds.items()},
        **{f"{name} peak memory": {"value": value, "unit": "MiB"} for name, value in memory.items() if value},
        "correlation with captum's map": {"value": alike},
        "correlation of the bfloat16 map": {"value": correlation(maps["bfloat16"], maps["ours"])},
    }


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two patch maps."""
    return float(np.corrcoef(first, second)[0, 1])


def patch_map(model: MlpMixer, pixels: Tensor, target: int, method: str, **settings: Any) -> np.ndarray:
    """Ours, with everything that `attribute` does besides: checks, both scores, sums over pixels and patches."""
    return attribute(model, pixels, target, method, baseline="black", **settings).patch_map


def captum_ablation(model: MlpMixer, pixels: Tensor, target: int) -> np.ndarray:
    """One image at a time, which is the default `perturbations_per_eval`; every pixel holds its patch's drop."""
    mask = group_mask(model.config, 1, pixels.device)
    start = baseline_pixels(model.config, pixels, "black")
    drops = FeatureAblation(model).attribute(pixels, start, target, feature_mask=mask)
    return patch_sums(model, drops) / (pixels.shape[1] * model.config.patch_size**2)


def captum_gradients(model: MlpMixer, pixels: Tensor, target: int) -> np.ndarray:
    """All steps in one batch, which is the default `internal_batch_size`."""
    start = baseline_pixels(model.config, pixels, "black")
    values = IntegratedGradients(model).attribute(pixels, start, target, n_steps=STEPS)
    return patch_sums(model, values)


def patch_sums(model: MlpMixer, values: Tensor) -> np.ndarray:
    """(1, 3, H, W) -> (S,) on the CPU, so that the device is done."""
    grid, side = model.config.grid_size, model.config.patch_size
    pixel_map = values.detach().double().cpu().sum(dim=1)
    return pixel_map.view(grid, side, grid, side).sum(dim=(1, 3)).flatten().numpy()
