"""Activations, layer by layer: one forward pass, everything visible."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import activations as texts
from mixer_viz.texts.glossary import explained
from mixer_viz.ui import survey
from mixer_viz.ui.activations.ablation import switching_off
from mixer_viz.ui.activations.channels import channels
from mixer_viz.ui.activations.downloads import downloads
from mixer_viz.ui.activations.formula import formula_with_numbers
from mixer_viz.ui.activations.layers import layers
from mixer_viz.ui.activations.logit_lens import prediction
from mixer_viz.ui.activations.permutation import shuffled
from mixer_viz.ui.activations.residual_stream import stream
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.selection import option_buttons

choice = current_choice()
# One view at a time: each has the fields that it needs, and only what is seen is computed.
VIEWS = {
    "layers": layers,
    "channels": channels,
    "stream": stream,
    "prediction": prediction,
    "off": switching_off,
    "shuffled": shuffled,
    "formula": formula_with_numbers,
}
# What the buttons say -> the name in links.
NAMES = {
    mark("Layers"): "layers",
    mark("Channels"): "channels",
    mark("Residual stream"): "stream",
    mark("Prediction"): "prediction",
    mark("Switching off"): "off",
    mark("Shuffled patches"): "shuffled",
    mark("Formula"): "formula",
}

st.title(tr("Activations, layer by layer"))
st.markdown(
    texts.layers_in_words(choice.model.config),
    help=explained("Half-block", "Residual stream", "LayerNorm", "GELU"),
)
view = NAMES[option_buttons(tr("View"), NAMES, "view")]
VIEWS[view](choice)
if view == "prediction":
    survey.beside(choice.model, "lens")
downloads(choice)
with folded(noted("In the formula")):
    st.markdown(tr(texts.ACTIVATIONS_EQUATION))
with folded(noted("What these pictures do not prove")):
    st.markdown(tr(texts.LIMITS))
st.page_link(
    "pages/attribution.py", label=tr("Next: which patches the answer rests on"), icon=":material/arrow_forward:"
)
