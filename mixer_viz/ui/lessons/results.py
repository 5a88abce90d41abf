"""What a check may look at, gathered from the page that is open."""

from __future__ import annotations

import logging

import streamlit as st

from mixer_viz.language import mark
from mixer_viz.lessons.checks import TRAINING_ACCURACY, Seen, Value, needed_quantities
from mixer_viz.lessons.lesson import Parameters, Quantity, Task
from mixer_viz.lessons.quantities import Situation, value_of
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import gate_of
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.learning.table import live_table
from mixer_viz.ui.sidebar.shell import choice_of_this_run
from mixer_viz.ui.widgets.links import LESSON, PROGRESS, STEP, said_here

_log = logging.getLogger(__name__)


def seen_now(task: Task, page: str, answer: str) -> Seen:
    """What is on the page, once it is drawn."""
    choice = choice_of_this_run()
    said = _fields()
    results: list[tuple[Quantity, Value]] = []
    for quantity in needed_quantities(task):
        value = _training_accuracy() if quantity.name == TRAINING_ACCURACY else _measured(choice, said, quantity)
        if value is not None:
            results.append((quantity, value))
    return Seen(page, said, answer, tuple(results))


def is_still_seen(task: Task, seen: Seen, page: str, answer: str) -> bool:
    """Whether what was judged is still so: the answer, and for what is done on the page, the page with its fields."""
    if task.kind in ("choose", "number"):
        return seen.answer == answer
    trained = any(
        quantity.name == TRAINING_ACCURACY and value != _training_accuracy() for quantity, value in seen.results
    )
    return seen.page == page and seen.parameters == _fields() and not trained


def _fields() -> Parameters:
    # Not where the visitor is: what is worked out is kept for all visitors, by what it depends on.
    return tuple(item for item in said_here().items() if item[0] not in (LESSON, STEP, PROGRESS))


def is_of_model(task: Task, model: str) -> bool:
    """Whether the model is chosen that a task needs numbers of; another one might be large, and has other answers."""
    choice = choice_of_this_run()
    needs = any(quantity.name != TRAINING_ACCURACY for quantity in needed_quantities(task))
    return not needs or (choice is not None and choice.model.key == model)


def _measured(choice: Choice | None, said: Parameters, quantity: Quantity) -> Value | None:
    """A quantity of the state that is seen; None where this page, model or picture does not have it."""
    if choice is None:
        return None
    parameters = {**dict(said), **dict(quantity.parameters)}
    try:
        return quantity_of(choice, quantity.name, tuple(sorted(parameters.items())))
    except (KeyError, ValueError, IndexError):
        _log.info("a lesson's quantity %s cannot be worked out here", quantity.name)
        return None


@kept("result", mark("Checking …"))
def quantity_of(choice: Choice, name: str, parameters: Parameters) -> Value:
    """One of `lessons.quantities.QUANTITIES`; raises KeyError or ValueError where the state does not have it."""
    trace = cached.trace_of(choice)
    gate = gate_of(trace.pixels.device)
    situation = Situation(
        choice.model.model,
        trace,
        dict(parameters),
        choice.model.key,
        progress=lambda done, total: gate.let_others(),
    )
    with gate.held():
        return value_of(name, situation)


def _training_accuracy() -> float | None:
    """In percent, of the training that runs beside the page "Watch it learn"."""
    run = live_table().run_of(visitor_name())
    status = run.look() if run is not None else None
    if status is None or status.latest is None:
        return None
    return 100.0 * float(status.latest.test_accuracy)


def forget_answers() -> None:
    """After a code was taken over: what was typed before belongs to nothing."""
    for key in [key for key in st.session_state if str(key).startswith("lesson_answer_")]:
        del st.session_state[key]
