"""Computations beside the page are bounded, and leave the device to others in between."""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait

import pytest

from mixer_viz.ui.compute import jobs
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import JobTable
from tests.ui.compute.made_jobs import ANN, KEY, TIMEOUT, Chunks, ask


@pytest.fixture
def table() -> JobTable:
    return JobTable()


def test_number_of_jobs_is_bounded_and_the_oldest_goes_first(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 3)
    for value in (0, 1, 2):
        ask(table, lambda *_, value=value: value, (value,)).future.result(TIMEOUT)
    ask(table, lambda *_: "not run", (0,))  # a sign that it is wanted
    ask(table, lambda *_: 3, (3,)).future.result(TIMEOUT)
    assert [table.result((value,)) for value in range(4)] == [0, None, 2, 3]


def test_number_at_work_is_bounded(table: JobTable) -> None:
    works = [Chunks() for _ in range(jobs.MAX_AT_WORK + 1)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    for each in works[:-1]:
        each.wait_for_chunk()
    assert works[-1].starts == 0
    assert running[-1].progress == (0, 0)
    for each in works:
        each.let_all()
    assert [job.future.result(TIMEOUT) for job in running] == ["finished"] * len(works)


def test_who_leaves_in_the_line_is_never_computed(table: JobTable) -> None:
    works = [Chunks() for _ in range(jobs.MAX_AT_WORK + 1)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    running[-1].leave(ANN)
    for each in works:
        each.let_all()
    wait([job.future for job in running], TIMEOUT)
    assert [job.stopped for job in running] == [False] * jobs.MAX_AT_WORK + [True]
    assert works[-1].starts == 0


def test_device_is_free_between_chunks_and_after_an_error(table: JobTable) -> None:
    gate, work, order = Gate(), Chunks(), []
    job = table.ask(KEY, work, gate, ANN)
    work.wait_for_chunk()

    def pass_of_a_page() -> None:
        with gate.held():
            order.append(work.done)

    page = threading.Thread(target=pass_of_a_page)
    page.start()
    while not gate._queue:
        assert page.is_alive()
        time.sleep(0.001)
    work.let_all()
    page.join(TIMEOUT)
    assert order == [1]  # right after the first chunk
    assert job.future.result(TIMEOUT) == "finished"
    broken = table.ask(("broken",), lambda *_: 1 // 0, gate, ANN)
    assert isinstance(broken.future.exception(TIMEOUT), ZeroDivisionError)
    with gate.held():
        pass
