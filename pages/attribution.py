"""Attributions: which patches the prediction rests on, and how far to trust the map."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.ui import formulas_attribution
from mixer_viz.ui.attribution_choice import pick_methods, pick_target
from mixer_viz.ui.attribution_deletion import deletion
from mixer_viz.ui.attribution_exports import downloads
from mixer_viz.ui.attribution_maps import finished_maps, maps, titles_of
from mixer_viz.ui.attribution_quality import quality
from mixer_viz.ui.errors import guarded
from mixer_viz.ui.jobs import job_table, visitor_name
from mixer_viz.ui.selection import steady_place
from mixer_viz.ui.shell import current_choice

choice = current_choice()


@st.fragment
@guarded
def looking() -> None:
    """The maps and the selected patch; what they look like is what is downloaded."""
    look = maps(choice, target, shown)
    if shown:
        downloads(choice, target, shown, look)


st.title("Attributions")
st.markdown(formulas_attribution.IN_WORDS)
target = pick_target(choice)
asked = pick_methods(choice, target)
with steady_place():
    if not asked:
        st.info("Choose at least one method to see its map.")
    shown = finished_maps(choice, asked)
keys = []
if asked:
    looking()
    place = st.container()
    if shown:
        keys = quality(choice, target, shown)
    with place:  # above, but after: it draws the curves that are there by then
        deletion(choice, target, titles_of(choice, asked), shown)
job_table().leave_all_but([*keys, *(each.key(choice) for each in asked)], visitor_name())
with st.expander("In the formula"):
    st.markdown(formulas_attribution.EQUATION)
with st.expander("What these pictures do not prove"):
    st.markdown(formulas_attribution.LIMITS)
st.page_link("pages/compared.py", label="Next: what else could mix the tokens", icon=":material/arrow_forward:")
