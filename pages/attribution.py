"""Attributions: which patches the prediction rests on, and how far to trust the map."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.language import noted, tr
from mixer_viz.texts import attribution as texts
from mixer_viz.texts.glossary import explained
from mixer_viz.ui import survey
from mixer_viz.ui.attribution import beside
from mixer_viz.ui.attribution.choice import pick_methods, pick_target
from mixer_viz.ui.attribution.deletion import TITLE as FIRST_DELETED
from mixer_viz.ui.attribution.deletion import deletion
from mixer_viz.ui.attribution.downloads import downloads
from mixer_viz.ui.attribution.maps import TITLE as ONE_DELETED
from mixer_viz.ui.attribution.maps import finished_maps, maps, titles_of
from mixer_viz.ui.attribution.metrics import metrics
from mixer_viz.ui.beside import pick_beside
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.sidebar.shell import current_choice
from mixer_viz.ui.widgets.contents import contents, folded
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import steady_place

choice = current_choice()


@st.fragment
@guarded
def looking() -> None:
    """The maps and the selected patch; what they look like is what is downloaded."""
    look = maps(choice, target, shown, lambda look, token: beside.draw(choice, target, other, look, token))
    if shown:
        downloads(choice, target, shown, look)


st.title(tr("Attributions"))
words, field = st.columns([3, 1], vertical_alignment="bottom")
words.markdown(tr(texts.IN_WORDS), help=explained("Attribution", "Logit", "Baseline"))
with field:
    name = pick_beside(choice)
target = pick_target(choice)
asked = pick_methods(choice, target)
with steady_place():
    if not asked:
        st.info(tr("Choose at least one method to see its map."))
    shown = finished_maps(choice, asked)
    other = beside.finished(choice, target, asked, name)
keys = [] if other is None else other.keys()
if asked:
    contents(ONE_DELETED, FIRST_DELETED)
    looking()
    place = st.container()
    if shown:
        keys += metrics(choice, target, shown)
    with place:  # above, but after: it draws the curves that are there by then
        deletion(choice, target, titles_of(choice, asked), shown)
job_table().leave_all_but([*keys, *(each.key(choice) for each in asked)], visitor_name())
survey.beside(choice.model, "metrics")
with folded(noted("In the formula")):
    st.markdown(tr(texts.EQUATION))
with folded(noted("What these pictures do not prove")):
    st.markdown(tr(texts.LIMITS))
st.page_link("pages/compared.py", label=tr("Next: what else could mix the tokens"), icon=":material/arrow_forward:")
