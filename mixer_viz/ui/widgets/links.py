"""What the address holds: every choice of a page under a name of its own, as a short technical value.

Streamlit can bind a field to the address, but then the link says what the field shows and breaks with the next change
of wording. Here a field begins with what the address says (`begin_field`), and the address follows the field
(`end_field`); what a field shows at first is not in the address. Fields of another page wait
there with their last choice.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mixer_viz.language import current, tr
from mixer_viz.texts.from_files import literal
from mixer_viz.ui.serving.reconnecting import CAME_BACK
from mixer_viz.ui.teaching.screen import forget_value, locked_value, note_clicked, note_value

T = TypeVar("T")
Read = Callable[[list[str]], T | None]  # from the values in the address to a choice; None for what is none
_LINKS = "_links"  # session state
_MOST_NOTED = 5
LESSON, STEP = "lesson", "step"  # names in links: where somebody is in a lesson
PROGRESS = "lesson_progress"  # in the address alone, so that a reload keeps it: links to copy leave it out
OWN_IN_LINK = "own"  # a picture or a checkpoint of the visitor's own, without its file name


@dataclasses.dataclass
class _Links:
    """What one visit knows of its address."""

    page: str = ""
    asked: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # said by the address, taken by no field yet
    reset: set[str] = dataclasses.field(default_factory=set)  # what the address that was gone back to does not say
    kept: dict[str, Any] = dataclasses.field(default_factory=dict)  # the last choice of every field
    at_start: set[str] = dataclasses.field(default_factory=set)  # of them, those that nobody has chosen
    said: dict[str, str] = dataclasses.field(default_factory=dict)  # the same as links say it, also at its start
    language: str = ""  # in whose words the browser holds what fields show
    step: tuple[str, str] = ("", "")  # lesson and step of the last address that was read
    drawn: set[str] = dataclasses.field(default_factory=set)  # in this run
    here: set[str] = dataclasses.field(default_factory=set)  # drawn since this page was opened
    came_back: bool = False  # the fields of the page are in the browser, as a lost session left them
    missing: list[str] = dataclasses.field(default_factory=list)  # of it, what is not here, in words
    waiting: dict[str, str | None] | None = None  # while a page is drawn for the first time: what the address will say


def _links() -> _Links:
    links: _Links = st.session_state.setdefault(_LINKS, _Links())
    return links


def open_link(page: str) -> None:
    """Read the address where it is new: at the first run, on another page, after Back, at another step of a lesson.

    The first call of every run.
    """
    links, context = _links(), get_script_run_ctx()
    is_back = context is not None and context.is_history_navigation
    links.drawn = set()
    if links.language != current():
        links.here, links.language = set(), current()  # every field is given its choice anew
    step = (st.query_params.get(LESSON, ""), st.query_params.get(STEP, ""))
    is_step = bool(step[0]) and (page != links.page or step != links.step)
    if page == links.page and not is_back and not is_step:
        return
    if is_back and context is not None:
        _take_address(context.query_string)
    elif is_step and page == links.page:
        st.query_params[STEP] = step[1]  # a link to the page that is open leaves the browser's address as it was
    links.asked = {key: st.query_params.get_all(key) for key in st.query_params}
    # A step is a state of the whole page: what it leaves open is as it was at first.
    links.reset = set(links.kept) - set(links.asked) if is_back or is_step else set()
    links.step = step if is_step else links.step
    links.missing, links.page, links.waiting = [], page, {}
    links.here, links.came_back = set(), bool(st.session_state.pop(CAME_BACK, False))


def _take_address(query: str) -> None:
    """After Back on the same page Streamlit's own copy of the address is that of before."""
    asked = urllib.parse.parse_qs(query, keep_blank_values=True)
    for key in [key for key in st.query_params if key not in asked]:
        _try_to_write(key, None)
    for key, values in asked.items():
        _try_to_write(key, values)


def _try_to_write(key: str, values: Sequence[str] | None) -> None:
    try:
        if values is None:
            del st.query_params[key]
        elif not key.lower().startswith("embed") and st.query_params.get_all(key) != list(values):
            st.query_params[key] = list(values)
    except StreamlitAPIException:
        pass  # reserved by Streamlit


def ask_again(values: Mapping[str, str]) -> None:
    """Bring the page that is open into this state, all else as it was at first; for callbacks."""
    links = _links()
    links.asked = {key: [value] for key, value in values.items()}
    links.reset = set(links.kept) - set(links.asked)


def said_here() -> dict[str, str]:
    """What every field of the page holds, under its name in links and as links say it."""
    links = _links()
    return {key: links.said[key] for key in sorted(links.here) if key in links.said}


def asked_for(key: str) -> str:
    """What the address says for a field that is not drawn yet; empty where it says nothing."""
    return (_links().asked.get(key) or [""])[-1]


def drop_asked(key: str) -> None:
    """What the address says for this field is dealt with already."""
    _links().asked.pop(key, None)


