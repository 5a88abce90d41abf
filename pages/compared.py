"""Token mixers compared: what else could mix across locations, trained alike."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.ui import cached_compared, formulas_compared
from mixer_viz.ui.compared_costs_section import costs_and_accuracy
from mixer_viz.ui.compared_permuted import permuted_training
from mixer_viz.ui.compared_photo import on_your_photo
from mixer_viz.ui.compared_swap import swapping
from mixer_viz.ui.selection import option_buttons
from mixer_viz.ui.shell import current_choice

choice = current_choice()
# One part at a time: each has the fields that it needs, and only what is seen is computed. Links hold the names.
PARTS = {
    "On your photo": on_your_photo,
    "Cost and accuracy": lambda _: costs_and_accuracy(),
    "Swapped at run time": swapping,
    "Pictures reordered": permuted_training,
}

st.title("Token mixers compared")
st.markdown(formulas_compared.IN_WORDS)
if cached_compared.networks():
    part = option_buttons("Part", list(PARTS), "part")
    PARTS[part](choice)
else:
    st.info(formulas_compared.NOTHING_HERE)
    swapping(choice)
with st.expander("In the formula"):
    st.markdown(formulas_compared.EQUATION)
with st.expander("What these pictures do not prove"):
    st.markdown(formulas_compared.LIMITS)
