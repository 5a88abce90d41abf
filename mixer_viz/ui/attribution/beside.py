"""The same methods on another network, below the maps of the chosen one."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.attribution.methods import check_parameters
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.figures import common
from mixer_viz.figures.attribution import maps as figures
from mixer_viz.language import mark, tr
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.texts.units import beside as texts
from mixer_viz.ui.attribution.choice import Target
from mixer_viz.ui.attribution.maps import Look, Shown, finished_maps, map_pictures
from mixer_viz.ui.attribution.results import Asked
from mixer_viz.ui.beside import NOTHING, choice_beside, class_beside, heading, mark_beside
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import Key
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.errors import one_sentence

# Methods as a sentence that leaves one out calls them, for the catalogues.
_METHODS = (
    *(mark("smooth grad"), mark("integrated gradients"), mark("gradient shap"), mark("deep lift"), mark("occlusion")),
    *(mark("shapley sampling"), mark("kernel shap"), mark("grad cam"), mark("layer integrated gradients")),
    *(mark("saliency"), mark("input x gradient"), mark("patch ablation"), mark("patch logits")),
)


@dataclasses.dataclass(frozen=True)
class Beside:
    """What was asked of the other network, and the maps of it that are there."""

    name: str  # in the field
    choice: Choice
    asked: list[Asked]
    shown: list[Shown]
    notes: list[str]  # why something else than asked for is explained, for Markdown

    def keys(self) -> list[Key]:
        """Of its computations."""
        return [each.key(self.choice) for each in self.asked]


def finished(choice: Choice, target: Target, asked: list[Asked], name: str) -> Beside | None:
    """The same methods on the network beside, for the class of the same name; None where there is none.

    Bars stand for what is at work, and a sentence for what goes wrong: the page's own maps stay.
    """
    if name == NOTHING or not asked:
        return None
    with one_sentence():
        other = choice_beside(choice, name)
        if other is not None:
            cached.answer_of(other)  # raises where it is not finite
            theirs, notes = _asked_of(choice, other, target, asked)
            return Beside(name, other, theirs, finished_maps(other, theirs, "beside_map"), notes)
    return None


def _asked_of(choice: Choice, other: Choice, target: Target, asked: list[Asked]) -> tuple[list[Asked], list[str]]:
    """The same of another network, as far as it has these classes and parameters."""
    found, notes = [], []
    index, title = class_beside(choice, other, target.index), other.model.shown_title
    if index is None:
        index = int(cached.answer_of(other).argmax())
        notes.append(texts.other_class(title, target.name, other.model.shown_class_name(index)))
    against = None if target.against is None else class_beside(choice, other, target.against)
    if target.against is not None and (against is None or against == index):
        notes.append(texts.no_second_class(title, target.against_name))
        against = None
    table = methods_for(other.model.config)
    for each in asked:
        try:
            values = check_parameters(table[each.method], dict(each.parameters))
        except (ValueError, KeyError) as error:
            notes.append(texts.method_left_out(title, tr(each.method.replace("_", " ")), literal_sentence(error)))
            continue
        changed = dataclasses.replace(each, target=index, against=against, parameters=tuple(values.items()))
        found.append(changed)
    return found, notes


def draw(choice: Choice, target: Target, beside: Beside | None, look: Look, token: int) -> None:
    """The maps of the network beside, drawn as those above, and the scores of both."""
    if beside is None:
        return
    other = beside.choice
    heading(choice, other, beside.name)
    for note in beside.notes:
        st.caption(note)
    if not beside.shown:
        return
    config, crop = other.model.config, cached.crop_of(other)
    columns = st.columns(max(4, 1 + len(beside.shown)), gap="small")
    photo = common.patch_grid(crop, config.grid_shape, title=tr("Picture"), width=330)
    marked = mark_beside(token, choice.model.config, config)
    with columns[0]:
        show_grids([dataclasses.replace(photo, two_lines=True)], key="beside-photo", **marked)
    grids = figures.map_grids(
        crop,
        map_pictures(config, beside.shown, look.pixels),
        grid_size=config.grid_shape,
        shared=look.shared,
        positive=look.positive,
        opacity=look.opacity,
        width=330,
    )
    for place, (column, grid) in enumerate(zip(columns[1:], grids, strict=False)):
        with column:
            show_grids([grid], key=f"beside-map-{place}", hint=tr("Hover reads the values."), marks=marked["marks"])
    first = beside.asked[0]
    names = (target.score_name, _score_name(other, first))
    scores = (_score(choice, target.index, target.against), _score(other, first.target, first.against))
    st.markdown(texts.scores_compared(choice.model.shown_title, other.model.shown_title, names, scores))


def _score_name(other: Choice, asked: Asked) -> str:
    name = other.model.shown_class_name(asked.target)
    if asked.against is None:
        return tr("logit of {name}", name=name)
    against = other.model.shown_class_name(asked.against)
    return tr("logit of {name} minus that of {against}", name=name, against=against)


def _score(choice: Choice, index: int, against: int | None) -> float:
    logits: np.ndarray = to_double(one_image(cached.trace_of(choice).logits))
    return float(logits[index] - (0.0 if against is None else logits[against]))
