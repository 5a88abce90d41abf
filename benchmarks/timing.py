"""Side-by-side timing: the rivals take turns in every round, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def alternate(rivals: dict[str, Callable[[], object]], rounds: int, warm_up: int = 2) -> dict[str, list[float]]:
    """Seconds of every call, one per round and rival; the order turns by one each round.

    Each rival must finish its work before it returns: on a GPU it synchronises. A result is dropped outside the clock.
    """
    names = list(rivals)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for index in range(-warm_up, rounds):
        turn = index % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            result = rivals[name]()
            elapsed = time.perf_counter() - start
            del result
            if index >= 0:
                seconds[name].append(elapsed)
    return seconds


def summary(values: Sequence[float], unit: str, at_most: float | None = None) -> dict[str, Any]:
    """One measured quantity as the runner prints it: median, spread, and the aim where there is one."""
    entry: dict[str, Any] = {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "rounds": len(values),
        "unit": unit,
    }
    if at_most is not None:
        entry["at_most"] = at_most
        entry["met"] = entry["median"] <= at_most
    return entry


def ratios(upper: Sequence[float], lower: Sequence[float]) -> list[float]:
    """Round by round, so that what slowed one whole round drops out."""
    return [a / b for a, b in zip(upper, lower, strict=True)]
