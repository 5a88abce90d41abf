"""Work in chunks for the job table, let through by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mixer_viz.analysis.chunks import AnalysisCancelled, Cancelled, Progress
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import Job, JobTable

TIMEOUT = 60.0  # seconds; a busy machine is slow
KEY = ("attribution", "Cat", 3)
ANN, BOB = "ann", "bob"


class Chunks:
    """Work in chunks that the test lets through one by one."""

    def __init__(self, total: int = 3) -> None:
        self.total, self.starts, self.done = total, 0, 0
        self.at_chunk = threading.Semaphore(0)  # given before each chunk
        self.let = threading.Semaphore(0)  # taken for each chunk

    def __call__(self, progress: Progress, cancelled: Cancelled) -> str:
        self.starts += 1
        for number in range(1, self.total + 1):
            if cancelled():
                raise AnalysisCancelled("stopped")
            self.at_chunk.release()
            assert self.let.acquire(timeout=TIMEOUT)
            self.done += 1
            progress(number, self.total)
        return "finished"

    def wait_for_chunk(self) -> None:
        assert self.at_chunk.acquire(timeout=TIMEOUT)

    def let_all(self) -> None:
        self.let.release(1000)


def ask(table: JobTable, work: Callable[..., Any], key: tuple[Any, ...] = KEY, visitor: str = ANN) -> Job[Any]:
    return table.ask(key, work, Gate(), visitor)
