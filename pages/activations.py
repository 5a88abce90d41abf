"""Activations, layer by layer: one forward pass, everything visible."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.ui import formulas_activations
from mixer_viz.ui.ablation_section import switching_off
from mixer_viz.ui.activation_channels import channels
from mixer_viz.ui.activation_exports import downloads
from mixer_viz.ui.activation_layers import layers
from mixer_viz.ui.activation_prediction import prediction
from mixer_viz.ui.activation_stream import stream
from mixer_viz.ui.formula_section import formula_with_numbers
from mixer_viz.ui.selection import option_buttons
from mixer_viz.ui.shell import current_choice
from mixer_viz.ui.shuffle_section import shuffled

choice = current_choice()
# One view at a time: each has the fields that it needs, and only what is seen is computed. Links hold the names.
VIEWS = {
    "Layers": layers,
    "Channels": channels,
    "Residual stream": stream,
    "Prediction": prediction,
    "Switching off": switching_off,
    "Shuffled patches": shuffled,
    "Formula": formula_with_numbers,
}

st.title("Activations, layer by layer")
st.markdown(formulas_activations.layers_in_words(choice.model.config))
view = option_buttons("View", list(VIEWS), "view")
VIEWS[view](choice)
downloads(choice)
with st.expander("In the formula"):
    st.markdown(formulas_activations.ACTIVATIONS_EQUATION)
with st.expander("What these pictures do not prove"):
    st.markdown(formulas_activations.LIMITS)
st.page_link("pages/attribution.py", label="Next: which patches the answer rests on", icon=":material/arrow_forward:")
