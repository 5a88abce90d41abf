"""Between the pages and the browser: what a teacher's link hides is not sent, and what is sent can be recorded.

Every element of a page is a message to the browser, whichever module draws it. All of them pass through here once, on
their way out: those of hidden parts are left out, fields that are locked are sent as such, and for a report the
messages of one run are kept. So no page has to know of any of it, and a report holds what the page shows.

Streamlit has no place for that; this wraps its way out (tests/app/teaching tell when a version has another one).
"""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Navigation_pb2 import Navigation
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.state.common import user_key_from_element_id

from mixer_viz.ui.teaching import restrictions as names
from mixer_viz.ui.teaching.restrictions import Restrictions, part_name, read_restrictions, written

OWN = "teach_"  # keys of fields for teachers begin so: no link locks them
_SCREEN = "_screen"  # session state
RECORD = "_record_next_run"  # session state: title of the page that is to be kept
_SIDEBAR_ROOT = 1  # of a message's path
MOST_RECORDED = 5_000  # messages of one run
_CHOICES = {
    *("selectbox", "number_input", "slider", "multiselect", "button_group", "checkbox", "text_input", "text_area"),
    *("radio", "file_uploader", "camera_input", "feedback", "color_picker", "date_input", "time_input"),
}
Path = tuple[int, ...]


@dataclasses.dataclass(eq=False)
class Screen:
    """What one visit knows of it."""

    restrictions: Restrictions = dataclasses.field(default_factory=Restrictions)
    values: dict[str, Any] = dataclasses.field(default_factory=dict)  # of locked fields, as they were at first
    parts: dict[str, str] = dataclasses.field(default_factory=dict)  # of this page: name -> heading
    fields: dict[str, str] = dataclasses.field(default_factory=dict)  # of this page: key -> label
    clicked: set[str] = dataclasses.field(default_factory=set)  # of this page: choices that are made by clicks alone
    headings: dict[Path, dict[int, str]] = dataclasses.field(default_factory=dict)  # container -> place -> part
    page: Path = ()  # the container that the page's title stands in
    dropped: set[Path] = dataclasses.field(default_factory=set)  # containers that were not sent
    recorded: list[ForwardMsg] | None = None

    def begin(self, record: bool) -> None:
        """A run of the whole page begins."""
        self.parts, self.fields, self.clicked, self.headings, self.dropped = {}, {}, set(), {}, set()
        self.recorded = [] if record else None

    def passed(self, message: ForwardMsg) -> ForwardMsg | None:
        """The message as it is to be sent; None for what lies in a container that was not sent."""
        kind = message.WhichOneof("type")
        if kind == "navigation" and names.PAGES in self.restrictions.hidden:
            message.navigation.position = Navigation.Position.HIDDEN
        if kind != "delta":
            return message
        path = tuple(message.metadata.delta_path)
        if message.delta.WhichOneof("type") == "new_transient":  # a spinner, in the place of what comes after it
            return None if self._is_hidden_place(path) else message
        self._read(path, message.delta)
        if any(path[:length] in self.dropped for length in range(1, len(path))):
            return None
        if self._hides(path, message.delta):
            if path[0] == _SIDEBAR_ROOT:
                return None
            self.dropped.add(path)
            return _nothing(path)
        self.dropped.discard(path)
        _lock(message.delta, self.restrictions)
        if self.recorded is not None and len(self.recorded) < MOST_RECORDED:
            self.recorded.append(message)
        return message

    def _read(self, path: Path, delta: Delta) -> None:
        """Note headings and fields as they come."""
        block, element = delta.add_block, delta.new_element
        is_block = delta.WhichOneof("type") == "add_block"
        parent, place = path[:-1], path[-1]
        kind = element.WhichOneof("type") or ""
        if path[0] == _SIDEBAR_ROOT and kind not in _CHOICES:
            return
        if is_block and block.WhichOneof("type") == "expandable":
            self.parts.setdefault(_folded_name(block), block.expandable.label)
        elif kind == "heading" and element.heading.tag == "h1":
            self.page = parent
        elif kind == "heading" and element.heading.tag in ("h2", "h3"):
            name = part_name(element.heading.anchor or element.heading.body)
            self.parts.setdefault(name, element.heading.body)
            self.headings.setdefault(parent, {})[place] = name
        elif kind in _CHOICES:
            made = getattr(element, kind)
            key = user_key_from_element_id(made.id)
            if key and not key.startswith(OWN):
                self.fields[key] = made.label
        elif place in self.headings.get(parent, {}):
            del self.headings[parent][place]  # something else stands where a heading was

    def _part_of(self, path: Path) -> set[str]:
        """The parts that the place belongs to: after the last heading before it, in its container and those around."""
        found = set()
        for depth in range(len(path) - 1, 0, -1):
            before = [place for place in self.headings.get(path[:depth], {}) if place <= path[depth]]
            if before:
                found.add(self.headings[path[:depth]][max(before)])
        return found

    def _is_hidden_place(self, path: Path) -> bool:
        hidden = self.restrictions.hidden
        is_dropped = any(path[:length] in self.dropped for length in range(1, len(path)))
        is_sidebar = path[0] == _SIDEBAR_ROOT and names.SIDEBAR in hidden
        return is_dropped or is_sidebar or bool(self._part_of(path) & hidden)

    def _hides(self, path: Path, delta: Delta) -> bool:
        hidden = self.restrictions.hidden
        if not hidden:
            return False
        if path[0] == _SIDEBAR_ROOT:
            return names.SIDEBAR in hidden
        kind = delta.new_element.WhichOneof("type")
        block = delta.add_block.WhichOneof("type") if delta.WhichOneof("type") == "add_block" else None
        if kind == "download_button" or (block == "popover" and _downloads(delta)):
            return names.DOWNLOADS in hidden
        if kind == "page_link":
            return names.PAGES in hidden
        if block == "expandable":
            name = _folded_name(delta.add_block)
            if name in hidden or path[:-1] == self.page:
                return name in hidden  # those between sections, and at the end, belong to none
        return bool(self._part_of(path) & hidden)


