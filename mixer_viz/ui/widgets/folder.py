"""A visitor's folder of labelled pictures, brought once for all pages that can use it."""

from __future__ import annotations

import streamlit as st

from mixer_viz.images import MAX_IMAGE_BYTES
from mixer_viz.images.labelled_folder import check_sizes
from mixer_viz.language import tr
from mixer_viz.model import MixerConfig
from mixer_viz.ui.choices import LabelledFolder
from mixer_viz.ui.compute.uploads import leave_room, take_room
from mixer_viz.ui.serving.settings import settings

_FOLDER = "_labelled_folder"  # session state: what was uploaded, which the widget forgets when it leaves the page
_TYPES = ["png", "jpg", "jpeg", "webp", "avif", "bmp", "gif"]


def kept_folder() -> LabelledFolder | None:
    """The last folder of this visit."""
    kept: LabelledFolder | None = st.session_state.get(_FOLDER)
    return kept


def labelled_folder(config: MixerConfig) -> LabelledFolder | None:
    """The uploaded folder, or the last one of this visit; read at its upload and not at every run.

    Raises ImageError, one sentence, for more than can be read for a network of these sizes.
    """
    files = st.file_uploader(
        tr("A folder with one folder of pictures per class"),
        _TYPES,
        accept_multiple_files="directory",
        key="labelled_folder",
        on_change=_forget_removed,
        max_upload_size=settings().largest_mib(MAX_IMAGE_BYTES // 2**20),
    )
    kept = kept_folder()
    uploads = tuple(file.file_id for file in files)
    if uploads and (kept is None or kept.uploads != uploads):
        check_sizes(((file.name, file.size) for file in files), config)  # before any of them is read
        take_room("folder", sum(file.size for file in files), *files)
        contents = tuple((file.name, file.getvalue()) for file in files)
        kept = st.session_state[_FOLDER] = LabelledFolder(contents, uploads)
    elif kept is not None and not uploads:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(tr("Your folder of {count:,} files is still here.", count=len(kept.files)))
            st.button(tr("Forget it"), key="forget_folder", on_click=_forget)
    return kept


def _forget_removed() -> None:
    """Whoever takes a folder out of the field means it; when the whole field goes, nobody calls this."""
    if not st.session_state.get("labelled_folder"):
        _forget()


def _forget() -> None:
    st.session_state.pop(_FOLDER, None)
    leave_room("folder")
