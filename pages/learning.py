"""Watch it learn: a small Mixer is trained before one's eyes."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import learning as texts
from mixer_viz.ui.compute.waiting import run_page_again
from mixer_viz.ui.learning import controls, film, keeping, pictures
from mixer_viz.ui.learning.run import LiveRun
from mixer_viz.ui.learning.settings import pick_settings
from mixer_viz.ui.learning.table import live_table
from mixer_viz.ui.serving.settings import settings as server_settings
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.token_mixing.results import block_to_begin_with
from mixer_viz.ui.widgets.contents import folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import block_field, option_buttons

PARTS = (mark("Train a small one"), mark("Film of a finished training"))


def watch_film() -> None:
    """A bundled model from its random start to its end."""
    choice = current_choice()
    model = choice.model
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="bottom")
    with left:
        number = block_field(model.config, block_to_begin_with(model))
    with right:
        playing = film.play_button()

    @st.fragment(run_every=film.SECONDS if playing else None)
    @guarded
    def moment() -> None:
        film.show_film(choice, number, playing)

    moment()


def progress(run: LiveRun, state: str, every: float | None) -> None:
    """How far it is, how good, and what it says of some pictures."""

    @st.fragment(run_every=every)
    @guarded
    def looking() -> None:
        now = run.look()
        if controls.is_out_of_step(now, state, every):
            run_page_again()  # the buttons, and how often this looks
        with live_table().drawing():
            controls.headline(now, run)
            if now.latest is not None:
                pictures.curves(now, run.task)
                pictures.answers(run, now.latest, run.task)

    looking()


def inside(run: LiveRun, every: float | None) -> None:
    """The weights at this moment, or what one step did to some of them."""
    view, block, unit, patch = controls.view_fields(run)

    @st.fragment(run_every=every)
    @guarded
    def looking() -> None:
        now = run.look()
        with live_table().drawing():
            if view == controls.VIEWS[1]:
                pictures.one_step(now, unit, patch)
            elif now.latest is not None and now.first is not None:
                pictures.weights(now.first, now.latest, block)

    looking()


def train() -> None:
    """A small network, from a random start to what it has learned."""
    st.markdown(tr(texts.IN_WORDS))
    settings = pick_settings()
    run = controls.run_for(settings)
    if run is None:
        return
    controls.buttons(run, settings)
    status = run.look()
    every = controls.pace_of(status)
    controls.remember(run, status)
    progress(run, status.state, every)
    inside(run, every)
    if status.state in ("paused", "done") and status.latest is not None:
        section(noted("Keep it"))
        keeping.keep(run, status.latest.step)
    with folded(noted("What these pictures do not prove")):
        st.markdown(tr(texts.LIMITS))


st.title(tr("Watch it learn"))
may_train = server_settings().training
if not may_train:
    st.caption(tr(texts.NO_TRAINING))
if may_train and option_buttons(tr("Part"), PARTS, "learn_part") == PARTS[0]:
    train()
else:
    watch_film()
