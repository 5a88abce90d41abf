"""How much memory one call takes at its peak, beyond what was held before it."""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

Result = TypeVar("Result")
_PROCESS = Path("/proc/self")


def peak_mebibytes(run: Callable[[], Result], device: torch.device) -> tuple[float | None, Result]:
    """Peak of `run` in MiB, and its result.

    On CUDA from PyTorch's allocator. On the CPU from the process's resident memory, which Linux alone tells: heap
    that is free goes back to the system first, then its high-water mark is set back. None elsewhere.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = run()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20, result
    if sys.platform != "linux":
        return None, run()
    ctypes.CDLL(None).malloc_trim(0)
    (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    result = run()
    return (_resident("VmHWM") - before) / 1024, result


def _resident(name: str) -> int:
    """A line of this process's status, in KiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", (_PROCESS / "status").read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError(f"the status of this process has no {name}")
    return int(found.group(1))
