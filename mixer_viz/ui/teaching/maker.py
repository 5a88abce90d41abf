"""Making a link for pupils: what they may change, what is hidden, and their task."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mixer_viz.language import SOURCE, current, tr
from mixer_viz.texts.from_files import visible
from mixer_viz.texts.teaching import link as texts
from mixer_viz.ui.teaching.restrictions import MOST_LETTERS, Restrictions, written
from mixer_viz.ui.teaching.screen import OWN, Screen

_FRONTEND = Path(__file__).parents[1] / "frontend"
_component = st.components.v2.component(
    "mixer_viz_teacher_link",
    html='<div><input readonly><button type="button"></button><a target="_blank" rel="noopener"></a>'
    '<span role="status"></span></div>',
    css=(_FRONTEND / "teacher_link.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "teacher_link.js").read_text(encoding="utf-8"),
)
_LANGUAGE = "_teach_language"  # session state: in which the fields were drawn last
# They come with the choice of picture or model.
_UPLOADS = {"picture_file", "picture_source", "camera", "weights_file", "side_file"}


def make_link(screen: Screen, has_own_file: bool) -> None:
    """The fields, and the link that follows from them; `screen` knows what this page has."""
    _keep_choices()
    st.markdown(texts.intro())
    if has_own_file:
        st.info(texts.own_file())
    task = st.text_area(tr("The task, in your words"), key=f"{OWN}task", max_chars=MOST_LETTERS, height=90)
    ways = {"all": texts.everything(), "some": texts.only_these()}
    label = tr("Pupils may change")
    way = st.segmented_control(label, ways, default="all", required=True, key=f"{OWN}way", format_func=ways.__getitem__)
    free = None
    if way == "some":
        fields = {key: label for key, label in screen.fields.items() if key not in _UPLOADS}
        fields |= {key: name for key, name in texts.clicked().items() if key in screen.clicked}
        free = frozenset(_many(tr("Of this page's fields, these"), fields, "free"))
    hidden = frozenset(_many(tr("Hidden"), {**texts.hideable(), **screen.parts}, "hide"))
    st.caption(texts.by_hand())
    words = {
        "copy": tr("Copy the link for pupils"),
        "open": tr("Open it"),
        "link": tr("Link for pupils"),
        "copied": tr("Copied."),
        "by_hand": tr("Copy it from the field."),
    }
    _component(
        key=f"{OWN}link",
        data={"add": {**written(Restrictions(task.strip(), free, hidden)), **_language()}, "words": words},
    )


def _language() -> dict[str, str]:
    """Pupils read what the teacher reads, whatever their browsers wish; an address says English where it was chosen."""
    return {} if current() == SOURCE else {"lang": current()}


def _keep_choices() -> None:
    """In another language: the browser holds what the fields showed, in the words of before."""
    if st.session_state.get(_LANGUAGE, current()) != current():
        for key in (f"{OWN}way", f"{OWN}free", f"{OWN}hide"):
            if key in st.session_state:
                st.session_state[key] = st.session_state[key]
    st.session_state[_LANGUAGE] = current()


def _many(label: str, names: dict[str, str], key: str) -> list[str]:
    """Several of `names` (name -> what it is called); those that this page does not have fall out."""
    held = st.session_state.get(f"{OWN}{key}", [])
    if not set(held) <= set(names):
        st.session_state[f"{OWN}{key}"] = [each for each in held if each in names]
    chosen: list[str] = st.multiselect(
        label,
        list(names),
        key=f"{OWN}{key}",
        format_func=lambda n: visible(names[n]),
        placeholder=tr("Choose options"),
    )
    return chosen
