"""Prediction at depth and who wrote the logit, on the activations page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.figures import common
from mixer_viz.figures.activations import charts
from mixer_viz.figures.activations import maps as figures
from mixer_viz.language import noted, shown, tr
from mixer_viz.texts import activations as texts
from mixer_viz.texts.names.classes import class_in_words, noted_class
from mixer_viz.ui.activations import beside, results
from mixer_viz.ui.activations.layers import stage_names
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.contents import folded, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import layer_field, pick_one, select_token, token_field

_NUM_CLASSES = 5


@st.fragment
@guarded
def prediction(choice: Choice) -> None:
    """What the classifier would say at every layer, patch by patch, and the parts of its last word."""
    config, names = choice.model.config, stage_names(choice)
    fields = st.columns(4, vertical_alignment="bottom")
    with fields[0]:
        layer = layer_field(config)
    with fields[1]:
        token = token_field(config)
    with fields[2]:
        target = class_field(choice)
    with fields[3]:
        name = pick_beside(choice)
    _at_depth(choice, names, layer)
    show_beside(choice, name, lambda other: beside.lens_curves(choice, other, layer))
    _patch_by_patch(choice, names, layer, token, target)
    _written(choice, names, layer, target)


def class_field(choice: Choice) -> int:
    """The class that the maps are about: one of the most probable."""
    classes: list[int] = np.argsort(-results.logit_lens_of(choice).probabilities[-1], kind="stable")[
        :_NUM_CLASSES
    ].tolist()
    options = {f"{place + 1}: {choice.model.class_name(index)}": index for place, index in enumerate(classes)}

    def said(option: str) -> str:
        place, _ = option.split(": ", 1)
        return tr("{place}: {name}", place=place, name=class_in_words(choice.model.class_name(options[option])))

    names = {name: str(index) for name, index in options.items()}
    return options[pick_one(tr("Class"), names, "class_followed", format_func=said)]


def _at_depth(choice: Choice, names: list[str], layer: int) -> None:
    section(noted("The answer at every layer"))
    depth = results.logit_lens_of(choice)
    classes = np.argsort(-depth.probabilities[-1], kind="stable")[:_NUM_CLASSES].tolist()
    titles = [choice.model.shown_class_name(index) for index in classes]
    lines = {title: depth.probabilities[:, index] for title, index in zip(titles, classes, strict=True)}
    figure = charts.layer_lines(lines, names, layer, title=tr("probability, %"), percent=True)
    show_chart(figure, key="depth-answers", alt=tr("Probability of the five best classes, by layer."))
    st.caption(tr(texts.LENS_CAVEAT))
    with folded(noted("As a table")):
        st.table(texts.top_classes_by_layer(titles, names, depth.probabilities[:, classes].tolist()))


def _patch_by_patch(choice: Choice, names: list[str], layer: int, token: int, target: int) -> None:
    section(noted("Patch by patch"))
    logits = results.patch_logits_of(choice, target)
    parts = results.logit_attribution_of(choice, target)
    crop, grid = cached.crop_of(choice), choice.model.config.grid_shape
    name = class_in_words(choice.model.class_name(target))
    maps, said = parts.patch_parts.reshape(-1, *grid), [shown(layer_name) for layer_name in names]
    grids = [
        common.patch_grid(crop, grid, title=tr("Patch {number}", number=token), width=290),
        figures.class_maps(crop, logits.values, tr("What each patch says of {name}", name=name), "logit", said),
        figures.class_maps(
            crop,
            maps.reshape(len(names), -1),
            tr("What this step wrote for {name}", name=name),
            "contribution",
            said,
        ),
    ]
    show_grids(grids, key="class-maps", selected=token, on_pick=select_token, frames=said, frame=layer)
    st.markdown(texts.mean_closes(logits, choice.model.shown_class_name(target)))


def _written(choice: Choice, names: list[str], layer: int, target: int) -> None:
    name = choice.model.class_name(target)
    section(noted("Who wrote the logit of {name}?", name=noted_class(name)))
    parts = results.logit_attribution_of(choice, target)
    figure = charts.contribution_bars(parts.parts, names, layer)
    alt = tr("Part of the logit of {name} that each step wrote.", name=class_in_words(name))
    show_chart(figure, key="parts", alt=alt)
    st.markdown(texts.parts_close(parts, choice.model.shown_class_name(target)))
