"""A survey of the folder that a visitor has brought, as work beside the page; gone with the visit."""

from __future__ import annotations

import io
import zipfile

import streamlit as st

from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.language import mark, tr
from mixer_viz.survey.folder import pictures_in_memory, some_of
from mixer_viz.survey.in_memory import survey_in_memory
from mixer_viz.survey.output import Survey, survey_files
from mixer_viz.texts.units import survey as texts
from mixer_viz.texts.units.preferred import seconds_in_words
from mixer_viz.ui.choices import Choice, ChosenModel, LabelledFolder
from mixer_viz.ui.compute.gate import gate_of
from mixer_viz.ui.compute.jobs import Job, Key, job_table, wait_shortly
from mixer_viz.ui.compute.speed import pass_seconds
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.survey import keep_made, opened_survey
from mixer_viz.ui.widgets.folder import kept_folder, labelled_folder

MOST_SECONDS = 180.0  # of an idle computer, by which the number of pictures is chosen
_PATIENCE = 5 * MOST_SECONDS  # of a busy one
_STATISTICS, _READING = 1.5, 0.004  # times a plain pass, and seconds that one picture takes besides
_CLOSER, _QUICK_PASS = 4, 0.05  # pictures for derivatives where a pass is quicker than these seconds
_ASKED = "_survey_asked"  # session state: the key of what a button started
_MADE = "_survey_made"  # session state: the key of the survey that is shown
_QUICK = 0.5  # seconds that the page waits before it shows a bar


def survey_here(choice: Choice) -> Survey | None:
    """The field for a folder, the button that surveys it, and the survey when it is there."""
    st.markdown(tr(texts.HERE))
    folder = labelled_folder(choice.model.config)
    key = None if folder is None else _key(choice.model, folder)
    if folder is None or key is None:
        return opened_survey(choice.model)
    if st.session_state.get(_MADE) == key and opened_survey(choice.model) is not None:
        return opened_survey(choice.model)
    if st.session_state.get(_ASKED) != key:
        count = _count(choice.model, folder)
        label = texts.survey_button(count, len(folder.files), seconds_in_words(_seconds(choice.model, count)))
        st.button(label, key="survey_here", on_click=_ask, args=(key,))
    elif is_stopped(key):
        stopped_note(tr("The survey"), [key], "survey", again=tr("Survey them after all"))
    else:
        _run(choice.model, folder, key)
    return opened_survey(choice.model)


def survey_wanted(choice: Choice) -> list[Key]:
    """What this visitor waits for here, so that other sections of the page do not give it up."""
    folder = kept_folder()
    key = None if folder is None else _key(choice.model, folder)
    return [] if key is None or st.session_state.get(_ASKED) != key else [key]


def survey_download(survey: Survey) -> None:
    """All its files as one archive, which the field for a survey takes unpacked."""
    st.download_button(
        tr("Its files as ZIP"),
        lambda: _archive(survey),
        "survey.zip",
        "application/zip",
        on_click="ignore",
        key="survey-zip",
    )


def _run(model: ChosenModel, folder: LabelledFolder, key: Key) -> None:
    job = _job(model, folder, key)
    wait_shortly([job], _QUICK)
    if not job.future.done() or job.stopped:
        waiting([Wait(tr("Survey"), [(key, job)], unit=mark("pictures"))], "survey")
    elif job.failed:
        failed_note(tr("The survey"), [(key, job)], "survey")
    else:
        st.session_state.pop(_ASKED, None)
        st.session_state[_MADE] = key
        keep_made(job.future.result(), job.result_bytes)
        job_table().forget([key])  # it holds pictures of the visitor's: nothing of it outlasts the visit


def _job(model: ChosenModel, folder: LabelledFolder, key: Key) -> Job[Survey]:
    count = _count(model, folder)
    closer = _CLOSER if pass_seconds(model) < _QUICK_PASS else 0

    def work(progress: Progress, cancelled: Cancelled) -> Survey:
        pictures = some_of(pictures_in_memory(dict(folder.files), model.config), count)
        return survey_in_memory(
            model.model,
            model.title,
            pictures,
            closer=closer,
            most_seconds=_PATIENCE,
            progress=progress,
            cancelled=cancelled,
        )

    return job_table().ask(key, work, gate_of(model.model.stem.weight.device), visitor_name(), later=True)


def _key(model: ChosenModel, folder: LabelledFolder) -> Key:
    return ("survey", folder.key, model.key)


def _seconds(model: ChosenModel, count: int) -> float:
    return count * (_STATISTICS * pass_seconds(model) + _READING)


def _count(model: ChosenModel, folder: LabelledFolder) -> int:
    """How many pictures can be looked at in MOST_SECONDS."""
    return min(len(folder.files), max(1, int(MOST_SECONDS / _seconds(model, 1))))


def _ask(key: Key) -> None:
    st.session_state[_ASKED] = key


def _archive(survey: Survey) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in survey_files(survey):
            archive.writestr(name, data)
    return buffer.getvalue()
