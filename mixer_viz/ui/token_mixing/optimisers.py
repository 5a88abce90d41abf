"""Two small networks that differ in their optimiser alone: structure in one, noise in the other."""

from __future__ import annotations

import streamlit as st

from mixer_viz.language import noted, tr
from mixer_viz.texts import token_mixing as texts
from mixer_viz.ui.compute import cached
from mixer_viz.ui.widgets.contents import folded

CLEAR, NOISY = "small_muon", "small_muon_all"


def two_optimisers() -> None:
    """What their cards say, and the link that puts one beside the other on the Overview, where they are offered."""
    offered = {info.name: info for info in cached.model_list()}
    if CLEAR not in offered or NOISY not in offered:
        return
    with folded(noted("The optimiser decides whether structure shows")):
        st.markdown(texts.two_optimisers(offered[CLEAR].accuracy, offered[NOISY].accuracy))
        st.page_link(
            "pages/overview.py",
            label=tr("Put one beside the other"),
            icon=":material/compare_arrows:",
            query_params={"model": CLEAR, "beside": NOISY},
        )
