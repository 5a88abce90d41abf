"""Seeds for libraries that draw from the process-wide random generators, one user at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import numpy as np
import torch

_GENERATORS = threading.Lock()
_PATIENCE = 0.01  # seconds for which the caller keeps what others may need, before `wait` is called


@contextlib.contextmanager
def seeded(seed: int, device: torch.device, wait: Callable[[], None]) -> Iterator[None]:
    """Seed PyTorch's and NumPy's global generators for the time of the block, and put their states back afterwards.

    Two blocks never overlap, so that one's draws do not disturb the other's. `wait` is called again and again while
    this one waits for its turn, and may raise. Who holds a place on the device has to give it to others in there: the
    block that is waited for may need one, and would never end.
    """
    while not _GENERATORS.acquire(timeout=_PATIENCE):
        wait()
    try:
        state = np.random.get_state()  # noqa: NPY002 - captum draws from the global generator
        try:
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                torch.manual_seed(seed)
                np.random.seed(seed)  # noqa: NPY002
                yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
    finally:
        _GENERATORS.release()
