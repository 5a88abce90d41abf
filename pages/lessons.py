"""Lessons: small steps through all pages, with tasks that are checked."""

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.texts.lessons import words
from mixer_viz.ui.lessons.listing import all_lessons, code_of_progress, notes_for_teachers

st.title("Lessons")
st.markdown(words.IN_WORDS)
all_lessons()
st.subheader("Your progress")
code_of_progress()
st.subheader(words.FOR_TEACHERS)
st.caption(words.ANSWERS_INSIDE)
notes_for_teachers()
