"""Passes through the network that are counted and reported, can be stopped, and fit the memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from mixer_viz.analysis.chunks import halving

Progress = Callable[[int, int], None]  # (done, total), in images sent through the network
Cancelled = Callable[[], bool]


class AnalysisCancelled(RuntimeError):
    """The caller asked a long analysis to stop; nothing of it is kept."""


class ChunkedPasses:
    """Counts what one computation, in one thread, sends through a network, `chunk` images at a time."""

    def __init__(
        self, chunk: int, total: int, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.chunk, self.total = chunk, total
        self.forward_passes = self.backward_passes = 0
        self.reporting_seconds = 0.0  # spent in the caller's `progress`, who may let others compute meanwhile
        self._progress, self._cancelled = progress, cancelled

    def check_cancelled(self) -> None:
        """Raise AnalysisCancelled when the caller wants to stop."""
        if self._cancelled is not None and self._cancelled():
            raise AnalysisCancelled(f"cancelled after {self.forward_passes} of {self.total} passes")

    def count(self, images: int) -> None:
        """Count images that were sent forward, and report."""
        self.forward_passes += images
        if self._progress is not None:
            started = time.perf_counter()
            self._progress(min(self.forward_passes, self.total), self.total)
            self.reporting_seconds += time.perf_counter() - started

    def restart(self, forward_passes: int) -> None:
        """Forget the passes of a try that came to nothing."""
        self.forward_passes, self.backward_passes = forward_passes, 0

    def in_chunks(self, images: int, run: Callable[[slice], Tensor]) -> Tensor:
        """`run` of slices that make up 0 to `images`, joined: (images, ...). Out of memory halves the chunk."""
        parts: list[Tensor] = []
        start = 0
        while start < images:
            parts.append(self._part(start, images, run))
            start += len(parts[-1])
        return torch.cat(parts)

    def _part(self, start: int, images: int, run: Callable[[slice], Tensor]) -> Tensor:
        def attempt(chunk: int) -> Tensor:
            self.check_cancelled()
            self.chunk = chunk  # what did not fit once is not tried again
            return run(slice(start, min(start + chunk, images)))

        part = halving(self.chunk, attempt)
        self.count(len(part))
        return part
