"""What a page is told of a training beside it."""

from __future__ import annotations

import dataclasses

import numpy as np

from mixer_viz.training.live.session import OneStep, Steps


@dataclasses.dataclass(frozen=True)
class Frame:
    """What the network is like after some steps; nobody writes into it."""

    step: int
    test_loss: float
    test_accuracy: float  # 0 to 1
    w1: tuple[np.ndarray, ...]  # (D_S, S) of each block; empty for a network without token-mixing MLPs
    filters: np.ndarray  # (C, P, P, 3)
    probabilities: np.ndarray  # (NUM_PICTURES, num_classes), of the pictures to watch
    norms: dict[str, tuple[float, float]]  # of each part: weights, gradients of the last step


@dataclasses.dataclass(frozen=True)
class Status:
    """What a page shows at one moment."""

    state: str  # "building", "paused", "stepping", "running", "waiting" (for another to pause), "done", "failed"
    problem: str  # one sentence, noted or marked, where it failed
    first: Frame | None  # before the first step
    latest: Frame | None
    trained: tuple[Steps, ...]
    tested: tuple[tuple[int, float, float], ...]  # (step, loss, accuracy)
    num_steps: int
    images_per_second: float  # 0 where nothing was measured yet
    last_step: OneStep | None
