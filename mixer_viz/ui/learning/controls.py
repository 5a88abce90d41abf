"""Start, pause, one step, begin anew; what is looked at; where the training is."""

from __future__ import annotations

import contextlib

import streamlit as st

from mixer_viz.checkpoints import choose_device
from mixer_viz.language import mark, tr
from mixer_viz.texts import learning as texts
from mixer_viz.ui.compute.gate import gate_of
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.learning.run import SPEEDS, LiveRun
from mixer_viz.ui.learning.settings import PRESET_CHOSEN, Settings, asked_settings
from mixer_viz.ui.learning.status import Status
from mixer_viz.ui.learning.table import live_table
from mixer_viz.ui.widgets.selection import option_buttons, pick_number

MOVING = ("building", "stepping", "running", "waiting")  # states in which something changes without a click
VIEWS = (mark("All weights"), mark("One step"))
_SPEED = "learn_speed"
_RUN = "learn_run"  # in the link: which training a page goes on with that is loaded anew
_LET_GO = "_learn_let_go"  # session state: which training stands in the place of one that had to go


def run_for(settings: Settings | None) -> LiveRun | None:
    """This visitor's training; a first one is made ready with these settings, and without any there is none.

    Another one is made ready where another start was chosen: under its name the training before would mislead.
    """
    table, visitor = live_table(), visitor_name()
    run = table.run_of(visitor) or table.adopt(st.query_params.get(_RUN, ""), visitor)
    if settings is None:
        return run
    is_other = st.session_state.pop(PRESET_CHOSEN, False) and run is not None and settings != (run.recipe, run.task)
    if is_other:
        return _begin(settings)
    if run is not None:
        return run
    was_let_go = table.was_let_go(visitor)
    run = _begin(settings)
    if was_let_go:
        st.session_state[_LET_GO] = run.name
    return run


def _begin(settings: Settings) -> LiveRun:
    device = choose_device("auto")
    return live_table().begin(visitor_name(), *settings, device, gate_of(device))


def _begin_anew() -> None:
    """With what the fields say now: the page may have been drawn before they were changed."""
    with contextlib.suppress(ValueError):  # which the page shows
        if (settings := asked_settings()) is not None:
            _begin(settings)


def buttons(run: LiveRun, settings: Settings | None) -> None:
    """The controls; settings that differ from the training's own are pointed at."""
    state = run.look().state
    running = state in ("running", "waiting")
    columns = st.columns([1, 1, 1, 1.6], gap="small", vertical_alignment="bottom")
    with columns[0]:
        if running:
            st.button(tr("Pause"), icon=":material/pause:", key="learn_pause", on_click=run.pause, width="stretch")
        else:
            over = state in ("done", "failed")
            st.button(
                tr("Start"),
                icon=":material/play_arrow:",
                key="learn_start",
                on_click=run.start,
                disabled=over,
                type="primary",
                width="stretch",
            )
    with columns[1]:
        st.button(
            tr("One step"),
            icon=":material/skip_next:",
            key="learn_step",
            on_click=_one_step,
            args=(run,),
            disabled=state == "failed",
            width="stretch",
        )
    with columns[2]:
        st.button(
            tr("Reset"),
            icon=":material/restart_alt:",
            key="learn_reset",
            on_click=_begin_anew,
            disabled=settings is None,
            width="stretch",
        )
    with columns[3]:
        run.set_speed(option_buttons(tr("Speed"), list(SPEEDS), _SPEED, start="full"))
    if st.session_state.get(_LET_GO) == run.name:
        st.info(tr(texts.LET_GO))
    if settings is not None and settings != (run.recipe, run.task):
        st.info(tr('The settings have changed since this training began. "Reset" begins a new one with them.'))


def _one_step(run: LiveRun) -> None:
    block, unit, _ = _places(run)
    run.step_once(block, unit)


def view_fields(run: LiveRun) -> tuple[str, int, int, int]:
    """The view, and the fields for block, unit and patch that it shows; counted from 0."""
    blocks, units, patches = _sizes(run)
    columns = st.columns([2, 1, 1, 1], gap="small", vertical_alignment="bottom")
    with columns[0]:
        view = option_buttons(tr("View"), VIEWS, "learn_view")
    with columns[1]:
        pick_number(tr("Block (1 to {last})", last=blocks), 1, blocks, 1, "learn_block", width="stretch")
    if view == VIEWS[1]:
        with columns[2]:
            last = units - 1
            pick_number(tr("Unit (0 to {last})", last=last), 0, last, 0, "learn_unit", width="stretch")
        with columns[3]:
            last = patches - 1
            pick_number(tr("Patch (0 to {last})", last=last), 0, last, 0, "learn_patch", width="stretch")
    return view, *_places(run)


def _sizes(run: LiveRun) -> tuple[int, int, int]:
    recipe = run.recipe
    return recipe.num_blocks, recipe.tokens_mlp_dim, (recipe.image_size // recipe.patch_size) ** 2


def _places(run: LiveRun) -> tuple[int, int, int]:
    blocks, units, patches = _sizes(run)
    state = st.session_state
    chosen = state.get("learn_block", 1) - 1, state.get("learn_unit", 0), state.get("learn_patch", 0)
    block, unit, patch = (min(value, count - 1) for value, count in zip(chosen, (blocks, units, patches), strict=True))
    return block, unit, patch


def remember(run: LiveRun, status: Status) -> None:
    """Keep in the address which training this is, once it has begun."""
    if status.trained and st.query_params.get(_RUN) != run.name:
        st.query_params[_RUN] = run.name
    elif not status.trained and _RUN in st.query_params:
        del st.query_params[_RUN]


def pace_of(status: Status) -> float | None:
    """Seconds until the page looks again; None while nothing changes by itself."""
    return live_table().pace() if status.state in MOVING else None


def is_out_of_step(status: Status, shown: str, every: float | None) -> bool:
    """Whether the page around has to be drawn anew: another state, or many more or fewer who train."""
    pace = pace_of(status)
    if status.state != shown or pace is None or every is None:
        return status.state != shown
    return pace > every or pace < every / 2


def headline(status: Status, run: LiveRun) -> None:
    """Where it is, and how good."""
    if status.state == "failed":
        st.error(tr(status.problem))
    step = status.trained[-1].step if status.trained else 0
    speed = status.images_per_second
    left = (status.num_steps - step) * run.recipe.batch_size / speed if speed else None
    st.markdown(f"**{texts.status_line(status.state, step, status.num_steps, left)}**")
    if status.latest is None:
        return
    with st.container(horizontal=True, gap="large"):
        accuracy = tr("{share:.1f} %", share=100 * status.latest.test_accuracy)
        st.metric(tr("Test accuracy"), accuracy, width="content")
        st.metric(tr("Guessing"), tr("{share:.0f} %", share=100 * run.task.chance), width="content")
        st.metric(tr("Pictures per second"), f"{speed:,.0f}" if speed else "–", width="content")
