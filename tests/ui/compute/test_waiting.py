"""When a page that waits runs again, and when it stops waiting for what another page computes."""

from __future__ import annotations

from concurrent.futures import wait
from typing import Any

import pytest
import streamlit as st

from mixer_viz.ui.compute import waiting
from mixer_viz.ui.compute.jobs import Job, JobTable
from mixer_viz.ui.compute.waiting import Wait
from tests.ui.compute.made_jobs import ANN, TIMEOUT, Chunks, ask


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


def done_and_not(table: JobTable, work: Chunks) -> list[tuple[Any, Job[Any]]]:
    done = ask(table, lambda *_: "done", ("done",))
    wait([done.future], TIMEOUT)
    return [(("done",), done), (("at work",), ask(table, work, ("at work",)))]


def test_the_page_runs_when_something_is_done_and_it_is_quick(
    session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, work = JobTable(), Chunks()
    jobs = done_and_not(table, work)
    clock = [100.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: clock[0])
    with waiting.timed_page("a page"):
        clock[0] += 3.0  # a busy server
    assert not waiting._is_time(Wait("maps", jobs[1:]))
    assert not waiting._is_time(Wait("maps", jobs))
    clock[0] += 6.5
    assert waiting._is_time(Wait("maps", jobs))
    assert waiting._is_time(Wait("maps", jobs[:1]))
    monkeypatch.undo()
    work.let_all()


def test_all_done_does_not_wait_however_long_a_run_takes(session: dict[str, Any]) -> None:
    session[waiting._DRAWN] = (waiting.time.monotonic(), 1000.0)
    table, work = JobTable(), Chunks()
    jobs = done_and_not(table, work)
    assert waiting._is_time(Wait("maps", jobs[:1]))
    assert not waiting._is_time(Wait("maps", jobs))
    work.let_all()
    wait([job.future for _, job in jobs], TIMEOUT)
    assert waiting._is_time(Wait("maps", jobs))


def test_whoever_goes_to_another_page_leaves_its_jobs(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    table, work = JobTable(), Chunks()
    monkeypatch.setattr(waiting, "job_table", lambda: table)
    monkeypatch.setattr(waiting, "visitor_name", lambda: ANN)
    job = ask(table, work)
    waiting.leave_other_pages("Attributions")
    waiting.leave_other_pages("Attributions")
    assert job.watched
    waiting.leave_other_pages("Overview")
    assert not job.watched
    work.let_all()
    wait([job.future], TIMEOUT)
    assert job.stopped
