"""What every page shares: the sidebar, and the choice that a page starts from."""

from __future__ import annotations

import gc

import streamlit as st
import torch

from mixer_viz.checkpoints import choose_device
from mixer_viz.language import mark, tr
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.ui.choices import Choice, Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.language import language_field
from mixer_viz.ui.serving.reconnecting import LOST_UPLOADS
from mixer_viz.ui.sidebar import model_picker, picture_picker
from mixer_viz.ui.sidebar.model_picker import class_names_of, first_picture_of, load_chosen, pick_model
from mixer_viz.ui.sidebar.picture_picker import pick_picture
from mixer_viz.ui.widgets.copy_link import copy_link
from mixer_viz.ui.widgets.errors import one_sentence
from mixer_viz.ui.widgets.selection import start_at_patch, steady_place

_COLLECT_SECONDS = 20.0
_LOST = mark(
    "The server was restarted, or another one has taken its place: the files that you had brought are gone. Until you "
    "choose them again, what comes with the app is shown."
)
_CHOICE, _PICTURE = "_choice_of_this_run", "_picture_of_this_run"
# The first answer of a page has to fit above the fold; Streamlit leaves 6rem of white above it.
_STYLE = """<style>
[data-testid=stMainBlockContainer] { padding: 2.75rem clamp(1rem, 3vw, 4rem) 4rem; }
@media (min-width: 769px) and (max-width: 1100px) {  /* a projector */
  [data-testid=stSidebar][data-collapsed=false] {
    min-width: 16rem !important; width: 16rem !important; }
}
/* Streamlit's grey and the orange of what is pressed are too pale for small text. */
[data-testid=stCaptionContainer] { color: inherit; opacity: 0.76; }
[data-testid=stButtonGroup] [data-selected=true] p { color: light-dark(#9A3412, #FDBA74); }
.st-key-copy_link { position: fixed; top: 0.9rem; right: 1.25rem; width: auto; z-index: 999991; }
</style>"""

# A frame of another page shows the pictures; what is chosen is in its link.
_IN_A_FRAME = """<style>
[data-testid=stSidebar], [data-testid=stExpandSidebarButton], [data-testid=stPageLink], .st-key-copy_link,
[data-testid=stPopover] { display: none; }
[data-testid=stMainBlockContainer] { padding-top: 0.5rem; }
</style>"""


@kept("page")
def spare_from_collection(page: str) -> None:
    """Once for each page: keep what its first run has imported out of garbage collection.

    It would search all of PyTorch's objects each time, 0.25 s on two cores, while all computations stand still.
    """
    gc.collect()
    gc.freeze()


@kept("single", seconds=_COLLECT_SECONDS)
def collect_now_and_then() -> None:
    """Collect garbage, which may hold tensors, though not after every run of every visitor, as Streamlit would do."""
    gc.collect()


def draw_sidebar() -> None:
    """Model, picture and device; keeps what could be loaded for the page of this run, and nothing after an error."""
    st.html(_STYLE + (_IN_A_FRAME if st.context.is_embedded else ""))
    st.session_state[_CHOICE] = st.session_state[_PICTURE] = None
    with one_sentence():
        with st.sidebar:
            language_field()
            name = pick_model()
            picture = pick_picture(class_names_of(name), first_picture_of(name))
            st.session_state[_PICTURE] = picture
            st.caption(_device_note())
        notes = steady_place()
        with notes:
            if st.session_state.get(LOST_UPLOADS):
                st.warning(tr(_LOST))
            model = load_chosen(name)
            if unknowns := model.unknowns():
                st.caption(unknowns)
            for remark in model.model.remarks:
                st.caption(literal_sentence(remark))
        st.session_state[_CHOICE] = Choice(model, picture)
    own = st.session_state.get("image") == picture_picker.OWN or st.session_state.get("model") == model_picker.OWN
    copy_link(own)


def current_choice() -> Choice:
    """The model and picture that the sidebar chose; stops the page where there is none (the reason is shown).

    Raises NotFiniteError, shown in place of the page, when the model's answer is not finite.
    """
    choice: Choice | None = st.session_state.get(_CHOICE)
    if choice is None:
        st.stop()
    cached.answer_of(choice)
    start_at_patch(choice.model.config, cached.first_patch_of(choice))
    return choice


def choice_of_this_run() -> Choice | None:
    """The model and picture that the sidebar chose; None where there is none."""
    choice: Choice | None = st.session_state.get(_CHOICE)
    return choice


def current_picture() -> Picture:
    """The picture that the sidebar chose, for what needs none of its models; stops the page where there is none."""
    picture: Picture | None = st.session_state.get(_PICTURE)
    if picture is None:
        st.stop()
    return picture


def _device_note() -> str:
    device = choose_device("auto")
    if device.type == "cuda":
        return tr("Runs on the GPU ({name}).", name=torch.cuda.get_device_name(device))
    if device.type == "mps":
        return tr("Runs on the Apple GPU (MPS).")
    return tr("Runs on the CPU ({count} threads).", count=torch.get_num_threads())
