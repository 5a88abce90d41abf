"""A sentence for the user, the traceback for the log."""

from __future__ import annotations

import errno
import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from mixer_viz.analysis.chunks import is_out_of_memory
from mixer_viz.analysis.ranges import NotFiniteError
from mixer_viz.checkpoints import CheckpointError
from mixer_viz.images import ImageError
from mixer_viz.language import noted, noted_error
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.ui.serving.settings import SettingError

P = ParamSpec("P")
_log = logging.getLogger(__name__)
NO_ROOM = noted(
    "The disk of the computer that runs this app is full, or its temporary folder cannot be written to; make room "
    "there and try again."
)
NO_MEMORY = noted(
    "The computer that runs this app has too little memory for this; choose a smaller model or picture, or try again "
    "when fewer people use it."
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
UNEXPECTED = noted(
    "Something went wrong here. Choose another picture or model, or restart the app; its log has the details."
)


def said_of(error: BaseException) -> str:
    """A mistake of the user's in its own words, what the computer lacks in ours, anything else in general ones.

    Noted, so that it can be held and said later, in another language perhaps; `literal_sentence` shows it.
    """
    if isinstance(error, CheckpointError | ImageError | NotFiniteError | SettingError):
        return noted_error(error)
    if isinstance(error, OSError) and (error.errno in _NO_ROOM or "temporary directory" in str(error)):
        return NO_ROOM
    if is_out_of_memory(error) or "can't start new thread" in str(error):
        return NO_MEMORY
    return UNEXPECTED


def sentence_of(error: BaseException) -> str:
    """`said_of` in the visitor's language, for Markdown, as names in it may come out of files."""
    return literal_sentence(said_of(error))


def log_error(error: Exception) -> str:
    """`said_of`, with the traceback in the log."""
    said = said_of(error)
    if said == UNEXPECTED:
        _log.error("unexpected error", exc_info=error)
    else:
        _log.warning("refused: %s", error, exc_info=error)
    return said


def note_error(error: Exception) -> str:
    """`sentence_of`, with the traceback in the log."""
    return literal_sentence(log_error(error))


@contextmanager
def one_sentence() -> Iterator[None]:
    """Show what went wrong in one sentence; never a traceback."""
    try:
        yield
    except Exception as exc:
        st.error(note_error(exc))


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """`one_sentence` around a function, for fragments: they run again without the page around them."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with one_sentence():
            function(*args, **kwargs)

    return run
