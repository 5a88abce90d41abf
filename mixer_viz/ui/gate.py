"""One computation at a time per device, so that the server keeps answering while many people use it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
import torch


@st.cache_resource(max_entries=8)
def _semaphore(device: str) -> threading.BoundedSemaphore:
    # One pass already uses all cores or the whole GPU; a second beside it would only slow both down.
    return threading.BoundedSemaphore(1)


@contextmanager
def computing_on(device: torch.device) -> Iterator[None]:
    """Hold the device's only place for one forward or backward pass."""
    with _semaphore(str(device)):
        yield
