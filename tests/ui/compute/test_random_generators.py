"""Computations that draw from the process-wide random generators, beside each other at one device's only place."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution.seeding import seeded
from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.lessons.quantities import Situation, value_of
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import JobTable
from mixer_viz.ui.lessons import results
from tests.analysis.attribution.made_attributions import mixer, picture, quick
from tests.ui.compute.made_jobs import ANN, BOB, TIMEOUT

SEEDED = ("gradient_shap", "smooth_grad", "kernel_shap")
CPU = torch.device("cpu")


def attributing(method: str, between: Callable[[], None] = lambda: None) -> Callable[..., mv.Attribution]:
    """The work of a job; `between` is called after each chunk, before others may compute."""

    def work(progress: Progress, cancelled: Cancelled) -> mv.Attribution:
        def report(done: int, total: int) -> None:
            between()
            progress(done, total)

        return mv.attribute(
            mixer(), picture(), 4, method, chunk=1, seed=5, progress=report, cancelled=cancelled, **quick(method)
        )

    return work


@pytest.mark.parametrize("first", SEEDED)
@pytest.mark.parametrize("second", SEEDED)
def test_two_visitors_maps_with_random_draws_end(first: str, second: str) -> None:
    """The first lets the second compute in between, which then waits for the generators that the first still holds."""
    table, gate = JobTable(connected=lambda _: True), Gate()
    jobs = [table.ask((name, at), attributing(name), gate, (ANN, BOB)[at]) for at, name in enumerate((first, second))]
    for name, job in zip((first, second), jobs, strict=True):
        expected = mv.attribute(mixer(), picture(), 4, name, chunk=1, seed=5, **quick(name))
        np.testing.assert_allclose(job.future.result(timeout=TIMEOUT).patch_map, expected.patch_map, rtol=1e-5)


@contextlib.contextmanager
def building(gate: Gate, goes_on: threading.Event) -> Iterator[threading.Event]:
    """A block as a training has that begins: under a seed, and after `goes_on` at the device; set once it is there."""
    has_generators, has_both = threading.Event(), threading.Event()

    def build() -> None:
        with seeded(1, CPU, lambda: None):
            has_generators.set()
            assert goes_on.wait(TIMEOUT)
            with gate.held():
                has_both.set()

    builder = threading.Thread(target=build)
    builder.start()
    assert has_generators.wait(TIMEOUT)
    yield has_both
    builder.join(TIMEOUT)


def test_a_map_lets_a_block_go_on_that_holds_the_generators_and_waits_for_the_device() -> None:
    gate, at_work = Gate(), threading.Event()
    with building(gate, at_work) as has_both:
        job = JobTable(connected=lambda _: True).ask(("a",), attributing("smooth_grad", at_work.set), gate, ANN)
        assert np.isfinite(job.future.result(timeout=TIMEOUT).patch_map).all()
        assert has_both.is_set()


def test_a_lessons_task_lets_such_a_block_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, at_work, traced = Gate(), threading.Event(), mv.trace(mixer(), picture())

    def at_its_place(name: str, situation: Situation) -> object:
        at_work.set()
        return value_of(name, situation)

    monkeypatch.setattr(results, "gate_of", lambda _: gate)
    monkeypatch.setattr(results, "value_of", at_its_place)
    monkeypatch.setattr(cached, "trace_of", lambda _: traced)
    choice = SimpleNamespace(model=SimpleNamespace(model=mixer(), key="tiny"))
    seen = (("baseline", "mean"), ("deleted_by", "smooth_grad"))
    with building(gate, at_work) as has_both:
        found = ThreadPoolExecutor(1).submit(inspect.unwrap(results.quantity_of), choice, "map_sum", seen)
        assert np.isfinite(found.result(timeout=TIMEOUT))
        assert has_both.is_set()
