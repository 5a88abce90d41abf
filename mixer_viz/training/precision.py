"""Whether bfloat16 pays on this machine: measured, since it is 4 times faster on some CPUs and slower on others."""

from __future__ import annotations

import copy
import time

import torch

from mixer_viz.checkpoints.networks import AnyNetwork

_STEPS = 3


def choose_precision(precision: str, model: AnyNetwork, batch_size: int) -> torch.dtype:
    """torch.float32 or torch.bfloat16 for "fp32", "bf16" or "auto" (the faster of the two, measured in a second)."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type != "cpu":
        return torch.float32
    trial = copy.deepcopy(model)
    size = model.config.image_size
    # The real batch size: on a small one the cost of each call hides what the arithmetic costs.
    pixels = torch.zeros(batch_size, model.config.in_channels, size, size)
    seconds = {dtype: _time_steps(trial, pixels, dtype) for dtype in (torch.float32, torch.bfloat16)}
    return min(seconds, key=lambda dtype: seconds[dtype])


def _time_steps(model: AnyNetwork, pixels: torch.Tensor, dtype: torch.dtype) -> float:
    best = float("inf")
    for _ in range(_STEPS):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss = model(pixels).float().sum()
        loss.backward()
        best = min(best, time.perf_counter() - start)
    return best
