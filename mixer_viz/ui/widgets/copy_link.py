"""A button on every page that copies the link to what is seen; it comes with what keeps the browser's history tidy."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mixer_viz.language import current, mark, tr
from mixer_viz.language.catalogues import HTML_NAMES

_FRONTEND = Path(__file__).parents[1] / "frontend"
_component = st.components.v2.component(
    "mixer_viz_link",
    html='<div><span role="status"></span><input hidden readonly><button type="button"></button></div>',
    css=(_FRONTEND / "link.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "link.js").read_text(encoding="utf-8"),
)
NOT_IN_IT = mark("Your own file is not in it.")


def copy_link(has_own_file: bool) -> None:
    """Draw the button; `has_own_file` says whether what is seen rests on a file that no link can carry."""
    with st.container(key="copy_link"):
        words = {
            "copy": tr("Copy link"),
            "label": tr("Link to this page"),
            "copied": tr("Copied."),
            "by_hand": tr("Copy it from here:"),
        }
        # "lang" is the page's language for screen readers; Streamlit says English.
        data = {"note": tr(NOT_IN_IT) if has_own_file else "", "words": words, "lang": HTML_NAMES[current()]}
        _component(key="link", data=data)
