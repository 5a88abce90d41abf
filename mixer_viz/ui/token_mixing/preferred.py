"""What a unit wants: its preferred picture in closed form in block 1, and a search by gradient ascent anywhere."""

from __future__ import annotations

import numpy as np
import streamlit as st
from matplotlib.figure import Figure

from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.figures.token_mixing import preferred as figures
from mixer_viz.language import mark, shown, tr
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.texts.units import preferred as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import job_table, wait_shortly
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.token_mixing import preferred_results, results
from mixer_viz.ui.token_mixing.preferred_results import Found, Search
from mixer_viz.ui.token_mixing.survey_here import survey_wanted
from mixer_viz.ui.widgets import downloads
from mixer_viz.ui.widgets.class_list import offered_classes
from mixer_viz.ui.widgets.selection import channel_field, option_buttons, pick_number, pick_one, switch

# What the buttons say -> the name in links.
WHAT = {
    mark("This unit, all channels"): "unit",
    mark("This unit, one channel"): "unit-in-channel",
    mark("This channel of the stream"): "channel",
    mark("A unit of channel mixing"): "channel-unit",
    mark("A class"): "class",
}
_BEST = 5  # classes that are offered where there are too many for a list
_ASKED = "_searched"  # session state: the last search that a button started
_QUICK = 0.5  # seconds that the page waits before it shows a bar


def what_it_wants(choice: Choice, block: int, unit: int) -> None:
    """The section: the closed form where there is one, and the search."""
    st.markdown(tr("**What this unit wants**"))
    on_picture = results.on_picture(choice, block)
    channel = channel_field(choice.model.config, int(np.abs(on_picture.activations[:, unit]).argmax()))
    if block == 0:
        _closed_form(choice, unit, channel)
    else:
        st.caption(tr(texts.ONLY_BLOCK_1))
    _search(choice, block, unit, channel)


def wanted_channel_unit() -> int | None:
    """The unit of channel mixing that the fields ask for; None where they ask for something else."""
    asked = WHAT.get(str(st.session_state.get("excite"))) == "channel-unit"
    return int(st.session_state.get("wanted_unit", 0)) if asked else None


def _closed_form(choice: Choice, unit: int, channel: int) -> None:
    plain, normed = preferred_results.exact_pictures(choice.model, unit, channel)
    first, second, own = preferred_results.exact_activations(choice, unit, channel)
    pictures, words = st.columns([1, 1.15], gap="medium")
    with pictures:
        show_grids(figures.preferred_grids(plain, normed, unit, channel), key="preferred")
    with words:
        st.markdown(tr(texts.EXACT))
        st.caption(texts.exact_in_words(first, second, own, unit, channel))


def _search(choice: Choice, block: int, unit: int, channel: int) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        what = WHAT[option_buttons(tr("Look for the picture that excites most"), WHAT, "excite")]
        seed = pick_number(tr("Seed"), 0, 9999, 0, "search_seed", width=110)
        phase_only = switch(tr("Phases alone (MACO)"), "phases", help=tr(texts.PHASES))
    index = 0
    if what == "class":
        index = _class_index(choice)
    elif what == "channel-unit":
        last = choice.model.config.channels_mlp_dim - 1
        label = tr("Hidden unit of channel mixing (0 to {last}, a row of W₃)", last=last)
        index = pick_number(label, 0, last, 0, "wanted_unit")
    search = Search(_objective(what, block, unit, channel, index), phase_only, seed)
    key = preferred_results.search_key(choice, search)
    asked = st.session_state.get(_ASKED) == key
    if not asked and job_table().result(key) is None:
        job_table().leave_all_but(survey_wanted(choice), visitor_name())
        seconds = texts.seconds_in_words(preferred_results.seconds_of_search(choice.model))
        label = tr("Look for it ({seconds})", seconds=seconds)
        st.button(label, key="search", type="primary", on_click=_ask, args=(key,))
    elif is_stopped(key):
        stopped_note(tr("The search"), [key], "search", again=tr("Look for it after all"))
    else:
        _run(choice, search)


