"""A training beside the page: it starts, pauses, stops by itself, and shares the device."""

from __future__ import annotations

import dataclasses
import gettext
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from mixer_viz.language import messages, speaking, tr
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH
from mixer_viz.training.live.presets import recipe_with
from mixer_viz.training.live.session import LiveTraining
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.choices import LabelledFolder
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.learning import data
from mixer_viz.ui.learning import run as module
from mixer_viz.ui.learning import table as table_module
from mixer_viz.ui.learning.run import LiveRun
from mixer_viz.ui.learning.status import Status
from mixer_viz.ui.learning.table import LiveTable

CPU = torch.device("cpu")
EARLIER: set[threading.Thread] = set()
TASK = DRAWN_TASKS["where"]
TINY = recipe_with(embed_dim=8, num_blocks=1, tokens_mlp_dim=4, channels_mlp_dim=8, batch_size=4, epochs=2, seed=1)


@dataclasses.dataclass
class Alone:
    """Nobody else trains, or one who must be waited for."""

    may: bool = True

    def may_run(self, run: LiveRun) -> bool:
        return self.may

    def is_left(self, run: LiveRun) -> bool:
        return False

    def pace(self) -> float:
        return 0.05


@pytest.fixture
def begin() -> Iterator[Callable[..., LiveRun]]:
    runs: list[LiveRun] = []

    def make(recipe: Recipe = TINY, gate: Gate | None = None, may_run: bool = True) -> LiveRun:
        runs.append(LiveRun(recipe, TASK, CPU, gate or Gate(), Alone(may_run)))
        return runs[-1]

    yield make
    for run in runs:
        run.close()


def until(run: LiveRun, reached: Callable[[Status], bool], seconds: float = 30) -> Status:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = run.look()
        if reached(status):
            return status
        time.sleep(0.01)
    raise AssertionError(f"still {run.look().state} at step {step_of(run.look())}")


@pytest.fixture(autouse=True)
def _earlier_trainings() -> Iterator[None]:
    """Those that tests of other files have left behind are not this file's."""
    EARLIER.clear()
    EARLIER.update(trainings())
    yield


def trainings() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "live training"}


def threads_end() -> None:
    deadline = time.monotonic() + 30
    while trainings() - EARLIER and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not trainings() - EARLIER


def step_of(status: Status) -> int:
    return status.trained[-1].step if status.trained else 0


def test_it_waits_for_the_start_and_runs_to_its_end(begin: Callable[..., LiveRun]) -> None:
    run = begin()
    built = until(run, lambda status: status.state == "paused")
    assert built.first is built.latest
    assert built.first is not None
    assert (built.first.step, built.trained, built.num_steps) == (0, (), 2 * STEPS_PER_EPOCH)
    assert built.first.probabilities.shape == (module.NUM_PICTURES, 9)
    assert [rows.shape for rows in built.first.w1] == [(4, 16)]
    assert built.first.filters.shape == (8, 8, 8, 3)
    run.start()
    done = until(run, lambda status: status.state == "done")
    assert done.latest is not None
    assert done.latest.step == step_of(done) == 2 * STEPS_PER_EPOCH
    assert done.tested[0][0] == 0
    assert done.tested[-1][0] == 2 * STEPS_PER_EPOCH
    assert done.images_per_second > 0


def test_its_numbers_are_those_of_the_training_itself(begin: Callable[..., LiveRun]) -> None:
    run = begin()
    run.start()
    done = until(run, lambda status: status.state == "done")
    alone = LiveTraining(TINY, TASK, CPU)
    alone.advance(2 * STEPS_PER_EPOCH)
    assert done.latest is not None
    assert (done.latest.test_loss, done.latest.test_accuracy) == alone.measure()
    assert np.array_equal(done.latest.w1[0], alone.averaged_model.state_dict()["blocks.0.token_mixing.fc1.weight"])
    model = run.network()
    assert model is not None
    for name, value in alone.averaged_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


def test_pause_holds_it_and_one_step_is_one_step(begin: Callable[..., LiveRun]) -> None:
    run = begin(recipe_with(**{**_small(), "epochs": 1000}))
    run.start()
    until(run, lambda status: step_of(status) > 3)
    run.pause()
    paused = until(run, lambda status: status.state == "paused" and status.latest is not None)
    time.sleep(0.1)
    assert step_of(run.look()) == step_of(paused)
    run.step_once(block=0, unit=2)
    after = until(run, lambda status: step_of(status) > step_of(paused))
    assert step_of(after) == step_of(paused) + 1
    seen = until(run, lambda status: status.last_step is not None).last_step
    assert seen is not None
    assert seen.before.shape == (4, 4)
    time.sleep(0.1)
    assert step_of(run.look()) == step_of(after)


def _small() -> dict[str, int]:
    return {"embed_dim": 8, "num_blocks": 1, "tokens_mlp_dim": 4, "channels_mlp_dim": 8, "batch_size": 4}


