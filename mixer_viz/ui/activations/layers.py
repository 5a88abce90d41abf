"""The first sections of the activations page: all layers as small maps, one of them large, hidden activations."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations import layers as analysis
from mixer_viz.figures import common
from mixer_viz.figures.activations import maps as figures
from mixer_viz.figures.grid import Grid
from mixer_viz.language import mark, noted, shown, tr
from mixer_viz.model.trace import stages_of
from mixer_viz.texts import activations as activation_texts
from mixer_viz.texts import overview as overview_texts
from mixer_viz.ui.activations import beside, results
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.overview import overview_of
from mixer_viz.ui.widgets.contents import folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import (
    CHANNEL,
    channel_field,
    layer_field,
    option_buttons,
    select_layer,
    select_token,
    switch,
    token_field,
)

# What is drawn: its name in links, which scale it has.
NAMES = {mark("Length"): "length", mark("Likeness"): "likeness", mark("Channel"): "channel", mark("Class"): "class"}
QUANTITIES = {"Length": "norm", "Likeness": "norm", "Channel": "channel", "Class": "logit"}


def stage_names(choice: Choice) -> list[str]:
    """The layers in full, the embedding first; noted."""
    return [stage.name for stage in stages_of(choice.model.config)]


def stage_labels(choice: Choice) -> list[tuple[str, str]]:
    """Title and note of each small picture in a strip of layers."""
    ratios = overview_of(choice).branch_ratio
    return [common.stage_label(name, ratio) for name, ratio in zip(stage_names(choice), ratios, strict=True)]


@st.fragment
@guarded
def layers(choice: Choice) -> None:
    """Strip of all layers, the selected one over the photo, and the selected patch at every layer."""
    config = choice.model.config
    quantity = option_buttons(tr("Pictures show"), NAMES, "quantity")
    likeness = quantity == "Likeness"
    own = not likeness and switch(tr("Each layer on its own scale"), "own_scales")
    fields = st.columns(4, vertical_alignment="bottom")
    with fields[0]:
        layer = layer_field(config)
    with fields[1]:
        token = token_field(config)
    with fields[2]:
        name = pick_beside(choice)
    with fields[3]:
        channel = channel_field(config) if quantity == "Channel" else int(st.session_state.get(CHANNEL, 0))
    overview, names = overview_of(choice), stage_names(choice)
    maps = _maps(choice, quantity, channel)
    labels = stage_labels(choice)
    colours = overview.colours if likeness else None
    strip = figures.layer_strip(labels, names, maps, QUANTITIES[quantity], colours, own)
    stacks = [1] + [2] * config.num_blocks
    hint = tr("Click a layer to see it large.")
    show_grids(strip, key="strip", selected=layer, on_pick=select_layer, marks="layer", hint=hint, stacks=stacks)
    if quantity == "Class":
        answer = choice.model.shown_class_name(top_class(choice))
        st.caption(tr("Logit of **{name}**, the answer, as each patch would give it.", name=answer))
    elif likeness:
        st.caption(overview_texts.colours_caption(overview.explained_variance.tolist()))
    titles = [shown(name).capitalize() for name in names]
    if colours is None:
        grid = figures.enlarged(cached.crop_of(choice), maps, QUANTITIES[quantity], titles, own, width=270)
    else:
        grid = dataclasses.replace(strip[layer], select="cell", ids=None, width=270, title=titles[layer])
    _large(choice, grid, layer, token)
    show_beside(choice, name, lambda other: beside.layer_maps(choice, other, quantity, layer, token, channel))
    vectors = analysis.patch_vectors(cached.trace_of(choice), token)
    grid = figures.vectors_by_stage(vectors, token)
    show_grids([grid], key="vectors", on_pick=select_layer, marks="layer", hint=tr("Click a row to select its layer."))
    _hidden(choice, layer)


def _maps(choice: Choice, quantity: str, channel: int) -> np.ndarray:  # (T, rows, columns)
    if quantity == "Channel":
        return analysis.channel_maps(cached.trace_of(choice), channel)
    if quantity == "Class":
        logits = results.patch_logits_of(choice, top_class(choice)).values
        return logits.reshape(-1, *choice.model.config.grid_shape)
    return overview_of(choice).token_norm


def top_class(choice: Choice) -> int:
    """The network's answer, whose logit the page follows."""
    return int(overview_of(choice).top_classes[0])


def _large(choice: Choice, enlarged: Grid, layer: int, token: int) -> None:
    """The photo and the selected layer large; the frames of `enlarged`, where it has any, are all layers."""
    names, crop = stage_names(choice), cached.crop_of(choice)
    pictures, numbers = st.columns([1.7, 1], gap="medium")
    with pictures:
        photo = common.patch_grid(
            crop, choice.model.config.grid_shape, title=tr("Patch {number}", number=token), width=270
        )
        frames = [shown(name) for name in names] if enlarged.frames > 1 else []
        show_grids(
            [photo, enlarged],
            key="large",
            selected=token,
            on_pick=select_token,
            frames=frames,
            frame=layer if frames else 0,
            hint=tr("Click a patch."),
        )
    with numbers:
        stream, drift = results.stream_of(choice)
        norms = overview_of(choice).token_norm[layer].ravel()
        st.table(
            activation_texts.layer_numbers(
                names[layer],
                float(norms[token]),
                float(norms.mean()),
                float(stream.ratio[layer]),
                float(stream.cosine[layer]),
                float(drift.mean_similarity[layer]),
                float(drift.to_mean[layer, token]),
            )
        )


def _hidden(choice: Choice, layer: int) -> None:
    """Hidden activations of the half-block that leads to the layer; of the first one for the embedding."""
    block = (max(1, layer) - 1) // 2
    mixing: analysis.Mixing = "channel" if layer and layer % 2 == 0 else "token"
    section(noted("Hidden activations"))
    stage = stage_names(choice)[max(1, layer)]
    st.markdown(tr("After the GELU, in the MLP of **{stage}**.", stage=stage))
    result = analysis.hidden_activations(cached.trace_of(choice), block, mixing)
    count, units = result.values.shape
    rows = "channel" if mixing == "token" else "token"
    if mixing == "token":
        shape = tr("C × D_S = {count} × {units}: a row per channel", count=count, units=units)
    else:
        shape = tr("S × D_C = {count} × {units}: a row per token", count=count, units=units)
    grid = figures.hidden_grid(result.values, title=tr("Hidden activations"), rows=rows, note=shape)
    show_grids([grid], key="hidden", on_pick=select_token, hint=tr("Hover reads each activation."))
    st.caption(activation_texts.hidden_note(result))
    with folded(noted("The strongest")):
        st.table(activation_texts.strongest_table(result))
