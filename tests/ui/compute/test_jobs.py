"""Computations beside the page: shared by key, stopped once nobody waits, and their errors kept."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import pytest

from mixer_viz.analysis.chunks import AnalysisCancelled
from mixer_viz.ui.compute import jobs
from mixer_viz.ui.compute.jobs import Job, JobTable, wait_shortly
from tests.ui.compute.made_jobs import ANN, BOB, KEY, TIMEOUT, Chunks, ask


@pytest.fixture
def table() -> JobTable:
    return JobTable()


@pytest.fixture
def work() -> Iterator[Chunks]:
    """Let through to its end after the test, so that no thread is left behind."""
    made = Chunks()
    yield made
    made.let_all()


def test_same_key_is_one_job_and_its_result_is_kept(table: JobTable, work: Chunks) -> None:
    first = ask(table, work)
    work.wait_for_chunk()
    assert ask(table, work, visitor=BOB) is first
    work.let_all()
    assert first.future.result(TIMEOUT) == "finished"
    assert ask(table, work) is first
    assert table.result(KEY) == "finished"
    assert work.starts == 1
    assert first.progress == (3, 3)


def test_another_key_is_another_job(table: JobTable) -> None:
    found = [ask(table, lambda *_, value=value: value, ("key", value)).future.result(TIMEOUT) for value in range(3)]
    assert found == [0, 1, 2]
    assert [table.result(("key", value)) for value in range(3)] == [0, 1, 2]


def test_only_visitor_leaves_and_the_next_chunk_is_not_begun(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    job.leave(ANN)
    work.let_all()
    assert isinstance(job.future.exception(TIMEOUT), AnalysisCancelled)
    assert job.stopped
    assert work.done == 1
    assert table.result(KEY) is None


def test_stopped_job_is_started_anew(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    job.leave(ANN)
    work.let_all()
    wait([job.future], TIMEOUT)
    again = ask(table, work)
    assert again is not job
    assert again.future.result(TIMEOUT) == "finished"
    assert work.starts == 2
    assert table.result(KEY) == "finished"


def test_it_goes_on_while_a_second_visitor_waits(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    ask(table, work, visitor=BOB)
    work.wait_for_chunk()
    job.leave(ANN)
    work.let_all()
    assert job.future.result(TIMEOUT) == "finished"


def test_who_comes_back_before_the_next_chunk_keeps_it_going(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    job.leave(ANN)
    assert ask(table, work) is job
    work.let_all()
    assert job.future.result(TIMEOUT) == "finished"


def test_visitor_who_gives_no_sign_is_gone(table: JobTable, work: Chunks, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    monkeypatch.setattr(jobs, "PATIENCE", -1.0)
    work.let_all()
    wait([job.future], TIMEOUT)
    assert job.stopped


def test_who_is_connected_gives_signs_as_seldom_as_tabs_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = {ANN}
    table, works = JobTable(connected=connected.__contains__), [Chunks(), Chunks()]
    monkeypatch.setattr(jobs, "PATIENCE", -1.0)  # no sign is fresh
    for number, work in enumerate(works):
        job = ask(table, work, (number,))
        work.wait_for_chunk()
        if number:
            connected.clear()
        work.let_all()
        wait([job.future], TIMEOUT)
        assert job.stopped == bool(number)


def test_visitor_leaves_all_but_what_is_on_the_page(table: JobTable) -> None:
    works = [Chunks() for _ in range(3)]
    running = [ask(table, each, (number,)) for number, each in enumerate(works)]
    ask(table, works[2], (2,), BOB)
    for each in works:
        each.wait_for_chunk()
    table.leave_all_but([(0,)], ANN)
    for each in works:
        each.let_all()
    wait([job.future for job in running], TIMEOUT)
    assert [job.stopped for job in running] == [False, True, False]
    assert [table.result((number,)) for number in range(3)] == ["finished", None, "finished"]


def test_error_is_kept_and_logged_once(table: JobTable, caplog: pytest.LogCaptureFixture) -> None:
    starts = []

    def broken(*_: object) -> None:
        starts.append(1)
        raise ArithmeticError("broken")

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert isinstance(ask(table, broken).future.exception(TIMEOUT), ArithmeticError)
            assert table.result(KEY) is None
    assert len(starts) == 1  # asking again does not try again
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_failed_job_can_be_started_again(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs._log, "disabled", True)
    outcomes = [1 // 1, 0]
    asked = [ask(table, lambda *_: 1 // outcomes.pop()) for _ in range(2)]
    assert asked[0] is asked[1]
    assert isinstance(asked[0].future.exception(TIMEOUT), ZeroDivisionError)
    assert asked[0].failed
    table.forget_failed([KEY])
    again = ask(table, lambda *_: 1 // outcomes.pop())
    assert again.future.result(TIMEOUT) == 1
    table.forget_failed([KEY])  # somebody else's button
    assert ask(table, lambda *_: "not run") is again


def test_a_result_can_be_forgotten_once_it_is_there(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    table.forget([KEY])
    assert ask(table, lambda *_: "not run") is job  # at work
    work.let_all()
    assert job.future.result(TIMEOUT) == "finished"
    table.forget([KEY, ("nothing",)])
    assert table.result(KEY) is None
    assert table.is_new(KEY)


def test_stopping_is_no_error_for_the_log(table: JobTable, work: Chunks, caplog: pytest.LogCaptureFixture) -> None:
    job = ask(table, work)
    work.wait_for_chunk()
    job.leave(ANN)
    work.let_all()
    wait([job.future], TIMEOUT)
    assert caplog.records == []


def test_no_result_of_what_is_unknown_or_at_work(table: JobTable, work: Chunks) -> None:
    assert table.result(KEY) is None
    ask(table, work)
    work.wait_for_chunk()
    assert table.result(KEY) is None


def test_waiting_shortly_ends_with_the_jobs_or_with_the_time(table: JobTable, work: Chunks) -> None:
    job = ask(table, work)
    wait_shortly([job], 0.01)
    assert not job.future.done()
    work.let_all()
    wait_shortly([job], TIMEOUT)
    assert job.future.done()


class Pictures:
    """Something large that a computation needs and its result does not."""


@pytest.mark.parametrize("ending", ["finished", "failed", "cancelled"])
def test_what_a_job_was_made_from_is_let_go_at_its_end(
    table: JobTable, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs._log, "disabled", True)  # pytest keeps what is logged, tracebacks with their frames

    def job_of(pictures: Pictures) -> Job[Any]:
        def work(*_: object) -> str:
            assert isinstance(pictures, Pictures)
            if ending == "finished":
                return ending
            raise AnalysisCancelled(ending) if ending == "cancelled" else ValueError(ending)

        return ask(table, work)

    pictures = Pictures()
    still_there = weakref.ref(pictures)
    job = job_of(pictures)
    del pictures
    wait([job.future], TIMEOUT)
    ask(table, lambda *_: None, ("another",)).future.result(TIMEOUT)  # its thread drops what it worked on by then
    gc.collect()
    assert table.result(KEY) == (ending if ending == "finished" else None)
    assert still_there() is None
