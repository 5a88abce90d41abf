"""What is selected: patch (token), block, hidden unit, layer and channel, the same on every page and in the link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.model import MixerConfig

TOKEN, BLOCK, UNIT, LAYER, CHANNEL = "token", "block", "unit", "layer", "channel"


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


def option_buttons(label: str, options: Sequence[str], key: str, was: str = "") -> str:
    """A row of buttons, the first one chosen at first; links hold what they say, under `key`.

    `was` is the name that links of earlier versions have for it.
    """
    if was:
        take_old_name(key, was, lambda text: text if text in options else None)
    chosen: str | None = st.segmented_control(
        label, options, default=options[0], required=True, key=key, wrap=True, bind="query-params"
    )
    return chosen or options[0]  # a link may name none, as ?key= does


def take_old_name(key: str, was: str, read: Callable[[str], Any]) -> None:
    """Begin a field with what a link of an earlier version says, before the field is drawn.

    Args:
        key: the field's own name, which a link of today has.
        was: its name then, perhaps shared with another page.
        read: from the link's text to the field's value; None for a text that is no value of it.
    """
    if key in st.session_state or key in st.query_params or was not in st.query_params:
        return
    if (value := read(st.query_params[was])) is not None:
        st.session_state[key] = value


def whole_number(lowest: int, highest: int) -> Callable[[str], int | None]:
    """For `take_old_name`: a whole number within these bounds."""

    def read(text: str) -> int | None:
        return int(text) if text.isdecimal() and lowest <= int(text) <= highest else None

    return read


def steady_place() -> DeltaGenerator:
    """A place for what is there at some times only, above fields that are bound to the link.

    Without it those fields would move down and up again, and a field that moves is no longer written into the link:
    the browser draws it at its new place, then forgets its binding with the one at the old place.
    """
    return st.container()


def token_field(config: MixerConfig) -> int:
    """The number field of the selected patch, 0 to S - 1 in raster order."""
    middle = config.num_patches // 2 + config.grid_shape[1] // 2
    return _field("Patch (0 to {last}, in raster order)", TOKEN, config.num_patches, middle)


def unit_field(config: MixerConfig, start: int = 0) -> int:
    """The number field of the selected hidden unit of a token-mixing MLP, at first `start`: a row of W1."""
    return _field("Unit (0 to {last}, a row of W₁)", UNIT, config.tokens_mlp_dim, start)


def layer_field(config: MixerConfig) -> int:
    """The number field of the selected layer: 0 is the embedding, then two per block; starts at the last one."""
    last = 2 * config.num_blocks
    return _field("Layer (0, the embedding, to {last})", LAYER, last + 1, last)


def channel_field(config: MixerConfig) -> int:
    """The number field of the selected channel, 0 to C - 1."""
    return _field("Channel (0 to {last})", CHANNEL, config.embed_dim, 0)


def block_field(config: MixerConfig, start: int = 0) -> int:
    """The number field of the selected block, at first `start`; shown counted from 1, here counted from 0."""
    return _field("Block (1 to {last})", BLOCK, config.num_blocks, start + 1, first=1) - 1


def _field(label: str, key: str, count: int, start: int, first: int = 0) -> int:
    last = first + count - 1
    if not first <= st.session_state.get(key, first) <= last:
        st.session_state[key] = last  # another model has fewer
    value: int = st.number_input(
        label.format(last=last), first, last, min(start, last), 1, key=key, bind="query-params", width=240
    )
    return value
