"""Links to the sections of a long page, and the list of terms at the end of every page."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.language import noted, shown, tr
from mixer_viz.texts.glossary import COUNTING, TERMS, defined
from mixer_viz.ui.teaching.restrictions import part_name
from mixer_viz.ui.teaching.screen import restrictions


def contents(*titles: str) -> None:
    """Links to sections of this page, noted as their headings, for those who need not read it from the top."""
    here = [title for title in titles if part_name(title) not in restrictions().hidden]
    if here:
        links = " · ".join(f"[{shown(title)}](#{_anchor(title)})" for title in here)
        st.markdown(tr("On this page: {links}", links=links))


def section(title: str, help: str | None = None) -> None:
    """A heading, noted: said in the visitor's language, and found in links under its English name in every language."""
    st.subheader(shown(title), anchor=_anchor(title), help=help)


def folded(title: str, **how: Any) -> DeltaGenerator:
    """A part that is folded at first; its title is noted as that of `section`, and no other part of the page has it."""
    return st.expander(shown(title), key=part_name(title), **how)


def _anchor(title: str) -> str:
    """What Streamlit makes of an English heading."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def glossary() -> None:
    """All terms, folded."""
    with folded(noted("Glossary")):
        st.markdown(tr(COUNTING))
        st.markdown("\n".join(f"- {defined(term)}" for term in TERMS))
