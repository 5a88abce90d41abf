"""Who trains what: at most one training for each visitor.

At most MAX_RUNNING train at the same time; others wait until one pauses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from mixer_viz.training.data.pictures import Pictures
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.visitors import is_connected, when_server_stops
from mixer_viz.ui.learning.run import LiveRun

MAX_RUNNING = 8


class LiveTable:
    """Who trains what: one run for each visitor; those of who left go when the next one begins."""

    def __init__(self, connected: Callable[[str], bool] = is_connected) -> None:
        self._lock = threading.Lock()
        self._connected = connected
        self._runs: dict[str, LiveRun] = {}

    def run_of(self, visitor: str) -> LiveRun | None:
        with self._lock:
            return self._runs.get(visitor)

    def begin(self, visitor: str, recipe: Recipe, task: Pictures, device: torch.device, gate: Gate) -> LiveRun:
        """A new training for this visitor, in place of the one before."""
        with self._lock:
            for name in [name for name in self._runs if name == visitor or not self._connected(name)]:
                self._runs.pop(name).close()
            run = self._runs[visitor] = LiveRun(recipe, task, device, gate, self._may_run)
            return run

    def close(self) -> None:
        with self._lock:
            for run in self._runs.values():
                run.close()

    def _may_run(self, run: LiveRun) -> bool:
        others = [other for other in list(self._runs.values()) if other is not run and other.is_running]
        return len(others) < MAX_RUNNING


@kept("single")
def live_table() -> LiveTable:
    """The one table of this server."""
    table = LiveTable()
    when_server_stops(table.close)
    return table
