"""Lessons: small steps through all pages, with tasks that are checked."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.language import noted, tr
from mixer_viz.texts.lessons import words
from mixer_viz.ui.lessons.listing import all_lessons, code_of_progress, notes_for_teachers
from mixer_viz.ui.widgets.contents import section

st.title(tr("Lessons"))
st.markdown(tr(words.IN_WORDS))
all_lessons()
section(noted("Your progress"))
code_of_progress()
section(noted("For teachers"))
st.caption(tr(words.ANSWERS_INSIDE))
notes_for_teachers()
