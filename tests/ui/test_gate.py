"""One computation at a time per device."""

from __future__ import annotations

import threading
import time

import pytest
import streamlit as st
import torch

from mixer_viz.ui.gate import computing_on

CPU = torch.device("cpu")


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
