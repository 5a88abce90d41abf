"""A sentence for the user, the traceback for the log."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from mixer_viz.analysis.ranges import NotFiniteError
from mixer_viz.checkpoints import CheckpointError
from mixer_viz.images import ImageError
from mixer_viz.texts.from_files import literal_sentence

P = ParamSpec("P")
_log = logging.getLogger(__name__)
UNEXPECTED = "Something went wrong here. Choose another picture or model, or restart the app; its log has the details."


@contextmanager
def one_sentence() -> Iterator[None]:
    """Show a mistake of the user's in its own words and anything else in general ones; never a traceback."""
    try:
        yield
    except (CheckpointError, ImageError, NotFiniteError) as exc:
        _log.warning("refused: %s", exc, exc_info=True)
        st.error(literal_sentence(exc))
    except Exception:
        _log.exception("unexpected error")
        st.error(UNEXPECTED)


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """`one_sentence` around a function, for fragments: they run again without the page around them."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with one_sentence():
            function(*args, **kwargs)

    return run