def begin_field(key: str, start: T, read: Read[T], was: str = "", *, is_drawn: bool = True) -> bool:
    """Before a field is drawn: give it what the address says, or what it held when its page was left.

    Returns whether the address has said it.

    Args:
        key: the field's name in the address, and in the session state.
        start: what it is when nobody has chosen.
        was: its name in links of earlier versions, perhaps shared with another page.
        is_drawn: whether the browser has a field for it.
    """
    links = _links()
    name = was if was in links.asked and key not in links.asked else key
    if name in links.asked:
        values = links.asked.pop(name)
        if name == was and was in st.query_params:
            del st.query_params[was]
        if links.came_back and is_drawn:
            return False  # what was typed last may be newer than the address
        value = read(values)
        if value is not None:
            forget_value(key)
            st.session_state[key] = value
            return True
        links.missing += [f"{name} = {each}" for each in values]
    if key in links.reset:
        links.reset.discard(key)
        st.session_state[key] = start
    elif key not in links.here and (key in st.session_state or key in links.kept):
        # A field of the same key on another page is another one to Streamlit: without this it would begin anew. What
        # nobody has chosen begins anew: pages begin with different blocks.
        held = st.session_state[key] if key in st.session_state else links.kept[key]
        st.session_state[key] = start if key in links.at_start and held == links.kept.get(key) else held
    elif key not in st.session_state and key in links.kept:
        st.session_state[key] = links.kept[key]
    if key in st.session_state and (held := locked_value(key, st.session_state[key])) != st.session_state[key]:
        st.session_state[key] = held
    return False


def end_field(key: str, value: Any, text: str | None, said: str | None = None) -> None:
    """After a field was drawn: keep its choice, and write it into the address; None for what it shows at first.

    `said` is what the address would say even then, where that is not `value` as text.
    """
    links = _links()
    note_value(key, value)
    links.kept[key] = value
    (links.at_start.add if text is None else links.at_start.discard)(key)
    links.said[key] = next(each for each in (text, said, str(value)) if each is not None)
    links.drawn.add(key)
    links.here.add(key)
    if links.waiting is None:
        _write(key, text)
    else:
        links.waiting[key] = text


def _write(key: str, text: str | None) -> None:
    if text is None:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get_all(key) != [text]:
        st.query_params[key] = text


def linked_value(key: str, start: T, read: Read[T], write: Callable[[T], str]) -> T:
    """A choice without a field, made by clicks: it lies in the session state under `key`, and is in the link."""
    note_clicked(key)
    begin_field(key, start, read, is_drawn=False)
    value: T = st.session_state.setdefault(key, start)
    end_field(key, value, None if value == start else write(value))
    return value


def close_link(place: DeltaGenerator) -> None:
    """Once the page is drawn: take fields of other views out of the address, and say at `place` what is not here."""
    links = _links()
    # A busy browser may still show the address of the page that was left while this one begins to be drawn, and would
    # write over what Back goes to.
    for key, text in (links.waiting or {}).items():
        _write(key, text)
    links.waiting = None
    for key in [key for key in st.query_params if key in links.kept and key not in links.drawn]:
        if key not in links.asked:
            del st.query_params[key]
    if missing := links.missing:
        listed = "; ".join(literal(each, 60) for each in missing[:_MOST_NOTED])
        more = len(missing) - _MOST_NOTED
        if more > 0:
            listed = tr("{list} and {count} more", list=listed, count=more)
        place.warning(tr("The link asked for what is not here, so something else is shown: {list}.", list=listed))


def one_of(names: dict[str, str]) -> Read[str]:
    """Reads one choice: by its name in links, or by what the field shows, as links of earlier versions have it.

    Args:
        names: what the field shows -> its name in links.
    """
    shown = {name: label for label, name in names.items()}
    return lambda values: shown.get(values[-1], values[-1] if values[-1] in names else None) if values else None


def many_of(names: dict[str, str]) -> Read[list[str]]:
    """Reads several choices, separated by commas; links of earlier versions repeat the name instead."""
    read = one_of(names)

    def reads(values: list[str]) -> list[str] | None:
        parts = [part for value in values for part in ([value] if value in names else value.split(","))]
        found = [read([part]) for part in parts if part]
        return None if None in found else [each for each in dict.fromkeys(found) if each is not None]

    return reads


def whole_number(lowest: int, highest: int) -> Read[int]:
    """Reads a whole number within these bounds."""

    def read(values: list[str]) -> int | None:
        text = values[-1].removeprefix("-")
        if not (text.isascii() and text.isdecimal()) or len(text) > 12:
            return None
        return number if lowest <= (number := int(values[-1])) <= highest else None

    return read


def number_within(lowest: float, highest: float) -> Read[float]:
    """Reads a number within these bounds."""

    def read(values: list[str]) -> float | None:
        try:
            number = float(values[-1])
        except ValueError:
            return None
        return number if lowest <= number <= highest else None

    return read


def yes_or_no(values: list[str]) -> bool | None:
    """Reads a switch."""
    return {"true": True, "1": True, "false": False, "0": False}.get(values[-1].lower())
