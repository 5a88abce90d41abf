"""Forward passes side by side: the rivals take turns in every round, so that what slows the machine slows all alike.

All that is reported is of one race and one machine: compare within it. Each turn is a few passes on end, as many as
fill the time given to it, and on a GPU it ends when the device is done.
"""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np
import torch

from mixer_viz.analysis.chunks import AnalysisCancelled, Cancelled, Precision, Progress

MOST_PASSES = 1000  # in one turn
Key = TypeVar("Key", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What a measured speed depends on, apart from the network."""

    device: str  # its name: "NVIDIA H200", or the processor's
    threads: int  # of torch on the CPU
    batch: int  # images in one forward pass
    precision: Precision  # of weights and arithmetic
    rounds: int  # turns that each rival had, R
    turn_seconds: float  # aimed at for one turn


@dataclasses.dataclass(frozen=True)
class Timing:
    """What one rival took; R rounds."""

    passes: int  # forward passes in each of its turns
    seconds: np.ndarray  # (R,) float64, of one pass, the mean of each turn


def conditions_of(
    device: torch.device, batch: int, precision: Precision, rounds: int, turn_seconds: float
) -> Conditions:
    """The conditions with the names filled in; raises ValueError for those under which nothing can be measured."""
    for name, count in (("batch", batch), ("rounds", rounds)):
        if count < 1:
            raise ValueError(f"{name}={count} must be at least 1")
    if precision not in get_args(Precision):
        raise ValueError(f"precision={precision!r} must be one of {', '.join(get_args(Precision))}")
    if not 0 <= turn_seconds < float("inf"):
        raise ValueError(f"turn_seconds={turn_seconds} must be a time of 0 or more")
    return Conditions(device_name(device), torch.get_num_threads(), batch, precision, rounds, turn_seconds)


def race(
    rivals: Mapping[Key, Callable[[], object]],
    device: torch.device,
    conditions: Conditions,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[Key, Timing]:
    """Time of one pass of every rival, round by round; who begins changes with every round.

    Two passes of each come first: one that warms up, one that tells how many fill a turn.

    Args:
        rivals: one forward pass each, on `device`.
        progress: told (done, total) turns, the warm-up counting as one of each rival.
        cancelled: asked before every turn; when it says yes, AnalysisCancelled is raised.
    """
    turns = _Turns((1 + conditions.rounds) * len(rivals), progress, cancelled)
    passes: dict[Key, int] = {}
    for key, run in rivals.items():
        turns.check()
        run()
        fitting = conditions.turn_seconds / max(_seconds(run, 1, device), 1e-9)
        passes[key] = int(min(max(round(fitting), 1), MOST_PASSES))
        turns.count()
    seconds: dict[Key, list[float]] = {key: [] for key in rivals}
    keys = list(rivals)
    for number in range(conditions.rounds):
        first = number % max(len(keys), 1)
        for key in keys[first:] + keys[:first]:
            turns.check()
            seconds[key].append(_seconds(rivals[key], passes[key], device) / passes[key])
            turns.count()
    return {key: Timing(passes[key], np.array(values)) for key, values in seconds.items()}


def device_name(device: torch.device) -> str:
    """What stands on the device: the GPU's name or the processor's."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU (MPS)" if device.type == "mps" else processor_name()


class _Turns:
    """Counts turns, reports them, and stops between two of them."""

    def __init__(self, total: int, progress: Progress | None, cancelled: Cancelled | None) -> None:
        self.done, self.total = 0, total
        self._progress, self._cancelled = progress, cancelled

    def check(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise AnalysisCancelled(f"cancelled after {self.done} of {self.total} turns")

    def count(self) -> None:
        self.done += 1
        if self._progress is not None:
            self._progress(self.done, self.total)


def _seconds(run: Callable[[], object], passes: int, device: torch.device) -> float:
    _finish(device)
    start = time.perf_counter()
    for _ in range(passes):
        run()
    _finish(device)
    return time.perf_counter() - start


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was given; the CPU has when a call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def processor_name() -> str:
    """The processor's name; platform.processor() is empty on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
