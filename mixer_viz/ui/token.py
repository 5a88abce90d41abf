"""The selected patch (token), the same on every page and in the link."""

from __future__ import annotations

import streamlit as st

from mixer_viz.model import MixerConfig

KEY = "token"


def select_token(token: int) -> None:
    """Select a patch from a picture; the number field follows."""
    st.session_state[KEY] = token


def token_field(config: MixerConfig) -> int:
    """The number field of the selected patch, 0 to S - 1 in raster order."""
    last = config.num_patches - 1
    if not 0 <= st.session_state.get(KEY, 0) <= last:
        st.session_state[KEY] = last  # another model has fewer patches
    middle = config.num_patches // 2 + config.grid_size // 2
    token: int = st.number_input(
        f"Patch (0 to {last}, in raster order)", 0, last, min(middle, last), 1, key=KEY, bind="query-params", width=240
    )
    return token
