"""Prediction at depth and who wrote the logit, on the activations page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.figures import common
from mixer_viz.figures.activations import charts
from mixer_viz.figures.activations import maps as figures
from mixer_viz.texts import activations as texts
from mixer_viz.texts.from_files import literal
from mixer_viz.ui.activations import beside, results
from mixer_viz.ui.activations.layers import stage_names
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
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
    return options[pick_one("Class", {name: str(index) for name, index in options.items()}, "class_followed")]


def _at_depth(choice: Choice, names: list[str], layer: int) -> None:
    st.subheader("The answer at every layer")
    depth = results.logit_lens_of(choice)
    classes = np.argsort(-depth.probabilities[-1], kind="stable")[:_NUM_CLASSES].tolist()
    titles = [choice.model.shown_class_name(index) for index in classes]
    lines = {title: depth.probabilities[:, index] for title, index in zip(titles, classes, strict=True)}
    figure = charts.layer_lines(lines, names, layer, title="probability, %", percent=True)
    show_chart(figure, key="depth-answers", alt="Probability of the five best classes, by layer.")
    st.caption(texts.LENS_CAVEAT)
    with st.expander("As a table"):
        st.table(texts.top_classes_by_layer(titles, names, depth.probabilities[:, classes].tolist()))


def _patch_by_patch(choice: Choice, names: list[str], layer: int, token: int, target: int) -> None:
    st.subheader("Patch by patch")
    logits = results.patch_logits_of(choice, target)
    parts = results.logit_attribution_of(choice, target)
    crop, name, grid = cached.crop_of(choice), choice.model.class_name(target), choice.model.config.grid_shape
    maps = parts.patch_parts.reshape(-1, *grid)
    grids = [
        common.patch_grid(crop, grid, title=f"Patch {token}", width=290),
        figures.class_maps(crop, logits.values, f"What each patch says of {name}", "logit", names),
        figures.class_maps(
            crop, maps.reshape(len(names), -1), f"What this step wrote for {name}", "contribution", names
        ),
    ]
    show_grids(grids, key="class-maps", selected=token, on_pick=select_token, frames=names, frame=layer)
    st.markdown(texts.mean_closes(logits, literal(name)))


def _written(choice: Choice, names: list[str], layer: int, target: int) -> None:
    name, shown = choice.model.class_name(target), choice.model.shown_class_name(target)
    st.subheader(f"Who wrote the logit of {shown}?")
    parts = results.logit_attribution_of(choice, target)
    figure = charts.contribution_bars(parts.parts, names, layer)
    show_chart(figure, key="parts", alt=f"Part of the logit of {name} that each step wrote.")
    st.markdown(texts.parts_close(parts, shown))
