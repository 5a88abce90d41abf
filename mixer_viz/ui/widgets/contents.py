"""Links to the sections of a long page, and the list of terms at the end of every page."""

from __future__ import annotations

import re

import streamlit as st

from mixer_viz.texts.glossary import COUNTING, TERMS
from mixer_viz.ui.teaching.restrictions import part_name
from mixer_viz.ui.teaching.screen import restrictions


def contents(*titles: str) -> None:
    """Links to sections of this page, named as their headings, for those who need not read it from the top."""
    shown = [title for title in titles if part_name(title) not in restrictions().hidden]
    if shown:
        st.markdown("On this page: " + " · ".join(f"[{title}](#{_anchor(title)})" for title in shown))


def _anchor(title: str) -> str:
    """What Streamlit makes of a heading."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def glossary() -> None:
    """All terms, folded."""
    with st.expander("Glossary"):
        st.markdown(COUNTING)
        st.markdown("\n".join(f"- **{term}**: {meaning}" for term, meaning in TERMS.items()))
