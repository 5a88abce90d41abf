"""A browser that comes back to a restarted server, or to another replica, finds its page working."""

from __future__ import annotations

import weakref

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

# Session state: True where the browser has the page of a lost session, whose fields are newer than its address.
CAME_BACK = "_came_back"
LOST_UPLOADS = "_lost_uploads"  # session state: True where the lost session had files of the visitor's


def take_lost_visitors_in() -> None:
    """Let the first wish of a session that is new to this server run the whole page, and note which files are lost.

    The browser keeps the page of its lost session, so its first wish may be for a part of it. Streamlit drops wishes
    for fragments that it does not know: fields on the page would do nothing until something else runs all of it.
    """
    run, known = AppSession.request_rerun, weakref.WeakSet[AppSession]()

    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        if client_state is not None and session not in known:
            if client_state.fragment_id:
                client_state.fragment_id, client_state.is_auto_rerun = "", False
            if client_state.widget_states.widgets:
                session.session_state[CAME_BACK] = True
            if _has_files(client_state):
                session.session_state[LOST_UPLOADS] = True
        known.add(session)
        run(session, client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[assignment, method-assign]


def _has_files(client_state: ClientState) -> bool:
    """Whether an upload field of the browser's page holds a file; a new page has no widgets yet."""
    widgets = client_state.widget_states.widgets
    return any(widget.file_uploader_state_value.uploaded_file_info for widget in widgets)
