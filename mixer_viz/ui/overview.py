"""The cached results of the Overview page."""

from __future__ import annotations

import streamlit as st

from mixer_viz.analysis import overview
from mixer_viz.model import trace
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import MAX_RESULTS, pixels_of
from mixer_viz.ui.compute.gate import computing_on


@st.cache_data(max_entries=MAX_RESULTS, show_spinner="Running the Mixer …")
def _overview(picture_key: str, model_key: str, _choice: Choice) -> overview.Overview:
    pixels = pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        return overview.overview_of(trace(_choice.model.model, pixels))


def overview_of(choice: Choice) -> overview.Overview:
    return _overview(choice.picture.key, choice.model.key, choice)
