"""Two answers side by side: that of the pass as it is, and that of a pass in which something was changed."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.language import tr
from mixer_viz.texts import interventions as texts
from mixer_viz.ui.choices import Choice


def show_before_after(choice: Choice, before: np.ndarray, after: np.ndarray, changed: str) -> None:
    """The five best classes of both probabilities (num_classes,), and the largest change in a sentence."""
    names = choice.model.all_shown_class_names()
    with st.container(key="before-after"):
        st.markdown(texts.change_sentence(names, before, after))
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown(tr("**As it is**"))
            table = texts.answer_table(names, before, before, after)
            st.table(dict(list(table.items())[:-1]))  # without the change
        with right:
            st.markdown(f"**{changed}**")
            st.table(texts.answer_table(names, after, before, after))
