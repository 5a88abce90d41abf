"""Which device a model runs on."""

from __future__ import annotations

import torch

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """The device asked for, or for "auto" the first one there is of CUDA, MPS and CPU.

    Args:
        device: "auto", "cpu", "mps", "cuda" or "cuda:1", or a `torch.device`.

    Raises CheckpointError when that device does not exist on this computer.
    """
    if device == "auto":
        return torch.device(_best_type())
    try:
        chosen = torch.device(device)
    except RuntimeError as exc:
        raise CheckpointError(
            noted("There is no device {device!r}; choose auto, cuda, mps or cpu.", device=str(device))
        ) from exc
    if not _exists(chosen):
        raise CheckpointError(
            noted(
                "The device {device!r} is not available on this computer; choose auto, or {best}.",
                device=str(chosen),
                best=_best_type(),
            )
        )
    return chosen


def _best_type() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _exists(device: torch.device) -> bool:
    index = device.index or 0
    if device.type == "cuda":
        return torch.cuda.is_available() and index < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available() and index == 0
    return device.type == "cpu"
