"""A survey that a visitor has opened: kept for the visit, shown on the pages beside the single picture."""

from __future__ import annotations

from typing import Literal

import numpy as np
import streamlit as st

from mixer_viz.figures.token_mixing.survey import confusion_grid
from mixer_viz.language import noted, shown, tr
from mixer_viz.survey.output import JSON_NAME, KINDS, MAX_FILE_BYTES, Survey, SurveyFileError, read_survey
from mixer_viz.survey.run import weights_hash
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.texts.units import survey as texts
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.uploads import leave_room, take_room
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.contents import folded

_OPENED = "_survey"  # session state: the survey, None once it was closed, and the uploads that it came in
_FIELD = "survey_files"


def survey_field(model: ChosenModel) -> Survey | None:
    """The field for a survey's files, and the survey that is opened, if it is of this model."""
    files = st.file_uploader(
        tr("All files of the folder that the survey wrote: {name} and the tables beside it", name=JSON_NAME),
        ["json", *KINDS],
        accept_multiple_files=True,
        key=_FIELD,
        on_change=_forget_removed,
        max_upload_size=MAX_FILE_BYTES // 2**20,
    )
    uploads = tuple(file.file_id for file in files)
    if uploads and (_OPENED not in st.session_state or st.session_state[_OPENED][1] != uploads):
        take_room("survey", sum(file.size for file in files), *files)
        try:
            survey = read_survey({file.name: file.getvalue() for file in files})
        except SurveyFileError as exc:
            st.error(literal_sentence(exc))
            return None
        st.session_state[_OPENED] = (survey, uploads)
    return opened_survey(model)


def about_opened(model: ChosenModel) -> None:
    """What is opened, and a button that closes it; nothing where nothing is."""
    survey, uploads = _opened()
    if survey is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(texts.about(survey, model.shown_title, _mismatch(survey, model)))
        st.button(tr("Close the survey"), key="close_survey", on_click=_close, args=(uploads,))


def keep_made(survey: Survey, size: int) -> None:
    """Open a survey of `size` bytes that was made here, in the place of one that was opened before.

    Raises UploadError where the server has no room for it.
    """
    take_room("survey", size)
    files = st.session_state.get(_FIELD) or []  # what lies in the field is not opened again
    st.session_state[_OPENED] = (survey, tuple(file.file_id for file in files))


def _opened() -> tuple[Survey | None, tuple[str, ...]]:
    opened: tuple[Survey | None, tuple[str, ...]] = st.session_state.get(_OPENED, (None, ()))
    return opened


def beside(model: ChosenModel, what: Literal["lens", "metrics"]) -> None:
    """What the survey of this visit says of the page's subject; nothing without one."""
    survey = opened_survey(model)
    if survey is None or (what == "metrics" and not survey.about["methods"]):
        return
    title, table = {
        "lens": (noted("The answer at every block, over the pictures of your survey"), texts.lens_table),
        "metrics": (noted("How far to trust the maps, over the pictures of your survey"), texts.metrics_table),
    }[what]
    with folded(title):
        st.markdown(texts.about(survey, model.shown_title))
        st.table(table(survey))


def confusions(model: ChosenModel) -> None:
    """Which classes the answers confuse, over the pictures of the survey; nothing without one that has classes."""
    survey = opened_survey(model)
    if survey is None or survey.accuracy is None or not survey.arrays["predictions.confusion"].size:
        return
    counts = survey.arrays["predictions.confusion"]
    with folded(noted("What it confuses, over the pictures of your survey")):
        st.markdown(texts.about(survey, model.shown_title))
        left, right = st.columns([1, 1.2], gap="medium")
        seen = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, seen, out=np.full(counts.shape, np.nan), where=seen > 0)
        names = [shown(class_in_words(name)) for name in model.all_class_names()]
        with left:
            show_grids([confusion_grid(shares, names)], key="confusions", hint=tr("Hover reads the shares."))
        right.table(texts.confused_table(counts, model.all_shown_class_names()))


def opened_survey(model: ChosenModel) -> Survey | None:
    """The survey of this visit; None where none is opened or it is of a Mixer with other sizes, classes or weights."""
    survey, _ = _opened()
    return survey if survey is not None and not _mismatch(survey, model) else None


def _mismatch(survey: Survey, model: ChosenModel) -> texts.Mismatch:
    if not survey.fits(model.config):
        return "sizes"
    return "weights" if survey.weights not in (None, _weights_of(model)) else ""


@kept("model")
def _weights_of(model: ChosenModel) -> str:
    return weights_hash(model.model)


def _forget_removed() -> None:
    if not st.session_state.get(_FIELD):
        _forget()


def _forget() -> None:
    st.session_state.pop(_OPENED, None)
    leave_room("survey")


def _close(uploads: tuple[str, ...]) -> None:
    """Its files may still be in the field, and are not opened again."""
    st.session_state[_OPENED] = (None, uploads)
    leave_room("survey")
