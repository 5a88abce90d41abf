"""Token mixers compared: what else could mix across locations, trained alike."""

from collections.abc import Callable

import streamlit as st

from mixer_viz.ui.router import require_router

require_router()

from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import comparison as texts
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.texts.glossary import explained
from mixer_viz.ui.comparison import results
from mixer_viz.ui.comparison.costs import costs_and_accuracy
from mixer_viz.ui.comparison.permuted import permuted_training
from mixer_viz.ui.comparison.photo import on_your_photo
from mixer_viz.ui.comparison.replacement import replacing
from mixer_viz.ui.sidebar.shell import current_choice, current_picture
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.selection import option_buttons

# One part at a time: each has the fields that it needs, and only what is seen is computed.
NAMES = {
    mark("On your photo"): "photo",
    mark("Cost and accuracy"): "costs",
    mark("Swapped at run time"): "swapped",
    mark("Pictures reordered"): "reordered",
}
PARTS: dict[str, Callable[[], None]] = {
    "photo": lambda: on_your_photo(current_picture()),
    "costs": costs_and_accuracy,
    "swapped": lambda: replacing(current_choice()),
    "reordered": lambda: permuted_training(current_picture()),
}

st.title(tr("Token mixers compared"))
st.markdown(tr(texts.IN_WORDS), help=explained("Token mixing", "Effective receptive field"))
for fault in results.damaged():
    st.warning(literal_sentence(fault))
if results.networks():
    part = NAMES[option_buttons(tr("Part"), NAMES, "part")]
    if part != "swapped":
        st.caption(tr(texts.NOT_THE_SIDEBAR))
    PARTS[part]()
else:
    st.info(tr(texts.NOTHING_HERE))
    replacing(current_choice())
with folded(noted("In the formula")):
    st.markdown(tr(texts.EQUATION))
with folded(noted("What these pictures do not prove")):
    st.markdown(tr(texts.LIMITS))
