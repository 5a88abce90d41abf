"""The fields of the Attributions page: for which class, by which methods, against what."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.attribution.methods import Method, Parameter, check_parameters
from mixer_viz.analysis.attribution.result import Value
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.analysis.chunks import Precision
from mixer_viz.figures.attribution.maps import MOST_MAPS
from mixer_viz.figures.common import short_name
from mixer_viz.language import mark, sentence_of_error, tr
from mixer_viz.model import MixerConfig
from mixer_viz.texts import attribution as texts
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.ui.attribution.results import Asked
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.speed import BACKWARD, MOST_UNASKED, pass_seconds
from mixer_viz.ui.widgets.class_list import offered_classes
from mixer_viz.ui.widgets.selection import (
    option_buttons,
    pick_fraction,
    pick_many,
    pick_number,
    pick_one,
    steady_place,
    switch,
)

TOP_ANSWER = mark("the top answer")
NOTHING = mark("nothing: the logit itself")
_FIRST = ("patch_logits", "integrated_gradients", "patch_ablation")
_QUICKER = ("grad_cam", "input_x_gradient")
_TOP = 5
_MAX_SEED = 2**31


@dataclasses.dataclass(frozen=True)
class Target:
    """The class that is explained, and what the network says about it."""

    index: int
    against: int | None
    plain_name: str  # in English, for files for download
    plain_against: str
    baseline: str  # what deleted patches are replaced by, too
    probabilities: np.ndarray  # (num_classes,) of the picture as it is

    @property
    def name(self) -> str:
        """The class, for Markdown and plotly."""
        return literal(class_in_words(self.plain_name))

    @property
    def against_name(self) -> str:
        """The other class, for Markdown and plotly."""
        return literal(class_in_words(self.plain_against))

    @property
    def score_name(self) -> str:
        """What the maps add up to, in words, for Markdown and plotly."""
        return self._score(self.name, self.against_name)

    @property
    def plain_score_name(self) -> str:
        """The same for pictures."""
        return self._score(class_in_words(self.plain_name), class_in_words(self.plain_against))

    def _score(self, name: str, against_name: str) -> str:
        if self.against is None:
            return tr("logit of {name}", name=name)
        return tr("logit of {name} minus the logit of {against}", name=name, against=against_name)


def pick_target(choice: Choice) -> Target:
    """The five best classes as buttons, every class in a list or by a search, and one to compare with."""
    probabilities = cached.answer_of(choice)
    names = choice.model.all_class_names()
    best = np.argsort(-probabilities, kind="stable")[:_TOP].tolist()
    with steady_place():
        offered = offered_classes(names, [names[index] for index in best], ("target", "against"))
    buttons = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        numbers = {name: str(number) for name, number in offered.items()}  # a class is its number in links
        chosen = pick_one(tr("Explain"), {TOP_ANSWER: "top", **numbers}, "target", width=240, format_func=_said)
        other = pick_one(tr("against"), {NOTHING: "nothing", **numbers}, "against", width=240, format_func=_said)
        baselines = {shown: name for name, shown in texts.BASELINE_NAMES.items()}
        shown = option_buttons(tr("Baseline: what stands for “nothing”"), baselines, "baseline")
    index = best[0] if chosen == TOP_ANSWER else names.index(chosen)
    with buttons:
        _top_buttons(names, best, probabilities, index)
    against = None if other == NOTHING else names.index(other)
    notes = steady_place()
    if against == index:
        name = literal(class_in_words(names[index]))
        notes.warning(tr("{name} against itself is always zero, so the logit itself is explained.", name=name))
        against = None
    against_name = "" if against is None else names[against]
    target = Target(index, against, names[index], against_name, baselines[shown], probabilities)
    if against is not None:
        notes.caption(texts.against_sentence(target.score_name))
    return target


def _said(option: str) -> str:
    return tr(option) if option in (TOP_ANSWER, NOTHING) else class_in_words(option)


def _top_buttons(names: list[str], best: list[int], probabilities: np.ndarray, chosen: int) -> None:
    for place, each in enumerate(best):
        st.button(
            tr(
                "{name} {share:.1f} %",
                name=literal(short_name(class_in_words(names[each]))),
                share=100 * probabilities[each],
            ),
            key=f"target_{place}",
            type="primary" if each == chosen else "secondary",
            on_click=_explain,
            args=(TOP_ANSWER if place == 0 else names[each],),
        )


def _explain(name: str) -> None:
    st.session_state["target"] = name


def pick_methods(choice: Choice, target: Target) -> list[Asked]:
    """One to four methods, with their parameters behind a fold; those whose parameters clash are left out, in words."""
    table = methods_for(choice.model.config)
    titles = {row.title: row for row in table.values()}
    usual = [table[name].title for name in _FIRST]
    first = [table[name].title for name in affordable_methods(choice)]
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    names = {title: row.name for title, row in titles.items()}
    label = tr("Methods, up to {most}", most=MOST_MAPS)
    chosen = pick_many(label, names, "methods", first, usual=usual, place=left, max_selections=MOST_MAPS)
    rows = [titles[title] for title in chosen]
    with right.popover(tr("Parameters"), width="stretch"):
        parameters = {row.name: _parameter_fields(choice.model.config, row) for row in rows}
        seed, precision = _fields_of_all()
    asked = []
    notes = steady_place()
    for row in rows:
        try:
            values = check_parameters(row, parameters[row.name])
        except ValueError as error:
            notes.warning(tr("{method} is left out: {error}.", method=tr(row.title), error=sentence_of_error(error)))
            continue
        baseline = target.baseline if row.needs_baseline else "black"  # no other key for what makes no difference
        plain = tuple(values.items())
        asked.append(Asked(row.name, target.index, target.against, baseline, seed, precision, plain))
    return asked


def affordable_methods(choice: Choice) -> list[str]:
    """The methods chosen at first: the usual ones, without those that this model makes long here; then quicker ones."""
    table, seconds = methods_for(choice.model.config), pass_seconds(choice.model)
    costs = {}
    for name in (*_FIRST, *_QUICKER):
        passes = table[name].passes({parameter.name: parameter.default for parameter in table[name].parameters})
        costs[name] = seconds * (passes.forward + BACKWARD * passes.backward)
    return [name for name, cost in costs.items() if cost <= MOST_UNASKED][: len(_FIRST)] or [_FIRST[0]]


def _parameter_fields(config: MixerConfig, row: Method) -> dict[str, Value]:
    if not row.parameters:
        return {}
    st.markdown(f"**{tr(row.title)}**")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        return {parameter.name: _field(config, row.name, parameter) for parameter in row.parameters}


def _field(config: MixerConfig, method: str, parameter: Parameter) -> Value:
    key = f"{method}_{parameter.name}"
    if parameter.choices:
        return pick_one(tr(parameter.title), parameter.choices, key, width=240)
    first = 1 if parameter.name == "block" else 0  # blocks are counted from 1 on every page
    title = tr("Block (1 to {last})", last=config.num_blocks) if first else tr(parameter.title)
    lowest, highest, start = (
        type(parameter.default)(value) + first  # type: ignore[operator]  # numbers, as there are no choices
        for value in (parameter.lowest, parameter.highest, parameter.default)
    )
    if isinstance(start, int):
        return pick_number(title, int(lowest), int(highest), start, key) - first
    return pick_fraction(title, lowest, highest, start, key)


def _fields_of_all() -> tuple[int, Precision]:
    """The seed, and the arithmetic."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        label = tr("Seed of all that is drawn")
        seed = pick_number(label, 0, _MAX_SEED, 0, "attribution_seed", was="seed")
        half = switch(tr(texts.BFLOAT16), "bfloat16")
    return seed, "bfloat16" if half else "float32"
