"""A class on the Attributions page, every visitor with another picture: the real table and gate, computations of ms."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import MAX_JOBS, JobTable, Key, wait_shortly

VISITORS = 30
MAPS = 3  # a map each, and curves and checks once it is there
NEEDED = VISITORS * MAPS * 3
CHUNKS, CHUNK_SECONDS = 3, 0.001
POLL, QUICK = 0.02, 0.04  # seconds, as those of the page, but shorter
GIVE_UP = 60.0


class Class:
    """Visitors who all come at once and wait until everything is on their page."""

    def __init__(self) -> None:
        self.table, self.gate = JobTable(connected=lambda visitor: True), Gate()
        self.made = itertools.count()
        self.done: list[int] = []
        self.deadline = time.monotonic() + GIVE_UP

    def compute(self, progress: Progress, cancelled: Cancelled) -> str:
        next(self.made)
        for chunk in range(CHUNKS):
            assert not cancelled()
            time.sleep(CHUNK_SECONDS)
            progress(chunk + 1, CHUNKS)
        return "result"

    def page_run(self, visitor: int) -> list[Key]:
        """What one run of the page asks for; keys of what is not there yet."""
        maps: list[Key] = [("map", visitor, each) for each in range(MAPS)]
        jobs = {key: self.table.ask(key, self.compute, self.gate, str(visitor)) for key in maps}
        wait_shortly(list(jobs.values()), QUICK)
        for key in [key for key, job in jobs.items() if job.future.done()]:
            for name in ("curves", "checks"):
                jobs[name, *key] = self.table.ask((name, *key), self.compute, self.gate, str(visitor))
        wait_shortly(list(jobs.values()), QUICK)
        self.table.leave_all_but(list(jobs), str(visitor))
        left = [key for key, job in jobs.items() if not job.future.done()]
        return left if len(jobs) == 3 * MAPS else [*left, ("more",)]

    def visit(self, visitor: int) -> None:
        while self.page_run(visitor):
            if time.monotonic() > self.deadline:
                return
            time.sleep(POLL)
        self.done.append(visitor)


def test_thirty_visitors_get_everything_and_nothing_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert NEEDED > 2 * MAX_JOBS
    visited = Class()
    threads = [threading.Thread(target=visited.visit, args=(visitor,)) for visitor in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * GIVE_UP)
    assert sorted(visited.done) == list(range(VISITORS))
    assert next(visited.made) == NEEDED
