"""PyTorch's own `.pt` and `.pth`, read by the weights-only reader so that no code in the file can run."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError

# Keys under which training scripts keep the weights of the one model they train.
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "state_dict_ema", "model_ema", "ema")
_MAX_DEPTH = 8
# How torch words its refusal of a class or function; for a broken stream it has other words.
_UNSAFE = re.compile(r"GLOBAL|unrecognized function|unsupported class|Can only (?:build|create)")


def read_pickled(path: Path, *, max_bytes: int) -> dict[str, Tensor]:
    """Every tensor of the model in a file written by `torch.save`, wrappers such as {"state_dict": ...} taken off.

    Counters (tensors without an axis) are left out. Raises CheckpointError when the file is damaged, wants to run
    code, declares more than `max_bytes` unpacked, or holds anything but a state dict.
    """
    _check_declared_size(path, max_bytes)
    return dict(_tensors(_unwrap(_load(path))))


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        if _UNSAFE.search(str(exc)):
            raise CheckpointError(
                "This file holds Python objects that could run code, so it is not opened; "
                "save only the model's state dict, best as .safetensors."
            ) from exc
        raise CheckpointError(_DAMAGED) from exc
    except Exception as exc:  # broken streams make torch raise nearly anything: struct.error, AssertionError, ...
        raise CheckpointError(_DAMAGED) from exc


_DAMAGED = (
    "This PyTorch file is damaged, cut short or not a state dict; "
    "download it again or save the model's state dict as .safetensors."
)


def _check_declared_size(path: Path, max_bytes: int) -> None:
    try:
        if not zipfile.is_zipfile(path):
            return  # the format before PyTorch 1.6: not compressed, and torch checks each size against the stream
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise CheckpointError(_DAMAGED) from exc
    if total > max_bytes:
        raise CheckpointError(
            f"This PyTorch file unpacks to {total:,} bytes, more than the {max_bytes:,} that are accepted; "
            "save only the model's state dict."
        )


def _unwrap(content: Any) -> Any:
    for _ in range(_MAX_DEPTH):
        inner = next((content[key] for key in _WRAPPERS if _is_dict(content) and _is_dict(content.get(key))), None)
        if inner is None:
            return content
        content = inner
    return content


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _tensors(content: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Tensors of nested dictionaries, as flax keeps them, under dotted names; anything else is passed over."""
    if not _is_dict(content) or depth > _MAX_DEPTH:
        return
    for key, value in content.items():
        if isinstance(value, Tensor) and value.ndim > 0:
            yield f"{prefix}{key}", value
        else:
            yield from _tensors(value, f"{prefix}{key}.", depth + 1)
