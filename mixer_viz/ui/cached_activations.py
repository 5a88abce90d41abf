"""The caches of the activations page; results are shared between visitors, never written to.

Bounds: 3 traces (bundled model 4 MB, B/16 0.1 GB, L/16 0.4 GB each); 32 results per kind, for B/16 at most 3 MB each.
"""

from __future__ import annotations

import streamlit as st

from mixer_viz.model import Trace, trace
from mixer_viz.ui.cached import pixels_of
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.gate import computing_on

MAX_TRACES = 3


@st.cache_resource(max_entries=MAX_TRACES, show_spinner="Running the Mixer …")
def _trace(picture_key: str, model_key: str, _choice: Choice) -> Trace:
    pixels = pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        return trace(_choice.model.model, pixels)


def trace_of(choice: Choice) -> Trace:
    """Every intermediate tensor of one picture, on the model's device."""
    return _trace(choice.picture.key, choice.model.key, choice)
