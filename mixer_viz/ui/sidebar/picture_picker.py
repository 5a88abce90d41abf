"""The sidebar's choice of a picture: samples, an upload, or the camera."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mixer_viz.images import MAX_IMAGE_BYTES, open_image
from mixer_viz.images.photos import known_classes_shown
from mixer_viz.images.samples import Sample, available_samples
from mixer_viz.language import mark, tr
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.texts.overview import shown_in_words
from mixer_viz.ui.choices import Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.uploads import take_room
from mixer_viz.ui.serving.reconnecting import LOST_UPLOADS
from mixer_viz.ui.serving.settings import settings
from mixer_viz.ui.widgets.errors import log_error
from mixer_viz.ui.widgets.links import OWN_IN_LINK, asked_for, drop_asked
from mixer_viz.ui.widgets.selection import pick_one, steady_place

OWN = mark("Your picture")  # without its file name: a link must not carry it
_PICTURE = "own_picture"
_REFUSED = "refused_picture"
_MISSING = "missing_picture"
# HEIC cannot be read: it is here for a sentence that says what to do instead of the browser's.
_TYPES = ["png", "jpg", "jpeg", "webp", "avif", "gif", "bmp", "tif", "tiff", "heic", "heif"]


def pick_picture(class_names: tuple[str, ...] | None, first: str = "") -> Picture:
    """Draw the widgets; returns the chosen picture, which can be read; at first that of the name `first`.

    Samples that show one of `class_names`, the chosen model's as far as they are known yet, come first.
    """
    samples = {sample.title: sample for sample in _known_first(available_samples(), class_names)}
    own: Picture | None = st.session_state.get(_PICTURE)
    names = {title: sample.name for title, sample in samples.items()}
    options = {OWN: OWN_IN_LINK, **names} if own else names
    if own is None and asked_for("image") in (OWN, OWN_IN_LINK):
        drop_asked("image")
        st.session_state[_MISSING] = True  # the address loses it after the first run
    start = next((title for title, name in names.items() if name == first), next(iter(names)))
    title = pick_one(tr("Picture"), options, "image", start, on_change=_forget_refusal)
    if own is None and st.session_state.get(_MISSING) and not st.session_state.get(LOST_UPLOADS):
        steady_place().warning(
            tr(
                "This link was made with a picture that is not here; choose its file below. Until then, a sample is "
                "shown."
            )
        )
    if own and title == OWN:
        picture = own
    else:
        sample = samples[title]
        expected = tr(sample.expected) if sample.expected else None
        picture = Picture(sample.name, sample.title, None, tr(sample.credit), expected, sample.shows)
    st.image(
        cached.thumbnail_of(picture), alt=tr("The chosen picture: {title}", title=picture.said_title), width="content"
    )
    if picture.shows is not None and (known := shown_in_words(known_classes_shown(picture.shows, class_names))):
        st.caption(known)
    if picture.credit:
        st.caption(picture.credit)
    with st.expander(tr("Use your own picture"), expanded=_REFUSED in st.session_state):
        _own_picture()
    return picture


def _known_first(samples: tuple[Sample, ...], class_names: tuple[str, ...] | None) -> list[Sample]:
    return sorted(samples, key=lambda sample: not known_classes_shown(sample.shows, class_names))


def _own_picture() -> None:
    if refused := st.session_state.get(_REFUSED):
        st.error(tr("{error} The picture before it stays.", error=literal_sentence(refused)))
    source = st.segmented_control(
        tr("From"),
        [mark("File"), mark("Camera")],
        default="File",
        required=True,
        key="picture_source",
        label_visibility="collapsed",
        format_func=tr,
    )
    if source == "File":
        limit = settings().largest_mib(MAX_IMAGE_BYTES // 2**20)
        st.file_uploader(tr("Picture file"), _TYPES, key="picture_file", on_change=_take_file, max_upload_size=limit)
    else:
        st.camera_input(tr("Photo"), key="camera", on_change=_take_photo)
    st.caption(
        tr(
            "It stays in the memory of the computer that runs this app, as its results do until newer ones replace "
            "them."
        )
    )


def _take_file() -> None:
    file = st.session_state.get("picture_file")
    if file is None:
        _forget_refusal()
    else:
        _take(file.name, file)


def _forget_refusal() -> None:
    st.session_state.pop(_REFUSED, None)


def _take_photo() -> None:
    file = st.session_state.get("camera")
    if file is not None:
        _take(tr("camera photo"), file)


def _take(name: str, file: UploadedFile) -> None:
    """Check a new upload at once; a file that cannot be read changes nothing but the message."""
    st.session_state.pop(LOST_UPLOADS, None)
    data = file.getvalue()
    try:
        take_room("picture", len(data), file)
        open_image(data)
    except Exception as exc:  # too little memory as well
        st.session_state[_REFUSED] = log_error(exc)
        return
    _forget_refusal()
    # Copied out of the widget, whose value is lost when the page changes.
    st.session_state[_PICTURE] = Picture.from_upload(name, data)
    st.session_state["image"] = OWN
