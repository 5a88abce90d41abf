"""Switching parts of the network off, on the activations page."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations.ablation import Ablation, Kind, Replacement
from mixer_viz.figures.activations.charts import each_alone_chart
from mixer_viz.language import mark, noted, tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.trace import stages_of
from mixer_viz.texts import interventions as intervention_texts
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.ui.activations import intervention_results
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.speed import is_wanted, pass_seconds
from mixer_viz.ui.grid_panel import show_chart
from mixer_viz.ui.widgets.before_after import show_before_after
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.links import Read, begin_field, linked_value
from mixer_viz.ui.widgets.selection import option_buttons, pick_number, pick_one

MAX_MORE = 5  # besides the one that the fields say
_MORE = "off_more"  # session state and link: the list that was put together
_MORE_OF = "_off_more_of"  # session state: the model it is for
_NUMBERS = {
    "token": mark("Patch (0 to {last})"),
    "channel": mark("Channel (0 to {last})"),
    "unit": mark("Hidden unit (0 to {last})"),
}


@st.fragment
@guarded
def switching_off(choice: Choice) -> None:
    """A few parts switched off together, and every half-block alone."""
    st.markdown(tr(intervention_texts.SWITCHING_OFF))
    names = [stage.name for stage in stages_of(choice.model.config)]
    chosen = _fields(choice.model.config, names)
    more = _more(choice)
    together = list(dict.fromkeys([*more, chosen]))
    _list_buttons(together, more, names)
    before, after = cached.answer_of(choice), intervention_results.without(choice, tuple(together))
    show_before_after(choice, before, after, tr("Switched off"))
    st.caption(tr(intervention_texts.MEAN_NOTE))
    _each_alone(choice, names, before)


def _fields(config: MixerConfig, names: list[str]) -> Ablation:
    """What the fields say is to be switched off."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        what = option_buttons(tr("Switch off"), intervention_texts.KINDS, "off")
        kind = intervention_texts.KINDS[what]
        stages = names[1:] if kind in ("branch", "unit") else names
        label = tr("After") if kind in ("token", "channel") else tr("In")
        at = pick_one(label, {stage: str(names.index(stage)) for stage in stages}, "off_at", width=260)
        stage = names.index(at)
        index = None if kind == "branch" else _number(kind, _count(config, kind, stage))
        to = option_buttons(tr("Set to"), intervention_texts.REPLACEMENTS, "off_to")
    return Ablation(kind, stage, index, intervention_texts.REPLACEMENTS[to])


def _count(config: MixerConfig, kind: str, stage: int) -> int:
    hidden = config.tokens_mlp_dim if stage % 2 else config.channels_mlp_dim
    return {"token": config.num_patches, "channel": config.embed_dim, "unit": hidden}[kind]


def _number(kind: str, count: int) -> int:
    return pick_number(tr(_NUMBERS[kind], last=count - 1), 0, count - 1, 0, "off_number", width=200)


def _more(choice: Choice) -> list[Ablation]:
    """The list of this visit; a list made for another model is left behind."""
    read = list_reader(choice.model.config)
    nothing: list[Ablation] = []
    if not begin_field(_MORE, nothing, read) and st.session_state.get(_MORE_OF, choice.model.key) != choice.model.key:
        st.session_state[_MORE] = []
    st.session_state[_MORE_OF] = choice.model.key
    return linked_value(_MORE, nothing, read, lambda ablations: ",".join(map(_in_link, ablations)))


def list_reader(config: MixerConfig) -> Read[list[Ablation]]:
    """Reads a list of parts that are switched off, of which every one is in this model."""

    def read(values: list[str]) -> list[Ablation] | None:
        parts = values[-1].split(",")
        try:
            found = [_of_link(part) for part in parts]
            for each in found:
                each.check(config)
        except ValueError:
            return None
        return found if len(found) <= MAX_MORE else None

    return read


def _in_link(part: Ablation) -> str:
    """Such as "unit.3.zero.17": kind, stage, what it is set to, number."""
    return ".".join(str(each) for each in (part.kind, part.stage, part.to, part.index) if each is not None)


def _of_link(text: str) -> Ablation:
    """Raises ValueError for what is no such thing."""
    kind, stage, to, *index = text.split(".")
    return Ablation(cast(Kind, kind), int(stage), int(".".join(index)) if index else None, cast(Replacement, to))


def _list_buttons(together: list[Ablation], more: list[Ablation], names: list[str]) -> None:
    texts = [intervention_texts.ablation_name(each, names) for each in together]
    st.markdown(tr("Switched off: {list}.", list=tr("; ").join(texts)))

    def keep(ablations: list[Ablation]) -> None:
        st.session_state[_MORE] = ablations

    with st.container(horizontal=True):
        st.button(
            tr("Keep these off and choose one more"),
            key="off_keep",
            on_click=keep,
            args=(together,),
            disabled=len(together) > MAX_MORE,
        )
        st.button(tr("Clear the list"), key="off_clear", on_click=keep, args=([],), disabled=not more)


def _each_alone(choice: Choice, names: list[str], before: np.ndarray) -> None:
    section(noted("Every half-block switched off alone"))
    seconds = 2 * choice.model.config.num_blocks * pass_seconds(choice.model)  # one pass for each
    if not is_wanted(tr("Every half-block alone"), seconds, "each_alone", choice.model.key, choice.picture.key):
        return
    probabilities = intervention_results.each_alone(choice)
    top, classes, plain = int(before.argmax()), choice.model.all_shown_class_names(), choice.model.all_class_names()
    changes = probabilities[:, top] - before[top]
    answers = [classes[index] for index in probabilities.argmax(axis=1).tolist()]
    figure = each_alone_chart(100 * changes, names[1:], answers, classes[top])
    sentence = intervention_texts.each_alone_sentence(names[1:], changes, classes[top])
    alt = intervention_texts.each_alone_sentence(names[1:], changes, class_in_words(plain[top])).replace("**", "")
    show_chart(figure, key="each-alone", alt=alt)
    st.markdown(sentence)
