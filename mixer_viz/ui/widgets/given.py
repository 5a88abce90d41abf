"""Values that the page gives to its fields: they hold against messages of a browser that does not know them yet.

A callback may give a field a value. The browser learns of it when the field is drawn, and whatever is clicked before
that is sent with the old value, which Streamlit takes for a choice of the visitor's: the first click would be lost in
silence.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import streamlit as st

from mixer_viz.ui.compute.waiting import last_run_ended

_GIVEN = "_given"  # session state: key of a field -> Given
# Seconds that a message may take on a busy computer. Whoever chooses the old value again within them, with no click
# between, has to do so twice.
_ON_ITS_WAY = 3.0


@dataclasses.dataclass(frozen=True)
class _Given:
    value: Any
    before: tuple[Any, ...]  # what a browser that does not know may still send
    drawn: float | None  # when the field was drawn with it first


def give(key: str, value: Any) -> None:
    """Set the field of this key to `value`; `hold` must come before the field is drawn."""
    held: _Given | None = _all().get(key)
    before = (*(held.before if held and _may_be_unknown(held) else ()), st.session_state.get(key))
    st.session_state[key] = value
    _all()[key] = _Given(value, tuple(each for each in before if each != value), None)


def hold(key: str) -> None:
    """Before the field of this key is drawn: bring back what was given to it, if an older message undid it."""
    held: _Given | None = _all().get(key)
    if held is None:
        return
    if st.session_state.get(key) != held.value:
        if st.session_state.get(key) not in held.before or not _may_be_unknown(held):
            del _all()[key]  # the visitor has chosen something else
            return
        st.session_state[key] = held.value
    elif held.drawn is not None:
        del _all()[key]  # the browser has sent it back, so it knows
        return
    _all()[key] = dataclasses.replace(held, drawn=time.monotonic())


def _may_be_unknown(held: _Given) -> bool:
    if held.drawn is None:
        return True
    ended = last_run_ended()
    return (
        ended < held.drawn or time.monotonic() - ended < _ON_ITS_WAY
    )  # the run that drew it was broken off, or just over


def _all() -> dict[str, _Given]:
    given: dict[str, _Given] = st.session_state.setdefault(_GIVEN, {})
    return given
