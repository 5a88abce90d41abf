"""`python -m mixer_viz.ui.serving.health`: exit status 0 when the server of this container answers."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping

TIMEOUT = 5.0  # seconds


def health_address(environment: Mapping[str, str]) -> str:
    """Where a server with these STREAMLIT_SERVER_ settings says that it is well."""
    port = environment.get("STREAMLIT_SERVER_PORT", "8501")
    base = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    return f"http://127.0.0.1:{port}/{base}{'/' if base else ''}_stcore/health"


def is_healthy(address: str) -> bool:
    """Whether it answers with "ok" in time."""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


if __name__ == "__main__":
    raise SystemExit(0 if is_healthy(health_address(os.environ)) else 1)
