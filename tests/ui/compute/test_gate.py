"""One computation at a time per device."""

from __future__ import annotations

import threading
import time

import pytest
import streamlit as st
import torch

from mixer_viz.ui.compute.gate import Gate, computing_on

CPU = torch.device("cpu")
TIMEOUT = 60.0  # seconds; a busy machine is slow


@pytest.fixture(autouse=True)
def fresh_gate() -> None:
    st.cache_resource.clear()


def run_together(devices: list[torch.device]) -> int:
    """The largest number of threads that were inside at once."""
    inside, most, lock = 0, 0, threading.Lock()

    def work(device: torch.device) -> None:
        nonlocal inside, most
        with computing_on(device):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    return most


def test_one_at_a_time_on_a_device() -> None:
    assert run_together([CPU] * 6) == 1


def test_devices_do_not_wait_for_each_other() -> None:
    assert run_together([CPU, torch.device("meta")]) == 2


def test_a_failure_gives_the_place_back() -> None:
    with pytest.raises(RuntimeError, match="boom"), computing_on(CPU):
        raise RuntimeError("boom")
    assert run_together([CPU]) == 1


def wait_in_line(gate: Gate, names: str, log: list[str]) -> list[threading.Thread]:
    """Threads that ask for the place one after the other, and note their names once they have it."""
    threads = []
    for place, name in enumerate(names, len(gate._queue) + 1):

        def work(name: str = name) -> None:
            with gate.held():
                log.append(name)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        while len(gate._queue) < place:
            assert threads[-1].is_alive()
            time.sleep(0.001)
    return threads


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(TIMEOUT)
    assert not any(thread.is_alive() for thread in threads)


def test_first_come_first_served() -> None:
    gate, log = Gate(), []
    with gate.held():
        threads = wait_in_line(gate, "abcdefgh", log)
        assert log == []
    join(threads)
    assert "".join(log) == "abcdefgh"


def test_who_holds_the_place_lets_all_others_in_between() -> None:
    gate, log = Gate(), []
    with gate.held():
        threads = wait_in_line(gate, "abc", log)
        gate.let_others()
        assert "".join(log) == "abc"
        threads += wait_in_line(gate, "d", log)  # has the place again
        assert "".join(log) == "abc"
    join(threads)
    assert "".join(log) == "abcd"


def test_who_let_others_in_is_before_those_who_come_later() -> None:
    """Else people who keep asking would hold up a long computation for good."""
    gate, log, late = Gate(), [], []

    def first() -> None:
        with gate.held():
            while not gate._queue:  # until the one who let it in has asked again
                time.sleep(0.001)
            late.extend(wait_in_line(gate, "b", log))
            log.append("a")

    with gate.held():
        thread = threading.Thread(target=first)
        thread.start()
        while not gate._queue:
            time.sleep(0.001)
        gate.let_others()
        log.append("back")
    join([thread, *late])
    assert log == ["a", "back", "b"]


def test_letting_others_without_any_keeps_the_place() -> None:
    gate, log = Gate(), []
    with gate.held():
        gate.let_others()
        threads = wait_in_line(gate, "a", log)
        assert log == []
    join(threads)
    assert log == ["a"]


def test_a_failure_while_others_wait_gives_them_the_place() -> None:
    gate, log, threads = Gate(), [], []
    with pytest.raises(RuntimeError, match="boom"), gate.held():
        threads = wait_in_line(gate, "ab", log)
        raise RuntimeError("boom")
    join(threads)
    assert log == ["a", "b"]


def test_a_long_computation_stands_behind_the_short_ones_but_not_for_good() -> None:
    gate, log = Gate(), []

    def long() -> None:
        with gate.held():
            log.append("l")
            while not gate._queue:
                time.sleep(0.001)
            gate.let_others(long=True)
            log.append("L")

    with gate.held():
        threads = [threading.Thread(target=long)]
        threads[0].start()
        while not gate._queue:
            time.sleep(0.001)
        threads += wait_in_line(gate, "abcdef", log)
    join(threads)
    assert "".join(log) in ("labLcdef", "labcLdef")  # after SHORT_TURNS; the first turn was its own
