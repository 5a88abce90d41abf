"""Computations beside the page are bounded, and leave the device to others in between."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from concurrent.futures import wait

import numpy as np
import pytest
import torch

from mixer_viz.ui.compute import jobs
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import JobTable
from mixer_viz.ui.compute.result_size import size_of
from tests.ui.compute.made_jobs import ANN, BOB, KEY, TIMEOUT, Chunks, ask


@dataclasses.dataclass(frozen=True)
class Curve:
    values: np.ndarray


@pytest.fixture
def table() -> JobTable:
    return JobTable()


def kept(table: JobTable, count: int) -> list[object]:
    return [table.result((value,)) for value in range(count)]


def test_of_what_nobody_looks_at_the_oldest_goes_first(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 3)
    for value in (0, 1, 2):
        ask(table, lambda *_, value=value: value, (value,)).future.result(TIMEOUT)
    ask(table, lambda *_: "not run", (0,))  # a sign that it is wanted
    table.leave_all_but([], ANN)
    ask(table, lambda *_: 3, (3,)).future.result(TIMEOUT)
    table.leave_all_but([], ANN)
    ask(table, lambda *_: 4, (4,)).future.result(TIMEOUT)
    assert kept(table, 5) == [0, None, 2, 3, 4]


def test_what_somebody_looks_at_is_kept_however_much_it_is(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 3)
    for value in range(10):
        ask(table, lambda *_, value=value: value, (value,), visitor=f"visitor {value}").future.result(TIMEOUT)
    assert kept(table, 10) == list(range(10))


def test_what_is_at_work_or_in_line_is_never_dropped(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 1)
    works = [Chunks() for _ in range(2 * jobs.MAX_SHORT)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    for number, each in enumerate(works):
        assert ask(table, each, (number,)) is running[number]
    for each in works:
        each.let_all()
    assert [job.future.result(TIMEOUT) for job in running] == ["finished"] * len(works)
    assert [each.starts for each in works] == [1] * len(works)


def test_bytes_of_all_results_are_bounded(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_RESULT_BYTES", 3000)
    for value in range(5):  # all of them are looked at
        ask(table, lambda *_: np.zeros(1000, np.uint8), (value,)).future.result(TIMEOUT)
    settle(table)
    assert [found is not None for found in kept(table, 5)] == [False, False, True, True, True]
    ask(table, lambda *_: np.zeros(10_000, np.uint8), (5,)).future.result(TIMEOUT)
    settle(table)
    assert [found is not None for found in kept(table, 6)] == [False] * 5 + [True]  # the newest is there to be seen


def settle(table: JobTable) -> None:
    """Until the last job's thread has cleared up after it."""
    deadline = time.monotonic() + TIMEOUT
    while table._at_work:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("result", "size"),
    [
        (np.zeros((3, 4), np.float32), 48),
        ([np.zeros(5, np.uint8), torch.zeros(2)], 13),
        ({0: Curve(np.zeros(2)), 1: (np.zeros(3),)}, 40 + 2 * sys.getsizeof(0)),
    ],
)
def test_bytes_of_a_result(result: object, size: int) -> None:
    assert size_of(result) == pytest.approx(size, abs=8)


def test_what_a_result_holds_twice_counts_once() -> None:
    held = np.zeros(1000, np.uint8)
    own: list[object] = [held, held]
    own.append(own)
    assert size_of(own) == 1000


def test_number_at_work_is_bounded(table: JobTable) -> None:
    works = [Chunks() for _ in range(jobs.MAX_SHORT + 1)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    for each in works[:-1]:
        each.wait_for_chunk()
    assert works[-1].starts == 0
    assert running[-1].progress == (0, 0)
    for each in works:
        each.let_all()
    assert [job.future.result(TIMEOUT) for job in running] == ["finished"] * len(works)


def test_who_leaves_in_the_line_is_never_computed(table: JobTable) -> None:
    works = [Chunks() for _ in range(jobs.MAX_SHORT + 1)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    running[-1].leave(ANN)
    for each in works:
        each.let_all()
    wait([job.future for job in running], TIMEOUT)
    assert [job.stopped for job in running] == [False] * jobs.MAX_SHORT + [True]
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


def test_a_short_job_does_not_wait_for_long_ones(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LONG_AFTER", -1.0)  # every job is long once it has reported
    gates = [Gate() for _ in range(jobs.MAX_SHORT)]  # on devices of their own, so that each can be at its second chunk
    works = [Chunks() for _ in gates]
    for number, (work, gate) in enumerate(zip(works, gates, strict=True)):
        table.ask((number,), work, gate, ANN)
    for work in works:
        work.wait_for_chunk()
        work.let.release()
        work.wait_for_chunk()  # the second
    short = ask(table, lambda *_: "short", ("short",), visitor=BOB)
    assert short.future.result(TIMEOUT) == "short"
    assert [work.done for work in works] == [1] * len(works)
    for work in works:
        work.let_all()


def test_number_at_work_is_bounded_for_long_ones_too(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LONG_AFTER", -1.0)
    monkeypatch.setattr(jobs, "MAX_AT_WORK", 2)
    works = [Chunks() for _ in range(3)]
    running = [table.ask((number,), work, Gate(), ANN) for number, work in enumerate(works)]
    for work in works[:2]:
        work.wait_for_chunk()
        work.let.release()
        work.wait_for_chunk()
    assert works[2].starts == 0
    for work in works:
        work.let_all()
    assert [job.future.result(TIMEOUT) for job in running] == ["finished"] * 3


def test_closing_stops_what_is_at_work_and_starts_nothing(table: JobTable) -> None:
    work = Chunks()
    job = ask(table, work)
    work.wait_for_chunk()
    table.close()
    later = ask(table, lambda *_: "not run", ("later",))
    work.let_all()
    wait([job.future], TIMEOUT)
    assert job.stopped
    assert not later.future.done()


def test_what_people_look_at_first_goes_first_and_the_rest_gets_its_turn(
    table: JobTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_SHORT", 1)
    monkeypatch.setattr(jobs, "FIRST_TURNS", 3)
    busy, log, gate = Chunks(1), [], Gate()
    ask(table, busy, ("busy",))
    busy.wait_for_chunk()
    names = ["later a", "later b", *(f"map {number}" for number in range(5))]
    waiting = [
        table.ask((name,), lambda *_, name=name: log.append(name), gate, ANN, later="later" in name) for name in names
    ]
    busy.let_all()
    wait([job.future for job in waiting], timeout=TIMEOUT)
    # The first turn of three was that of the job that kept the place.
    assert log == ["map 0", "map 1", "later a", "map 2", "map 3", "map 4", "later b"]
