"""The sidebar's choice of a model: bundled, published, or a visitor's own checkpoint."""

from __future__ import annotations

import streamlit as st

from mixer_viz.checkpoints import ModelInfo
from mixer_viz.checkpoints.preparation import MAX_SIDE_FILE_BYTES
from mixer_viz.language import mark, tr
from mixer_viz.model.costs import costs
from mixer_viz.model.wording import in_parameters, in_pixels
from mixer_viz.texts.from_files import literal, literal_sentence, visible
from mixer_viz.ui.choices import ChosenModel, UploadedWeights
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.uploads import take_room
from mixer_viz.ui.serving.reconnecting import LOST_UPLOADS
from mixer_viz.ui.serving.settings import settings
from mixer_viz.ui.sidebar.hub_download import download_weights
from mixer_viz.ui.widgets.errors import log_error
from mixer_viz.ui.widgets.given import give, hold
from mixer_viz.ui.widgets.links import OWN_IN_LINK, asked_for, drop_asked
from mixer_viz.ui.widgets.selection import pick_one, steady_place

OWN = mark("Your checkpoint")
MAX_WEIGHTS_MB = 1024
_WEIGHTS = "uploaded_weights"
_NEW = "new_weights"
_REFUSED = "refused_weights"
_MISSING = "missing_weights"


def pick_model() -> str:
    """Draw the widgets; returns the name of the chosen model, or OWN."""
    with steady_place():
        if st.session_state.get(_NEW):
            _read_upload()
    infos = {info.name: info for info in cached.model_list()}
    own: UploadedWeights | None = st.session_state.get(_WEIGHTS)
    options = {name: name for name in infos} | ({OWN: OWN_IN_LINK} if own else {})
    if own is None and asked_for("model") in (OWN, OWN_IN_LINK):
        drop_asked("model")
        st.session_state[_MISSING] = True  # the address loses it after the first run
    hold("model")
    name = pick_one(tr("Model"), options, "model", on_change=_forget_refusal)
    notes = steady_place()
    if name in infos:
        info = infos[name]
        notes.caption(_note(info), help=_accuracy_in_full(info))
    elif own:
        notes.caption(_describe(own))
    if own is None and st.session_state.get(_MISSING) and not st.session_state.get(LOST_UPLOADS):
        notes.warning(
            tr(
                "This link was made with a checkpoint that is not here; open its file below. Until then, a model "
                "that is here is shown."
            )
        )
    with st.expander(tr("Open your own checkpoint"), expanded=_REFUSED in st.session_state):
        if refused := st.session_state.get(_REFUSED):
            st.error(tr("{error} The model before it stays.", error=literal_sentence(refused)))
        st.caption(
            tr(
                "A Mixer as a file of safetensors, NumPy or PyTorch, in this project's, timm's, Google's or another "
                "well-known naming. Code inside a file is never run."
            )
        )
        st.file_uploader(
            tr("Weights"), key="weights_file", on_change=_take, max_upload_size=settings().largest_mib(MAX_WEIGHTS_MB)
        )
        label = tr("Class names and preprocessing (optional)")
        st.file_uploader(
            label, ["json"], key="side_file", on_change=_take, max_upload_size=MAX_SIDE_FILE_BYTES // 2**20
        )
    return name


def class_names_of(name: str) -> tuple[str, ...] | None:
    """The classes of the model of that name, as far as they can be told without loading it."""
    if name == OWN:
        return cached.uploaded_model(st.session_state[_WEIGHTS]).config.class_names
    return next((info.class_names for info in cached.model_list() if info.name == name), None)


def first_picture_of(name: str) -> str:
    """The sample to begin with beside the model of that name, "" for the first one of all."""
    return next((info.first_picture for info in cached.model_list() if info.name == name), "")


def load_chosen(name: str) -> ChosenModel:
    """The chosen model, downloaded first where it must be; raises CheckpointError with a sentence for the user."""
    if name == OWN:
        weights: UploadedWeights = st.session_state[_WEIGHTS]
        model = cached.uploaded_model(weights)
        return ChosenModel(weights.key, visible(weights.name), model)
    info = next(info for info in cached.model_list() if info.name == name)
    if not info.on_disk:
        download_weights(name)
        cached.model_list.clear()
    return ChosenModel(name, name, cached.named_model(name))


def use_weights(weights: UploadedWeights) -> None:
    """Make these weights the chosen model of this visit, as if their file had been uploaded; for callbacks."""
    _forget_refusal()
    st.session_state[_WEIGHTS] = weights
    give("model", OWN)


def has_own() -> bool:
    """Whether the visitor has brought a checkpoint, chosen or not."""
    return st.session_state.get(_WEIGHTS) is not None


def is_own_chosen() -> bool:
    """Whether the chosen model is the visitor's own checkpoint."""
    return bool(st.session_state.get("model") == OWN)


def _take() -> None:
    """Note a new upload. The run that follows reads it: large ones take seconds, and only a run shows a spinner."""
    _forget_refusal()
    if st.session_state.get("weights_file") is not None:
        st.session_state.pop(LOST_UPLOADS, None)
    st.session_state[_NEW] = st.session_state.get("weights_file") is not None


def _read_upload() -> None:
    """Check a new upload; a file that cannot be used changes nothing but the message."""
    file, side = st.session_state.get("weights_file"), st.session_state.get("side_file")
    if file is not None:
        weights = UploadedWeights(file.name, file.getvalue(), side.getvalue() if side else None)
        try:
            take_room("checkpoint", len(weights.data), file)
            cached.uploaded_model(weights)
        except Exception as exc:  # a full disk and too little memory as well
            st.session_state[_REFUSED] = log_error(exc)
        else:
            st.session_state[_WEIGHTS] = weights
            give("model", OWN)
    # Only now: a click of the visitor may have broken off an earlier try.
    st.session_state[_NEW] = False


def _forget_refusal() -> None:
    st.session_state.pop(_REFUSED, None)


def _describe(weights: UploadedWeights) -> str:
    config = cached.uploaded_model(weights).config
    count = in_parameters(costs(config).total.parameters)
    return tr(
        "{name}: {parameters}, {blocks} blocks, {classes:,} classes, {pixels} in patches of {patch} px.",
        name=literal(weights.name),
        parameters=count,
        blocks=config.num_blocks,
        classes=config.num_classes,
        pixels=in_pixels(config.image_shape),
        patch=config.patch_size,
    )


def _accuracy_in_full(info: ModelInfo) -> str | None:
    return tr("Accuracy: {note}.", note=tr(info.accuracy_note)) if info.accuracy else None


def _note(info: ModelInfo) -> str:
    accuracy = tr("{share:.1f} % accuracy", share=info.accuracy) if info.accuracy else tr(info.accuracy_note)
    count = in_parameters(info.num_parameters)
    described = tr(
        "{description}: {parameters}; {accuracy}.",
        description=tr(info.description),
        parameters=count,
        accuracy=accuracy,
    )
    return described if info.on_disk else tr("{model} It is downloaded when chosen.", model=described)
