"""A training beside the page: in a thread of its own, in small turns on the device; it pauses when nobody looks."""

from __future__ import annotations

import collections
import copy
import logging
import threading
import time
import uuid
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.language import mark, noted
from mixer_viz.model import MlpMixer
from mixer_viz.training.data.pictures import Pictures
from mixer_viz.training.live.session import LiveTraining, OneStep, Steps, steps_per_epoch
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.learning.status import Frame, Status
from mixer_viz.ui.widgets.errors import UNEXPECTED

TURN_SECONDS = 0.05  # of steps, before others have the device
WAIT_SECONDS = 0.5  # while nothing is to be done
LOOK_SECONDS = 8.0  # without a look of the page it pauses,
_LOOKS = 3  # or without so many that should have come
NUM_PICTURES = 8
MEASURED = 400  # test pictures for each frame; all of them at the end
MAX_POINTS = 400  # of each curve
SPEEDS = {mark("full"): 0.0, mark("slow"): 0.25}  # seconds of rest after each turn
_log = logging.getLogger(__name__)


class Others(Protocol):
    """What a training asks about those beside it; never waits for a lock that a caller of the training may hold."""

    def may_run(self, run: LiveRun) -> bool: ...

    def is_left(self, run: LiveRun) -> bool: ...

    def pace(self) -> float: ...