def test_it_pauses_when_nobody_looks_and_goes_on(
    begin: Callable[..., LiveRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)
    run = begin(recipe_with(**{**_small(), "epochs": 1000}))
    run.start()
    until(run, lambda status: step_of(status) > 3)
    time.sleep(0.6)
    first = len(run._trained), run._trained[-1].step
    time.sleep(0.3)
    assert (len(run._trained), run._trained[-1].step) == first
    assert not run.is_running
    until(run, lambda status: step_of(status) > first[1])


def test_who_must_wait_is_told_so(begin: Callable[..., LiveRun]) -> None:
    run = begin(may_run=False)
    run.start()
    until(run, lambda status: status.state == "waiting")
    assert step_of(run.look()) == 0


def test_others_have_the_device_between_turns(begin: Callable[..., LiveRun]) -> None:
    gate = Gate()
    run = begin(recipe_with(**{**_small(), "epochs": 1000}), gate)
    run.start()
    until(run, lambda status: step_of(status) > 3)
    waits = []
    for _ in range(10):
        began = time.monotonic()
        with gate.held():
            waits.append(time.monotonic() - began)
        run.look()
    # Nothing but turns lies before a visitor; this is no speed test, a training that held the device would be endless.
    assert max(waits) < 20 * module.TURN_SECONDS + 5


def test_a_failure_is_a_sentence(begin: Callable[..., LiveRun]) -> None:
    run = begin(recipe_with(**{**_small(), "optimizer": "adamw", "lr": 1e30, "min_lr": 1e30, "warmup_epochs": 0.0}))
    run.start()
    failed = until(run, lambda status: status.state == "failed")
    assert "learning rate is too high" in failed.problem
    wrong = begin(recipe_with(**{**_small(), "image_size": 64}))
    assert "give --image-size 32" in until(wrong, lambda status: status.state == "failed").problem


class _Marked(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return f"<{message}>"


def test_a_failure_is_told_in_the_language_of_whoever_looks(
    begin: Callable[..., LiveRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(recipe_with(**{**_small(), "optimizer": "adamw", "lr": 1e30, "min_lr": 1e30, "warmup_epochs": 0.0}))
    run.start()
    failed = until(run, lambda status: status.state == "failed")
    monkeypatch.setattr(
        messages, "catalogue", lambda language: _Marked() if language == "zh" else gettext.NullTranslations()
    )
    assert tr(failed.problem) == failed.problem
    with speaking("zh"):
        assert tr(failed.problem).startswith("<<The loss is no longer a number at step ")
        refused = data._pictures_of.__wrapped__(LabelledFolder((("one/picture.png", b""),)))  # what visitors share
        assert tr(refused).startswith("<<This folder has one class, 'one'; training needs ")


def test_curves_stay_bounded_and_keep_their_ends(
    begin: Callable[..., LiveRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 10)
    run = begin()
    run.start()
    done = until(run, lambda status: status.state == "done")
    assert len(done.trained) <= 20
    steps = [each.step for each in done.trained]
    assert steps == sorted(steps)
    assert steps[-1] == 2 * STEPS_PER_EPOCH


def test_one_run_for_each_visitor_and_none_for_who_left() -> None:
    there = {"anna", "ben"}
    table = LiveTable(connected=lambda name: name in there)
    try:
        first = table.begin("anna", TINY, TASK, CPU, Gate())
        second = table.begin("anna", TINY, TASK, CPU, Gate())
        assert table.run_of("anna") is second
        assert first._closed
        other = table.begin("ben", TINY, TASK, CPU, Gate())
        there.remove("anna")
        third = table.begin("ben", TINY, TASK, CPU, Gate())
        assert table.run_of("anna") is None
        assert second._closed
        assert other._closed
        assert not third._closed
    finally:
        table.close()
    threads_end()


def test_a_training_goes_when_its_visitor_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "LEFT_SECONDS", 0.3)
    there = {"anna", "ben"}
    table = LiveTable(connected=lambda name: name in there)
    try:
        gone, stays = (table.begin(name, TINY, TASK, CPU, Gate()) for name in ("anna", "ben"))
        until(gone, lambda status: status.state == "paused")
        until(stays, lambda status: status.state == "paused")
        there.remove("anna")
        deadline = time.monotonic() + 30
        while table.run_of("anna") is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert table.run_of("anna") is None
        assert table.run_of("ben") is stays
        assert not table.was_let_go("anna")
    finally:
        table.close()
    threads_end()


def test_there_is_room_for_so_many_trainings_and_the_least_looked_at_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MAX_KEPT", 2)
    table = LiveTable(connected=lambda name: True)
    try:
        first, second = (table.begin(name, TINY, TASK, CPU, Gate()) for name in ("anna", "ben"))
        first.look()  # later than anybody looked at the second
        table.begin("cleo", TINY, TASK, CPU, Gate())
        assert table.run_of("anna") is first
        assert table.run_of("ben") is None
        assert second._closed
        assert table.was_let_go("ben")
        assert not table.was_let_go("anna")
        table.begin("ben", TINY, TASK, CPU, Gate())
        assert not table.was_let_go("ben")
    finally:
        table.close()
    threads_end()


def test_measuring_lets_others_in_between() -> None:
    training, turns = LiveTraining(TINY, TASK, CPU), []
    assert training.measure(between=lambda: turns.append(1)) == training.measure()
    assert len(turns) == 10  # 2,000 pictures


def test_the_more_train_the_rarer_each_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    table = LiveTable(connected=lambda name: True)
    assert table.pace() == table_module.PACES[0]
    table._draw_seconds = 0.1
    monkeypatch.setattr(LiveRun, "is_running", property(lambda run: True))
    try:
        for number, pace in enumerate((0.5, 1.0, 2.0, 2.0, 4.0), start=1):
            table.begin(str(number), TINY, TASK, CPU, Gate())
            assert table.pace() == pace, number
        for _ in range(60):  # a machine on which drawing costs next to nothing
            with table.drawing():
                pass
        assert table.pace() == table_module.PACES[0]
    finally:
        table.close()
    threads_end()


def test_only_the_training_of_one_who_left_can_be_taken_over() -> None:
    there = {"anna", "ben"}
    table = LiveTable(connected=lambda name: name in there)
    try:
        run = table.begin("anna", TINY, TASK, CPU, Gate())
        assert table.adopt(run.name, "ben") is None
        there.remove("anna")
        assert table.adopt("another name", "ben") is None
        assert table.adopt(run.name, "ben") is run
        assert (table.run_of("anna"), table.run_of("ben")) == (None, run)
    finally:
        table.close()
    threads_end()
