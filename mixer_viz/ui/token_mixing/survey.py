"""One unit on many pictures, from a survey that the visitor opened."""

from __future__ import annotations

import dataclasses

import streamlit as st

from mixer_viz.analysis.arrays import one_image
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.figures.token_mixing import maps as figures
from mixer_viz.language import mark, noted, tr
from mixer_viz.survey.output import Survey
from mixer_viz.texts.units import survey as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.survey import about_opened, opened_survey, survey_field
from mixer_viz.ui.survey_units import Measured, over_pictures
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.token_mixing.preferred import wanted_channel_unit
from mixer_viz.ui.token_mixing.sections import field_stages
from mixer_viz.ui.token_mixing.survey_here import survey_download, survey_here, survey_wanted
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.selection import option_buttons

_FROM = {mark("Open one"): "open", mark("Make one here"): "here"}


def on_many_pictures(choice: Choice, block: int, unit: int) -> None:
    """A survey, opened or made here, and what it says of one unit."""
    is_open = opened_survey(choice.model) is not None or bool(survey_wanted(choice))
    with folded(noted("This unit on a whole folder of pictures: make or open a survey"), expanded=is_open):
        made_here = _FROM[option_buttons(tr("Survey"), _FROM, "survey_from")] == "here"
        if made_here:
            survey = survey_here(choice)
        else:
            st.markdown(tr(texts.COMMAND))
            survey = survey_field(choice.model)
        about_opened(choice.model)
        if survey is not None:
            hidden = wanted_channel_unit()
            if hidden is None:
                _unit(choice, survey, block, unit)
            else:
                _channel_unit(choice, survey, block, hidden)
            if made_here:
                survey_download(survey)


def _unit(choice: Choice, survey: Survey, block: int, unit: int) -> None:
    objective = Objective(kind="token unit", index=unit, place=block)
    row = block * choice.model.config.tokens_mlp_dim + unit
    value = float(results.on_picture(choice, block).activations[:, unit].mean())
    effect = ""
    if looked := int(survey.arrays["closer.done"].sum()):
        mean, spread = (float(survey.arrays[f"effects.{name}"][block, unit]) for name in ("mean", "std"))
        effect = texts.effect_in_words(mean, spread, looked)
    over_pictures(choice, survey, Measured("token_units", row, objective, value, effect))


def _channel_unit(choice: Choice, survey: Survey, block: int, unit: int) -> None:
    """The unit of channel mixing that is searched for above."""
    st.markdown(
        tr("**Unit {unit} of channel mixing in block {block}**, which is looked for above", unit=unit, block=block + 1)
    )
    hidden = one_image(cached.trace_of(choice).blocks[block].channels_hidden)  # (S, D_C)
    objective = Objective(kind="channel unit", index=unit, place=block)
    row = block * choice.model.config.channels_mlp_dim + unit
    over_pictures(choice, survey, Measured("channel_units", row, objective, float(hidden[:, unit].mean())))


def mean_listening(choice: Choice, token: int) -> None:
    """What the selected patch reads on average over the closer look's pictures, block by block; nothing without one."""
    survey = opened_survey(choice.model)
    if survey is None or not survey.arrays["closer.done"].sum():
        return
    mean, norm = survey.arrays["jacobian.mean"], survey.arrays["jacobian.norm"]
    maps = [
        (tr("Reads, mean of the survey"), "jacobian", mean[:, token]),
        (tr("Is read by, mean of the survey"), "jacobian", mean[:, :, token]),
        (tr("Reads, in norm"), "jacobian norm", norm[:, token]),
        (tr("Is read by, in norm"), "jacobian norm", norm[:, :, token]),
    ]
    grids = figures.jacobian_grids(cached.crop_of(choice), token, maps)
    names = [tr("Block {block} of {count}", block=block, count=len(mean)) for block in range(1, len(mean) + 1)]
    show_grids(grids, key="survey-means", stacks=[2, 2], frames=names)
    st.caption(texts.about(survey, choice.model.shown_title))


def mean_field(choice: Choice) -> None:
    """How far back the middle patch reaches on average over the closer look's pictures; nothing without one."""
    survey = opened_survey(choice.model)
    if survey is None or not survey.arrays["closer.done"].sum():
        return
    maps = survey.arrays["receptive_field.maps"]
    stages = field_stages(len(maps))
    grid = figures.field_grid(cached.crop_of(choice), maps, texts.field_notes(maps))
    title = tr("Patch {patch}, mean of the survey", patch=survey.about["token"])
    show_grids([dataclasses.replace(grid, title=title)], key="survey-reach", frames=stages, frame=len(stages) - 1)