def _folded_name(block: Block) -> str:
    """The key of a folded part where it has one, which no language changes, or what its label makes of it."""
    return part_name(user_key_from_element_id(block.id) or block.expandable.label)


def _downloads(delta: Delta) -> bool:
    return delta.add_block.popover.icon == ":material/download:"


def _lock(delta: Delta, restrictions: Restrictions) -> None:
    kind = delta.new_element.WhichOneof("type") or ""
    if kind not in _CHOICES and kind != "button":
        return
    made = getattr(delta.new_element, kind)
    key = user_key_from_element_id(made.id) or ""
    if key.startswith(OWN):
        return
    if restrictions.locks_button(key) if kind == "button" else restrictions.locks(key):
        made.disabled = True


def _nothing(path: Path) -> ForwardMsg:
    """What the browser gets in the place of a hidden element: places are counted."""
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.new_element.empty.SetInParent()
    return message


# The visit's own screen lies in its session state; messages name their session.
_screens: weakref.WeakValueDictionary[str, Screen] = weakref.WeakValueDictionary()


def screen() -> Screen:
    """The screen of this visit."""
    context = get_script_run_ctx()
    found: Screen = st.session_state.setdefault(_SCREEN, Screen())
    if context is not None:
        _screens[context.session_id] = found
    return found


def _stand_between() -> None:
    """Let every message of every session pass through its screen, from now on."""
    send = ScriptRunContext.enqueue
    if getattr(send, "is_screened", False):
        return

    def enqueue(context: ScriptRunContext, message: ForwardMsg) -> None:
        between = _screens.get(context.session_id)
        passed = message if between is None else between.passed(message)
        if passed is not None:
            send(context, passed)

    enqueue.is_screened = True  # type: ignore[attr-defined]
    ScriptRunContext.enqueue = enqueue  # type: ignore[method-assign, assignment]


def begin_screen() -> None:
    """Read what the address asks for, or keep what it asked for on an earlier page; the first call of every run."""
    _stand_between()
    here = screen()
    asked = {key: st.query_params[key] for key in (names.TASK, names.FREE, names.HIDE) if key in st.query_params}
    if asked and (read := read_restrictions(asked)) != here.restrictions:
        here.restrictions, here.values = read, {}
    for key, value in written(here.restrictions).items():
        if st.query_params.get(key) != value:
            _try_to_write(key, value)
    here.begin(RECORD in st.session_state)


def _try_to_write(key: str, value: str) -> None:
    with contextlib.suppress(StreamlitAPIException):  # the address is Streamlit's for a moment; the next run writes it
        st.query_params[key] = value


def leave_restrictions() -> None:
    """The whole app from now on; for callbacks."""
    here = screen()
    here.restrictions, here.values = Restrictions(), {}
    for key in (names.TASK, names.FREE, names.HIDE):
        if key in st.query_params:
            del st.query_params[key]


def restrictions() -> Restrictions:
    """What the link of this visit asks for."""
    return screen().restrictions


def is_locked(key: str) -> bool:
    """Whether the choice of this name is not to be changed."""
    return restrictions().locks(key)


def locked_value(key: str, value: Any) -> Any:
    """What a field of this name is to hold: `value`, unless it is locked and held something else at first."""
    here = screen()
    return here.values.get(key, value) if here.restrictions.locks(key) else value


def note_value(key: str, value: Any) -> None:
    """What a field has begun with; where it is locked, it stays."""
    here = screen()
    if here.restrictions.locks(key):
        here.values.setdefault(key, value)


def note_clicked(key: str) -> None:
    """The page has a choice of this name without a field of its own."""
    screen().clicked.add(key)


def forget_value(key: str) -> None:
    """The address says something for this field: it begins anew."""
    screen().values.pop(key, None)
