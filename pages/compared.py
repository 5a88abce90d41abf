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
from mixer_viz.ui.shell import current_choice, current_picture

SWAPPED = "Swapped at run time"
# One part at a time: each has the fields that it needs, and only what is seen is computed. Links hold the names.
PARTS = {
    "On your photo": lambda: on_your_photo(current_picture()),
    "Cost and accuracy": costs_and_accuracy,
    SWAPPED: lambda: swapping(current_choice()),
    "Pictures reordered": lambda: permuted_training(current_picture()),
}

st.title("Token mixers compared")
st.markdown(formulas_compared.IN_WORDS)
if cached_compared.networks():
    part = option_buttons("Part", list(PARTS), "part")
    if part != SWAPPED:
        st.caption(formulas_compared.NOT_THE_SIDEBAR)
    PARTS[part]()
else:
    st.info(formulas_compared.NOTHING_HERE)
    swapping(current_choice())
with st.expander("In the formula"):
    st.markdown(formulas_compared.EQUATION)
with st.expander("What these pictures do not prove"):
    st.markdown(formulas_compared.LIMITS)