def _ask(key: tuple[object, ...]) -> None:
    st.session_state[_ASKED] = key


def _class_index(choice: Choice) -> int:
    names = choice.model.all_class_names()
    best = np.argsort(-cached.answer_of(choice), kind="stable")[:_BEST].tolist()
    offered = offered_classes(names, [names[index] for index in best], ["search_class"])
    numbers = {name: str(number) for name, number in offered.items()}  # a class is its number in links
    chosen = pick_one(tr("Class"), numbers, "search_class", names[best[0]], width=300, format_func=_said_class)
    return names.index(chosen)


def _said_class(name: str) -> str:
    return shown(class_in_words(name))


def _objective(what: str, block: int, unit: int, channel: int, index: int) -> Objective:
    if what == "class":
        return Objective(kind="class", index=index)
    if what == "channel-unit":
        return Objective(kind="channel unit", index=index, place=block)
    if what == "channel":
        return Objective(kind="channel", index=channel, place=2 * block + 2)
    return Objective(kind="token unit", index=unit, place=block, at=channel if what == "unit-in-channel" else None)


def _run(choice: Choice, search: Search) -> None:
    key = preferred_results.search_key(choice, search)
    job_table().leave_all_but([key, *survey_wanted(choice)], visitor_name())
    job = preferred_results.search_job(choice, search)
    wait_shortly([job], _QUICK)
    if not job.future.done() or job.stopped:
        waiting([Wait(tr("Looking for the picture"), [(key, job)])], "search")
    elif job.failed:
        failed_note(tr("The search"), [(key, job)], "search")
    else:
        _show(choice, search, job.future.result())


def _show(choice: Choice, search: Search, found: Found) -> None:
    maximised = found.maximised
    best = int(found.photo_activations.argmax())
    photo, reached = preferred_results.best_photo(choice, found), float(found.photo_activations[best])
    grids = figures.maximised_grids(maximised.pictures, maximised.activations.tolist())
    titles = preferred_results.said_titles(choice)
    note = tr("{title}, reaches {value:.3g}", title=titles[best], value=reached)
    show_grids([*grids, figures.picture_grid(photo, title=tr("Best real photo here"), note=note)], key="maximised")
    sentence = texts.reached_in_words(
        _objective_name(choice, search.objective),
        maximised.best,
        float(maximised.start_activations[0]),
        reached,
        titles[best],
        len(titles),
        preferred_results.measured_for(choice.model, search.objective),
    )
    st.markdown(sentence)
    st.caption(texts.how_found(maximised))
    _downloads(choice, search.objective, found, photo, reached)


def _objective_name(choice: Choice, objective: Objective) -> str:
    is_class = objective.kind == "class"
    return texts.objective_name(objective, choice.model.shown_class_name(objective.index) if is_class else "")


def _downloads(choice: Choice, objective: Objective, found: Found, photo: np.ndarray, reached: float) -> None:
    maximised = found.maximised
    values = maximised.activations.tolist()

    def figure() -> Figure:
        titles = [tr("reaches {value:.3g}", value=value) for value in values]
        best = tr("photo: {value:.3g}", value=reached)
        name = _objective_name(choice, objective)
        caption = tr("{objective}; {model}", objective=name, model=choice.model.title)
        return figures.draw_pictures([*maximised.pictures, photo], [*titles, best], caption)

    def table() -> bytes:
        photos = zip(preferred_results.said_titles(choice), found.photo_activations.tolist(), strict=True)
        rows = [
            *([tr("found {number}", number=number), value] for number, value in enumerate(values, start=1)),
            *([title, value] for title, value in photos),
        ]
        return downloads.csv_bytes([tr("picture"), tr("activation")], rows)

    downloads.download_row(
        "preferred-picture",
        figure,
        lambda: {
            "pictures": maximised.pictures,
            "activations": maximised.activations,
            "start_activations": maximised.start_activations,
            "curve_steps": maximised.curve_steps,
            "curve": maximised.curve,
            "photo_activations": found.photo_activations,
        },
        table,
    )
