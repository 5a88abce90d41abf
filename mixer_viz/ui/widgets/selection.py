"""Fields whose choice is in the link, and what is selected: patch, block, unit, layer, channel, on every page alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.language import mark, tr
from mixer_viz.model import MixerConfig
from mixer_viz.ui.widgets.links import begin_field, end_field, many_of, number_within, one_of, whole_number, yes_or_no

TOKEN, BLOCK, UNIT, LAYER, CHANNEL = "token", "block", "unit", "layer", "channel"
_FIRST_PATCH = "_first_patch"  # session state: grid and patch
_PLACES = "_places"  # session state: key -> (number of places, number chosen), to find the place in another model
# What a field shows in English, as a marked message -> its name in links, or the former alone.
Options = Mapping[str, str] | Sequence[str]


def select_token(token: int) -> None:
    """Select a patch from a picture; the number field follows."""
    st.session_state[TOKEN] = token


def select_unit(unit: int) -> None:
    """Select a hidden unit from a picture; the number field follows."""
    st.session_state[UNIT] = unit


def select_layer(layer: int) -> None:
    """Select a layer (a stage of the residual stream) from a picture; the number field follows."""
    st.session_state[LAYER] = layer


def select_channel(channel: int) -> None:
    """Select a channel from a picture; the number field follows."""
    st.session_state[CHANNEL] = channel


def link_names(options: Options) -> dict[str, str]:
    """What a field shows -> its name in links; where none is given, what it shows, in small letters and digits."""
    if isinstance(options, Mapping):
        return dict(options)
    return {option: re.sub(r"[^a-z0-9.]+", "-", option.lower()).strip("-") or option for option in options}


def option_buttons(label: str, options: Options, key: str, was: str = "", start: str = "") -> str:
    """A row of buttons, at first `start` or the first one chosen; returns what the chosen one shows in English.

    `was` is the name that links of earlier versions have for it.
    """
    names = link_names(options)
    start = start or next(iter(names))
    begin_field(key, start, one_of(names), was)
    if st.session_state.get(key, start) not in names:
        st.session_state[key] = start
    chosen: str = (
        st.segmented_control(label, list(names), default=start, required=True, key=key, wrap=True, format_func=tr)
        or start
    )
    end_field(key, chosen, None if chosen == start else names[chosen], names[chosen])
    return chosen


def pick_one(label: str, options: Options, key: str, start: str = "", **how: Any) -> str:
    """A list to choose from, at first `start` or its first entry; returns what the chosen one shows in English."""
    names = link_names(options)
    first = start if start in names else next(iter(names))
    begin_field(key, first, one_of(names))
    if st.session_state.get(key, first) not in names:
        st.session_state[key] = first  # another model, another list
    chosen: str = st.selectbox(label, list(names), list(names).index(first), key=key, **{"format_func": tr, **how})
    end_field(key, chosen, None if chosen == first else names[chosen], names[chosen])
    return chosen


def pick_many(
    label: str,
    options: Options,
    key: str,
    start: Sequence[str],
    *,
    usual: Sequence[str] | None = None,
    place: Any = st,
    **how: Any,
) -> list[str]:
    """A list to choose several from; returns what the chosen ones show in English.

    `usual` is what a link means that says nothing, where `start` depends on the computer.
    """
    plain = list(start if usual is None else usual)
    names = link_names(options)
    begin_field(key, list(start), many_of(names))
    if not set(st.session_state.get(key, start)) <= set(names):
        st.session_state[key] = list(start)
    words = {"format_func": tr, "placeholder": tr("Choose options")}
    chosen: list[str] = place.multiselect(label, list(names), default=list(start), key=key, **{**words, **how})
    said = ",".join(names[each] for each in chosen)
    end_field(key, chosen, None if chosen == plain else said, said)
    return chosen


def pick_number(label: str, lowest: int, highest: int, start: int, key: str, was: str = "", **how: Any) -> int:
    """A field for a whole number; what is out of bounds is brought to the nearest bound."""
    begin_field(key, start, whole_number(lowest, highest), was)
    if not lowest <= (held := st.session_state.get(key, start)) <= highest:
        st.session_state[key] = min(max(held, lowest), highest)
    value: int = st.number_input(label, lowest, highest, start, 1, key=key, **{"width": 240, **how})
    end_field(key, value, None if value == start else str(value))
    return value


def pick_fraction(label: str, lowest: float, highest: float, start: float, key: str) -> float:
    """A field for a number; what is out of bounds becomes `start`."""
    begin_field(key, start, number_within(lowest, highest))
    if not lowest <= st.session_state.get(key, start) <= highest:
        st.session_state[key] = start
    value: float = st.number_input(label, lowest, highest, start, 0.01, key=key, width=240)
    end_field(key, value, None if value == start else f"{value:g}")
    return value


def pick_on_slider(label: str, lowest: int, highest: int, start: int, key: str, width: int) -> int:
    """A slider over whole numbers."""
    begin_field(key, start, whole_number(lowest, highest))
    if not lowest <= (held := st.session_state.get(key, start)) <= highest:
        st.session_state[key] = min(max(held, lowest), highest)
    value: int = st.slider(label, lowest, highest, start, 1, key=key, width=width)
    end_field(key, value, None if value == start else str(value))
    return value


def switch(label: str, key: str, **how: Any) -> bool:
    """A switch that is off at first."""
    begin_field(key, False, yes_or_no)
    is_on: bool = st.toggle(label, key=key, **how)
    end_field(key, is_on, "true" if is_on else None)
    return is_on


def steady_place() -> DeltaGenerator:
    """A place for what is there at some times only, so that nothing below it is drawn anew when it comes or goes."""
    return st.container()


def token_field(config: MixerConfig) -> int:
    """The number field of the selected patch, 0 to S - 1 in raster order."""
    grid, first = st.session_state.get(_FIRST_PATCH, (None, 0))
    middle = config.num_patches // 2 + config.grid_shape[1] // 2
    start = first if grid == config.grid_shape else middle
    return _field(mark("Patch (0 to {last}, in raster order)"), TOKEN, config.grid_shape, start)


def start_at_patch(config: MixerConfig, token: int) -> None:
    """Which patch is selected until another one is chosen."""
    before = st.session_state.get(_FIRST_PATCH)
    st.session_state[_FIRST_PATCH] = now = (config.grid_shape, token)
    if before is not None and before != now and st.session_state.get(TOKEN) == before[1]:
        st.session_state[TOKEN] = token  # nobody has chosen the one before


def unit_field(config: MixerConfig, start: int = 0) -> int:
    """The number field of the selected hidden unit of a token-mixing MLP, at first `start`: a row of W1."""
    return _field(mark("Unit (0 to {last}, a row of W₁)"), UNIT, (1, config.tokens_mlp_dim), start)


def layer_field(config: MixerConfig) -> int:
    """The number field of the selected layer: 0 is the embedding, then two per block; starts at the last one."""
    last = 2 * config.num_blocks
    return _field(mark("Layer (0, the embedding, to {last})"), LAYER, (1, last + 1), last)


def channel_field(config: MixerConfig, start: int = 0) -> int:
    """The number field of the selected channel, 0 to C - 1."""
    return _field(mark("Channel (0 to {last})"), CHANNEL, (1, config.embed_dim), start)


def block_field(config: MixerConfig, start: int = 0) -> int:
    """The number field of the selected block, at first `start`; shown counted from 1, here counted from 0."""
    return _field(mark("Block (1 to {last})"), BLOCK, (1, config.num_blocks), start + 1, first=1) - 1


def _field(label: str, key: str, grid: tuple[int, int], start: int, first: int = 0) -> int:
    """The number of one of rows x columns places; in another model the choice stays at its place, not at its number."""
    last = first + grid[0] * grid[1] - 1
    start = min(start, last)
    is_asked = begin_field(key, start, whole_number(first, last))
    places: dict[str, tuple[tuple[int, int], int]] = st.session_state.setdefault(_PLACES, {})
    held = st.session_state.get(key)
    before, chosen = places.get(key, (grid, held))
    if held is not None and before != grid and held == chosen and not is_asked:
        # Units and channels have no place: those of another model are others.
        st.session_state[key] = start if key in (UNIT, CHANNEL) else first + same_place(held - first, before, grid)
    value = pick_number(tr(label, last=last), first, last, start, key)
    places[key] = (grid, value)
    return value


def same_place(index: int, before: tuple[int, int], now: tuple[int, int]) -> int:
    """Which cell of a grid (rows, columns) lies where the cell `index` lies in another one, both in raster order."""
    row, column = (
        min(round((place + 0.5) * new / old - 0.5), new - 1)
        for place, old, new in zip(divmod(index, before[1]), before, now, strict=True)
    )
    return row * now[1] + column
