"""What `torch.load` returns -> its tensors under dotted names, each container visited once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted

MAX_DEPTH = 12  # of dictionaries within each other
MAX_ENTRIES = 100_000  # 5000 tensors with two moments of an optimiser for each, and settings
MAX_NAME_LENGTH = 400  # longer names are passed over


def tensors_in(content: Any) -> dict[str, Tensor]:
    """Tensors of nested dictionaries under dotted names; counters (tensors without an axis) and all else are left out.

    A container that is there several times, or holds itself, is visited the first time only. Raises CheckpointError
    beyond MAX_ENTRIES entries.
    """
    tensors: dict[str, Tensor] = {}
    for count, (name, value) in enumerate(_entries(content, "", 0, set())):
        if count >= MAX_ENTRIES:
            raise CheckpointError(
                noted(
                    "This PyTorch file has more than {most:,} entries; save only the model's state dict.",
                    most=MAX_ENTRIES,
                )
            )
        if isinstance(value, Tensor) and value.ndim > 0 and len(name) <= MAX_NAME_LENGTH:
            tensors[name] = value
    return tensors


def _entries(content: Any, prefix: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, Mapping) or depth > MAX_DEPTH or id(content) in seen or len(prefix) > MAX_NAME_LENGTH:
        return
    seen.add(id(content))
    for key, value in content.items():
        name = f"{prefix}{str(key)[: MAX_NAME_LENGTH + 1]}"
        yield name, value
        yield from _entries(value, f"{name}.", depth + 1, seen)
