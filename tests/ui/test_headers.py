"""What `mixer-explorer` sends beside every answer."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mixer_viz.ui import headers
from mixer_viz.ui.serving.settings import PREFIX
from tests.browser.serving import ROOT, Server, free_port, wait_until_healthy


@pytest.mark.parametrize(
    ("ancestors", "old"), [("'self'", "SAMEORIGIN"), ("'none'", "DENY"), ("'self' https://example.org", None)]
)
def test_a_host_says_who_may_show_the_app(ancestors: str, old: str | None) -> None:
    sent = headers.security_headers(ancestors)
    assert sent["Content-Security-Policy"] == f"frame-ancestors {ancestors}"
    assert sent.get("X-Frame-Options") == old


def test_every_answer_of_the_server_has_them(tmp_path: Path) -> None:
    port = free_port()
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    server = Server(f"http://127.0.0.1:{port}", tmp_path / "server.log")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        f"{PREFIX}FRAME_ANCESTORS": "'self' https://example.org",
        f"{PREFIX}REPLICA": "one",
    }
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mixer_viz", *options], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(server, process)
            for address in ("/", "/patches", "/_stcore/health"):
                with urllib.request.urlopen(server.url + address, timeout=30) as answer:
                    sent = answer.headers
                assert sent["X-Content-Type-Options"] == "nosniff", address
                assert sent["Content-Security-Policy"] == "frame-ancestors 'self' https://example.org", address
                assert sent["Referrer-Policy"] == "same-origin", address
                cookies = sent.get_all("Set-Cookie") or []
                assert f"{headers.COOKIE}=one; Path=/; HttpOnly; SameSite=Lax" in cookies, address
            known = urllib.request.Request(f"{server.url}/", headers={"Cookie": f"a=b; {headers.COOKIE}=one"})
            with urllib.request.urlopen(known, timeout=30) as answer:
                assert not any(headers.COOKIE in cookie for cookie in answer.headers.get_all("Set-Cookie") or [])
        finally:
            process.terminate()
            process.wait(30)
