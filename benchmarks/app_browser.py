"""Starts a Streamlit server and a Chromium for `app_speed`, and counts the bytes between them."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parents[1]
START_SECONDS = 300
TIMEOUT = 120_000  # ms
PAINTED = """(canvas) => {
  const { width, height } = canvas;
  const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, width, height).data.buffer);
  return new Set(pixels).size > 5;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; RuntimeError says what is missing."""
    path = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as exc:
        raise RuntimeError("playwright is missing: pip install -r requirements-dev.txt") from exc
    if path is None:
        raise RuntimeError("there is no command 'chromium' on this computer; install the browser first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(script: Path) -> Iterator[str]:
    """`streamlit run script` with the project's settings; gives the address as soon as it answers."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"{url}/_stcore/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"streamlit run {script.name} does not answer")
            time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def when_painted(canvas: Locator) -> None:
    """Return when the picture shows more than a handful of colours."""
    canvas.wait_for(timeout=TIMEOUT)
    page = canvas.page
    page.wait_for_function(PAINTED, arg=canvas.element_handle(), timeout=TIMEOUT)


class Traffic:
    """Bytes that a page has received: `own` (websocket frames, and files that are not Streamlit's) and `bundle`.

    Files as they travel (compressed), frames as they arrive (Streamlit does not compress them by default).
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.own = 0
        self.bundle = 0
        self._urls: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._loaded)
        session.on("Network.webSocketFrameReceived", self._frame)
        session.send("Network.enable")

    def wait(self, seconds: float) -> None:
        """Let the page go on; events arrive meanwhile."""
        self.page.wait_for_timeout(1e3 * seconds)

    def _asked(self, event: dict[str, Any]) -> None:
        self._urls[event["requestId"]] = event["request"]["url"]

    def _loaded(self, event: dict[str, Any]) -> None:
        size = int(event["encodedDataLength"])
        if urlsplit(self._urls.get(event["requestId"], "")).path.startswith("/static/"):
            self.bundle += size
        else:
            self.own += size

    def _frame(self, event: dict[str, Any]) -> None:
        response = event["response"]
        binary = response["opcode"] == 2  # then the browser reports it in base64
        payload = response["payloadData"]
        self.own += len(base64.b64decode(payload)) if binary else len(payload.encode())
