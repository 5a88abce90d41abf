"""How far to trust each map, in numbers, on the Attributions page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from mixer_viz.analysis.attribution.metrics import agreement
from mixer_viz.figures.attribution.maps import agreement_grid
from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import attribution_metrics as texts
from mixer_viz.texts.attribution_metrics import Metrics
from mixer_viz.ui.attribution import results
from mixer_viz.ui.attribution.choice import Target
from mixer_viz.ui.attribution.maps import QUICK, Shown
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.jobs import Job, JobTable, Key, job_table, wait_shortly
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.contents import section

CURVES, CHECKS = mark("Curves"), mark("Checks")
_ASKED = "_quality_asked"  # session state: keys of the long checks that the visitor asked for
# About what two cores do in five seconds; a GPU does far more.
_QUICK_MULTIPLY_ADDS = {"cpu": 5e11}
_QUICK_ON_GPU = 5e13
_MOST_ASKED = 64
# Computations in line from which on checks, most of the work, are begun only for who asks: some ten visitors at once.
FULL_HOUSE = 16


@dataclasses.dataclass(frozen=True)
class _Check:
    """One computation about one map."""

    shown: Shown
    key: Key
    multiply_adds: float
    ask: Callable[[], Job[Any]]

    def seconds(self, choice: Choice) -> float:
        """About how long it takes here, going by the map itself."""
        return self.shown.result.seconds * self.multiply_adds / self.shown.asked.multiply_adds(choice)


def metrics(choice: Choice, target: Target, shown: list[Shown]) -> list[Key]:
    """Table and agreement of the maps, and work on curves; what is long waits for a button. Returns the jobs' keys."""
    section(noted("How far to trust each map"))
    st.markdown(tr(texts.METRICS))
    place = st.container()
    full = job_table().waiting >= FULL_HOUSE
    curves = _started(choice, CURVES, [_curves_check(choice, target, each) for each in shown])
    checks = _started(choice, CHECKS, [_sanity_check(choice, each) for each in shown], full)
    jobs = {**curves, **checks}
    wait_shortly(list(jobs.values()), QUICK)
    failed_note(tr(CURVES), list(curves.items()), "curves")
    failed_note(tr(CHECKS), list(checks.items()), "checks")
    # Before the results are read: what ends in between has a bar, which lets the page run again.
    waits = [_wait(CURVES, curves), _wait(CHECKS, checks)]
    _draw(known_metrics(job_table(), choice, target, shown))
    if any(wait.at_work for wait in waits):
        with place:
            waiting([wait for wait in waits if wait.at_work], "quality")
    return list(jobs)


def _curves_check(choice: Choice, target: Target, each: Shown) -> _Check:
    key = results.curves_key(choice, each.asked, target.baseline)
    cost = results.curves_multiply_adds(choice)
    return _Check(
        each,
        key,
        cost,
        lambda: results.curves_job(choice, each.asked, target.baseline, each.result),
    )


def _sanity_check(choice: Choice, each: Shown) -> _Check:
    cost = results.checks_multiply_adds(choice, each.asked)
    key = results.checks_key(choice, each.asked)
    return _Check(each, key, cost, lambda: results.checks_job(choice, each.asked, each.result))


def _started(choice: Choice, name: str, checks: list[_Check], full: bool = False) -> dict[Key, Job[Any]]:
    """The checks that are quick or were asked for, at work or done; buttons for the others and for stopped ones.

    In a full house none counts as quick that is not begun yet.
    """
    stopped = [check.key for check in checks if is_stopped(check.key)]
    if stopped:
        stopped_note(tr(name), stopped, name)
    device = next(choice.model.model.parameters()).device.type
    most = _QUICK_MULTIPLY_ADDS.get(device, _QUICK_ON_GPU)
    asked = st.session_state.get(_ASKED, [])
    left = [check for check in checks if check.key not in stopped]
    long = [check for check in left if check.key not in asked and (check.multiply_adds > most or _waits(check, full))]
    if long:
        seconds = sum(check.seconds(choice) for check in long)
        if full:
            st.caption(texts.full_house(job_table().waiting))
        words = texts.ask_for(name, [tr(check.shown.title) for check in long], seconds)
        st.button(words, on_click=_ask, args=([check.key for check in long],))
    return {check.key: check.ask() for check in left if check not in long}


def _waits(check: _Check, full: bool) -> bool:
    return full and job_table().is_new(check.key)


def _wait(name: str, jobs: dict[Key, Job[Any]]) -> Wait:
    at_work = [(key, job) for key, job in jobs.items() if not job.future.done() or job.stopped]
    if len(jobs) > 1:
        title = tr("{name} of {count} maps", name=tr(name), count=len(jobs))
    else:
        title = tr("{name} of the map", name=tr(name))
    return Wait(title, at_work, len(jobs) - len(at_work))


def _ask(keys: list[Key]) -> None:
    st.session_state[_ASKED] = [*st.session_state.get(_ASKED, []), *keys][-_MOST_ASKED:]


def known_metrics(table: JobTable, choice: Choice, target: Target, shown: list[Shown]) -> list[Metrics]:
    """What is known by now about each map."""
    return [
        Metrics(
            tr(each.title),
            each.result,
            table.result(results.curves_key(choice, each.asked, target.baseline)),
            table.result(results.checks_key(choice, each.asked)),
        )
        for each in shown
    ]


def _draw(rows: list[Metrics]) -> None:
    st.table(texts.metrics_table(rows))
    st.caption(texts.metrics_note())
    if len(rows) > 1:
        matrix = agreement([row.result for row in rows])
        names = [row.title for row in rows]
        left, right = st.columns([1, 2], gap="medium")
        with left:
            show_grids([agreement_grid(matrix, names)], key="agreement", hint=tr("Hover reads the correlation."))
        right.markdown(tr("Rows and columns: {names}.", names=tr(", ").join(names)))
        right.markdown(texts.agreement_sentence(np.asarray(matrix), names))
