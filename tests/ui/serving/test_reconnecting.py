"""The first wish of a browser that has lost its session."""

from __future__ import annotations

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from mixer_viz.ui.serving.reconnecting import CAME_BACK, LOST_UPLOADS, take_lost_visitors_in


def wish(fragment: str) -> ClientState:
    state = ClientState()
    state.fragment_id, state.is_auto_rerun, state.query_string = fragment, bool(fragment), "token=3"
    return state


def test_a_new_session_runs_the_whole_page_and_a_known_one_its_fragment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool, str]] = []

    def note(session: object, state: ClientState | None) -> None:
        if state is not None:
            asked.append((state.fragment_id, state.is_auto_rerun, state.query_string))

    monkeypatch.setattr(AppSession, "request_rerun", note)
    monkeypatch.setattr(AppSession, "__del__", lambda _: None)  # these two were never started
    take_lost_visitors_in()
    lost, known = AppSession.__new__(AppSession), AppSession.__new__(AppSession)
    lost.request_rerun(wish("a"))
    known.request_rerun(wish(""))
    known.request_rerun(wish("b"))
    lost.request_rerun(wish("a"))
    known.request_rerun(None)
    assert asked == [("", False, "token=3"), ("", False, "token=3"), ("b", True, "token=3"), ("a", True, "token=3")]


def test_files_that_the_lost_session_had_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AppSession, "__del__", lambda _: None)
    monkeypatch.setattr(AppSession, "request_rerun", lambda *_: None)
    states: dict[int, dict[str, bool]] = {}
    monkeypatch.setattr(AppSession, "session_state", property(lambda self: states.setdefault(id(self), {})))
    take_lost_visitors_in()
    bare, with_file = AppSession.__new__(AppSession), AppSession.__new__(AppSession)
    empty, full = wish("a"), wish("a")
    empty.widget_states.widgets.add().file_uploader_state_value.uploaded_file_info.extend([])
    full.widget_states.widgets.add().file_uploader_state_value.uploaded_file_info.add().file_id = "f"
    bare.request_rerun(empty)
    bare.request_rerun(full)  # its own upload, later
    with_file.request_rerun(full)
    assert states == {id(bare): {CAME_BACK: True}, id(with_file): {CAME_BACK: True, LOST_UPLOADS: True}}
