"""What a browser is told beside every answer of the server: guess no types, show this page in no other one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SETTING = "MIXER_EXPLORER_FRAME_ANCESTORS"
DEFAULT_ANCESTORS = "'self'"


def security_headers(ancestors: str) -> dict[str, str]:
    """The headers; `ancestors` are those of the CSP's `frame-ancestors`: who may show the app inside of a page."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": f"frame-ancestors {ancestors}",
        "Referrer-Policy": "same-origin",  # an address holds what somebody looked at
    }
    # For browsers that do not know frame-ancestors; it has no word for other sites.
    old = {"'self'": "SAMEORIGIN", "'none'": "DENY"}.get(ancestors)
    return headers | ({"X-Frame-Options": old} if old else {})


class SecurityHeaders:
    """Adds the headers to each answer that does not have them."""

    def __init__(self, app: ASGIApp, ancestors: str) -> None:
        self.app, self._headers = app, security_headers(ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def add_headers() -> None:
    """Let the server that Streamlit starts in this process send them.

    `streamlit run` has no setting for headers, and this version's st.App leaves out what `streamlit run` reads. So this
    adds to the list that Streamlit makes its server from; tests/ui/test_headers.py tells when a version no longer does.
    Raises ValueError for a setting that would end the header.
    """
    from streamlit.web.server.starlette import starlette_app

    ancestors = os.environ.get(SETTING, DEFAULT_ANCESTORS)
    if any(letter in ancestors for letter in ";,\r\n") or not ancestors.isascii():
        raise ValueError(f"{SETTING} must be sources between spaces, such as 'self' https://example.org.")
    made: Callable[[], list[Any]] = starlette_app.create_streamlit_middleware
    starlette_app.create_streamlit_middleware = lambda: [Middleware(SecurityHeaders, ancestors=ancestors), *made()]
