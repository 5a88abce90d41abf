"""What a browser is told beside every answer: guess no types, show this page in no other one, come back here."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware

from mixer_viz.ui.serving.metrics import CountedRequests
from mixer_viz.ui.serving.settings import settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mixer_explorer_replica"


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


class SentBeside:
    """Adds the headers to each answer that does not have them, and the replica's cookie for browsers without it."""

    def __init__(self, app: ASGIApp, ancestors: str, replica: str = "") -> None:
        self.app, self._headers, self._replica = app, security_headers(ancestors), replica

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if self._replica and _cookie(scope) != self._replica:
                    headers.append("Set-Cookie", f"{COOKIE}={self._replica}; Path=/; HttpOnly; SameSite=Lax")
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _cookie(scope: Scope) -> str | None:
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def add_headers() -> None:
    """Let the server that Streamlit starts in this process send them, and count what it is asked.

    `streamlit run` has no setting for headers, and this version's st.App leaves out what `streamlit run` reads. So this
    adds to the list that Streamlit makes its server from; tests/ui/test_headers.py tells when a version no longer does.
    Raises SettingError as `settings` does.
    """
    from streamlit.web.server.starlette import starlette_app

    chosen = settings()
    mine = [
        Middleware(CountedRequests),
        Middleware(SentBeside, ancestors=chosen.frame_ancestors, replica=chosen.replica),
    ]
    made: Callable[[], list[Any]] = starlette_app.create_streamlit_middleware
    starlette_app.create_streamlit_middleware = lambda: [*mine, *made()]
