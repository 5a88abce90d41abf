"""The picture with its patches in another order, on the activations page."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations import permutation
from mixer_viz.figures.photo import shuffled_grid
from mixer_viz.language import mark, tr
from mixer_viz.model import MixerConfig
from mixer_viz.texts import interventions as texts
from mixer_viz.ui.activations import intervention_results
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.patches import tokens_of
from mixer_viz.ui.widgets.before_after import show_before_after
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.links import Read, begin_field, linked_value
from mixer_viz.ui.widgets.selection import option_buttons, pick_number

ORDERS = {mark("As it is"): "none", mark("Rows reversed"): "reversed", mark("Random"): "random"}
MAX_SEED = 9999
_SWAPS = "swaps"  # session state and link: pairs of places
_BEGUN, _FIRST = (
    "_swaps_begun",
    "_swap_first",
)  # session state: what the pairs belong to, and the first of the next pair
_NO_PLACE = -1
_MOST_SWAPS = 200  # which still fit into an address

Begun = tuple[str, int, int]  # order, seed, number of patches
Pairs = tuple[tuple[int, int], ...]  # places, in the order of the clicks
_NO_PAIRS: Pairs = ()


@dataclasses.dataclass(frozen=True)
class Swapped:
    """What the visitor has clicked since an order was chosen."""

    begun: Begun
    pairs: Pairs = ()
    first: int = _NO_PLACE  # the place that waits for a second one


@st.fragment
@guarded
def shuffled(choice: Choice) -> None:
    """The shuffled picture, the answer to it, and the weights that make the order not matter."""
    st.markdown(tr(texts.SHUFFLING))
    swapped = _swapped(_begun(choice.model.config))
    order = _order(swapped, choice.model.config.grid_shape)
    picture, answers = st.columns([1, 1.9], gap="medium")
    with picture:
        _picture(choice, swapped, order)
        _swap_buttons(swapped)
    result = intervention_results.shuffled_of(choice, tuple(order.tolist()))
    with answers:
        show_before_after(choice, result.before, result.after, tr("In this order"))
        best = choice.model.all_shown_class_names()[int(result.logits.argmax())]
        with st.container(key="same-order"):
            st.markdown(tr("**With the weights in the same order**"))
            sentence = texts.identity_sentence(result.logits, result.permuted_logits, result.identity_gap, best)
            st.markdown(sentence)
    st.markdown(tr(texts.PAPER_EXPERIMENT))


def _begun(config: MixerConfig) -> Begun:
    """The order that the swaps start from."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        name = option_buttons(tr("Order of the patches"), ORDERS, "patch_order")
        seed = 0
        if name == "Random":
            label = tr("Seed (0 to {last})", last=MAX_SEED)
            seed = pick_number(label, 0, MAX_SEED, 0, "shuffle_seed", was="seed", width=160)
    return name, seed, config.num_patches


def _swapped(begun: Begun) -> Swapped:
    """The swaps of this visit; those made in another order, or with another number of patches, are left behind."""
    read = pairs_reader(begun[2])
    if not begin_field(_SWAPS, _NO_PAIRS, read) and st.session_state.get(_BEGUN, begun) != begun:
        _keep(Swapped(begun))
    st.session_state[_BEGUN] = begun
    linked_value(_SWAPS, _NO_PAIRS, read, lambda pairs: ",".join(f"{first}-{second}" for first, second in pairs))
    return _now(begun)


def _now(begun: Begun) -> Swapped:
    return Swapped(begun, st.session_state.get(_SWAPS, ()), st.session_state.get(_FIRST, _NO_PLACE))


def pairs_reader(count: int) -> Read[Pairs]:
    """Reads swaps of two of `count` places, as "3-7,5-9"."""

    def read(values: list[str]) -> Pairs | None:
        text = values[-1]
        if not re.fullmatch(r"\d{1,6}-\d{1,6}(,\d{1,6}-\d{1,6})*", text, re.ASCII):
            return None
        pairs = [tuple(map(int, pair.split("-"))) for pair in text.split(",")]
        fit = len(pairs) <= _MOST_SWAPS and all(max(pair) < count for pair in pairs)
        return tuple((first, second) for first, second in pairs) if fit else None

    return read


def _order(swapped: Swapped, grid: tuple[int, int]) -> np.ndarray:
    name, seed, count = swapped.begun
    if name == "Random":
        order = permutation.random_order(count, seed)
    elif name == "Rows reversed":
        order = permutation.reversed_rows_order(grid)
    else:
        order = permutation.identity_order(count)
    for first, second in swapped.pairs:
        order = permutation.swapped_order(order, first, second)
    return order


def _keep(swapped: Swapped) -> None:
    st.session_state[_BEGUN], st.session_state[_SWAPS] = swapped.begun, swapped.pairs
    st.session_state[_FIRST] = swapped.first


def _picture(choice: Choice, swapped: Swapped, order: np.ndarray) -> None:
    def pick(place: int) -> None:
        now = _now(swapped.begun)  # a second click may come before the page is drawn anew
        if now.first == _NO_PLACE:
            _keep(dataclasses.replace(now, first=place))
        else:
            _keep(Swapped(now.begun, (*now.pairs, (now.first, place))[-_MOST_SWAPS:]))

    first = swapped.first
    if first == _NO_PLACE:
        hint = tr("Click two patches to swap them.")
    else:
        hint = tr("Now click the patch to swap with place {number}.", number=first)
    grid = shuffled_grid(tokens_of(choice).cells, order, grid=choice.model.config.grid_shape)
    show_grids([grid], key="shuffled", selected=first, on_pick=pick, hint=hint, marks="place")


def _swap_buttons(swapped: Swapped) -> None:
    empty = Swapped(swapped.begun)
    fewer = dataclasses.replace(empty, pairs=swapped.pairs[:-1])
    with st.container(horizontal=True):
        nothing = not swapped.pairs
        st.button(tr("Undo the last swap"), key="swap_undo", on_click=_keep, args=(fewer,), disabled=nothing)
        st.button(tr("Undo all swaps"), key="swap_clear", on_click=_keep, args=(empty,), disabled=nothing)
