"""What remains of a training: a file, the command that repeats it, and the network on every page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mixer_viz.language import tr
from mixer_viz.model import MlpMixer
from mixer_viz.texts import learning as texts
from mixer_viz.training.cards.stages import command_of
from mixer_viz.training.data.drawn import DrawnTask
from mixer_viz.training.live.files import network_file
from mixer_viz.ui.choices import UploadedWeights
from mixer_viz.ui.learning.run import LiveRun
from mixer_viz.ui.sidebar.model_picker import is_own_chosen, use_weights

_USED = "_learn_used"  # session state: which network was chosen last


def keep(run: LiveRun, step: int) -> None:
    """Buttons for the network as it is now, and the command."""
    network = run.network()
    if network is None:
        return
    name = f"{run.task.name}-step-{step}.safetensors"

    def data() -> bytes:
        return network_file(network, run.recipe, run.task.name, step)

    with st.container(horizontal=True, gap="medium"):
        if isinstance(network, MlpMixer):
            st.button(
                tr("Look inside it on the other pages"),
                icon=":material/search:",
                key="learn_use",
                on_click=_use,
                args=(run, step, data, name),
            )
        st.download_button(tr("Download the network"), data, name, key="learn_download")
    if not isinstance(network, MlpMixer):
        st.caption(tr(texts.STAYS))
    if is_own_chosen() and st.session_state.get(_USED) == (run.name, step):
        with st.container(key="learn_used"):
            st.success(tr(texts.CHOSEN, name=name))
            st.page_link("pages/overview.py", label=tr("Its Overview"), icon=":material/arrow_forward:")
    is_drawn = isinstance(run.task, DrawnTask)
    st.markdown(tr(texts.COMMAND if is_drawn else texts.LIKE_COMMAND))
    command = command_of(run.recipe, f"runs/{run.task.name}", run.task.name if is_drawn else "DIR")
    st.code(command, language="bash", wrap_lines=True)


def _use(run: LiveRun, step: int, data: Callable[[], bytes], name: str) -> None:
    use_weights(UploadedWeights(name, data()))
    st.session_state[_USED] = (run.name, step)