class LiveRun:
    """One visitor's training; every method may be called from any thread."""

    def __init__(
        self,
        recipe: Recipe,
        task: Pictures,
        device: torch.device,
        gate: Gate,
        others: Others,
    ) -> None:
        self.name = uuid.uuid4().hex
        self.recipe, self.task = recipe, task
        self._num_steps = recipe.epochs * steps_per_epoch(task, recipe.batch_size)
        self._device, self._gate, self._others = device, gate, others
        self._changed = threading.Condition()
        self._wanted_steps = 0  # to do while paused
        self._look_at: tuple[int, int] | None = None  # block and unit of the next single step
        self._running = self._closed = False
        self._state, self._problem = "building", ""
        self._looked = time.monotonic()
        self._first: Frame | None = None
        self._latest: Frame | None = None
        self._last_step: OneStep | None = None
        self._trained: collections.deque[Steps] = collections.deque()
        self._tested: list[tuple[int, float, float]] = []
        self._speed, self._rate, self._frame_time = "full", 0.0, 0.0
        self._training: LiveTraining | None = None
        threading.Thread(target=self._work, name="live training", daemon=True).start()

    def start(self) -> None:
        with self._changed:
            self._running = True
            self._changed.notify_all()

    def pause(self) -> None:
        with self._changed:
            self._running = False
            self._changed.notify_all()

    def step_once(self, block: int = 0, unit: int = 0) -> None:
        """Pause, and do one step of which `Status.last_step` shows what it did to one hidden unit."""
        with self._changed:
            self._running, self._wanted_steps, self._look_at = False, 1, (block, unit)
            self._changed.notify_all()

    def set_speed(self, name: str) -> None:
        self._speed = name

    def close(self) -> None:
        """End it; at the latest after the turn that is at work."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def look(self) -> Status:
        """The latest of everything; also the sign that somebody looks."""
        with self._changed:
            self._looked = time.monotonic()
            self._changed.notify_all()
            state = self._state
            if self._wanted_steps and state in ("paused", "running", "done"):
                state = "stepping"
            elif state == "paused" and self._running:
                state = "waiting"
            return Status(
                state,
                self._problem,
                self._first,
                self._latest,
                tuple(self._trained),
                tuple(self._tested),
                self._num_steps,
                self._rate,
                self._last_step,
            )

    @property
    def looked(self) -> float:
        """When somebody looked last; monotonic seconds."""
        return self._looked

    @property
    def is_running(self) -> bool:
        return self._state == "running"

    def network(self) -> AnyNetwork | None:
        """A copy of the network as it is now, averaged weights, on the CPU; None where it is not built."""
        training = self._training
        if training is None:
            return None
        with self._gate.held():
            copied = copy.deepcopy(training.averaged_model).cpu()
        return copied.eval().requires_grad_(False)

    @property
    def pictures(self) -> tuple[Tensor, Tensor]:
        """The pictures to watch: (NUM_PICTURES, 3, 32, 32) uint8 and their class indices."""
        training = self._training
        if training is None:
            raise RuntimeError("not built yet")
        return training.watched(NUM_PICTURES)

    def _work(self) -> None:
        try:
            training = self._build()
            while self._wait(training):
                self._turn(training)
        except ValueError as exc:
            self._fail(noted("{error}", error=exc))
        except Exception:
            _log.exception("unexpected error in a training")
            self._fail(UNEXPECTED)

    def _fail(self, problem: str) -> None:
        with self._changed:
            self._state, self._problem, self._running = "failed", problem, False

    def _build(self) -> LiveTraining:
        with seeded(self.recipe.seed, self._device, lambda: None), self._gate.held():
            training = LiveTraining(self.recipe, self.task, self._device)
        self._first = self._latest = self._frame(training)
        with self._changed:
            self._training, self._state = training, "paused"
        return training

    def _wait(self, training: LiveTraining) -> bool:
        """Until there is something to do; False at the end."""
        with self._changed:
            while not self._closed and not self._others.is_left(self):
                if training.step >= training.num_steps and not self._wanted_steps:
                    self._state, self._running = "done", False
                elif self._wanted_steps:
                    return True
                elif self._running and self._is_looked_at() and self._others.may_run(self):
                    self._state = "running"
                    return True
                else:
                    self._state = "paused"
                self._changed.wait(WAIT_SECONDS)
            return False

    def _is_looked_at(self) -> bool:
        return time.monotonic() - self._looked < max(LOOK_SECONDS, _LOOKS * self._others.pace())

    def _turn(self, training: LiveTraining) -> None:
        began = time.monotonic()
        with self._gate.held(long=True):
            if self._look_at is not None:
                self._single(training, *self._look_at)
                # Only now: whoever looks in between is told that it is on its way.
                self._look_at, self._wanted_steps = None, 0
            else:
                self._several(training)
        if began - self._frame_time > self._others.pace() or training.step >= training.num_steps or not self._running:
            self._latest = self._frame(training)
        time.sleep(SPEEDS[self._speed] if self._running else 0)

    def _single(self, training: LiveTraining, block: int, unit: int) -> None:
        if isinstance(training.model, MlpMixer):
            self._last_step = training.one_step(block, unit)
            self._record(Steps(training.step, self._last_step.loss, float("nan")))
        else:
            self._record(training.advance(1))

    def _several(self, training: LiveTraining) -> None:
        began, before = time.monotonic(), training.step
        while time.monotonic() - began < TURN_SECONDS and training.step < training.num_steps:
            self._record(training.advance(1))
        rate = (training.step - before) * self.recipe.batch_size / (time.monotonic() - began)
        self._rate = rate if not self._rate else 0.9 * self._rate + 0.1 * rate

    def _record(self, steps: Steps) -> None:
        with self._changed:
            self._trained.append(steps)
            if len(self._trained) > 2 * MAX_POINTS:  # two neighbours become one: the curve keeps its shape
                pairs = list(self._trained)
                self._trained = collections.deque(
                    Steps(
                        second.step,
                        (first.loss + second.loss) / 2,
                        float(np.nanmean([first.accuracy, second.accuracy])),
                    )
                    for first, second in zip(pairs[::2], pairs[1::2], strict=False)
                )

    def _frame(self, training: LiveTraining) -> Frame:
        with self._gate.held(long=True):
            at_end = training.step >= training.num_steps
            loss, accuracy = training.measure(
                None if at_end else MEASURED, between=lambda: self._gate.let_others(long=True)
            )
            model = training.averaged_model
            arrays = {name: value.detach().cpu().numpy().copy() for name, value in model.named_parameters()}
            w1 = tuple(value for name, value in arrays.items() if name.endswith("token_mixing.fc1.weight"))
            filters = arrays["stem.weight"].transpose(0, 2, 3, 1)
            frame = Frame(training.step, loss, accuracy, w1, filters, training.answers(NUM_PICTURES), training.norms())
        self._frame_time = time.monotonic()
        with self._changed:
            self._tested.append((frame.step, loss, accuracy))
            if len(self._tested) > 2 * MAX_POINTS:
                self._tested = self._tested[::2]
        return frame
