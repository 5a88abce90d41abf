"""The channel browser of the activations page: all channels of one layer, and one channel through all layers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations import layers
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.figures.activations import maps as figures
from mixer_viz.language import mark, noted, tr
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.texts.units import survey as texts
from mixer_viz.ui.activations import beside, results
from mixer_viz.ui.activations.layers import stage_labels, stage_names, top_class
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.speed import BACKWARD, pass_seconds
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.survey import opened_survey
from mixer_viz.ui.survey_units import Measured, over_pictures
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import (
    channel_field,
    layer_field,
    option_buttons,
    select_channel,
    select_layer,
    switch,
)

QUICK = 1.0  # seconds
ORDERS = {
    mark("Variance"): "variance",
    mark("Length"): "length",
    mark("Effect on the class"): "effect",
    mark("Number"): "number",
}


@st.fragment
@guarded
def channels(choice: Choice) -> None:
    """All channels of the selected layer, sorted; the selected one through the network."""
    config, names = choice.model.config, stage_names(choice)
    st.markdown(tr("A channel is one column of the token matrix: one number for each patch. Click one to follow it."))
    fields = st.columns([1, 1, 1, 2], vertical_alignment="bottom")
    with fields[0]:
        layer = layer_field(config)
    with fields[1]:
        channel = channel_field(config)
    with fields[2]:
        name = pick_beside(choice)
    with fields[3]:
        order = option_buttons(tr("Sorted by"), ORDERS, "channels")
    trace = cached.trace_of(choice)
    numbers = layers.channel_statistics(trace, layer)
    target = top_class(choice)
    sorts_by_effect = order == "Effect on the class"
    # A backward pass: with a large model only for whoever sorts by it.
    is_known = sorts_by_effect or (1 + BACKWARD) * pass_seconds(choice.model) < QUICK
    effects = results.channel_effects_of(choice, layer, target) if is_known else None
    keys = {"Variance": -numbers.variance, "Length": -numbers.norm}
    if effects is not None:
        keys["Effect on the class"] = -np.abs(effects)
    sorted_channels = np.argsort(keys.get(order, np.arange(config.embed_dim)), kind="stable")
    notes = beside.channel_notes(numbers)
    if effects is not None:
        name_of_class, words = (
            class_in_words(choice.model.class_name(target)),
            tr("{note}, effect on {name} {effect:+.3g}"),
        )
        notes = [
            words.format(note=note, name=name_of_class, effect=effect)
            for note, effect in zip(notes, effects, strict=True)
        ]
    atlas = figures.channel_atlas(layers.stage_maps(trace, layer), sorted_channels, notes, names[layer])
    hint = tr("Click a channel, or use the arrow keys.")
    show_grids([atlas], key="channel-atlas", selected=channel, on_pick=select_channel, marks="channel", hint=hint)
    show_beside(choice, name, lambda other: beside.channel_maps(choice, other, layer))
    st.markdown(tr("**Channel {number} through all layers**", number=channel))
    own = switch(tr("Each layer on its own scale"), "own_scales")
    maps = layers.channel_maps(trace, channel)
    strip = figures.layer_strip(stage_labels(choice), names, maps, "channel", own_scales=own)
    stacks = [1] + [2] * config.num_blocks
    show_grids(strip, key="channel-strip", selected=layer, on_pick=select_layer, marks="layer", stacks=stacks)
    _over_survey(choice, layer, channel, float(maps[layer].mean()))


def _over_survey(choice: Choice, layer: int, channel: int, value: float) -> None:
    """The channel over the pictures of a survey; nothing without one. `value`: its mean on this picture."""
    survey = opened_survey(choice.model)
    if survey is None:
        return
    title = noted(
        "Channel {number}, {stage}, over the pictures of your survey",
        number=channel,
        stage=stage_names(choice)[layer],
    )
    with folded(title):
        st.markdown(texts.about(survey, choice.model.shown_title))
        row = layer * choice.model.config.embed_dim + channel
        objective = Objective(kind="channel", index=channel, place=layer)
        over_pictures(choice, survey, Measured("channels", row, objective, value))
