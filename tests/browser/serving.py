"""The real server, started the way the README does it."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
FIRST_MODEL = "mixer_cifar10"  # which visitors of the tests begin with: the smaller one
BEGINNING = {"MIXER_EXPLORER_MODELS": f"{FIRST_MODEL}, bundled, published"}


@dataclasses.dataclass(frozen=True)
class Server:
    """A running app."""

    url: str  # without a slash at the end
    log: Path


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """`streamlit run app.py` on a free port, until the block ends; its log goes to `folder`."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    # No test depends on what this computer's Hub cache holds.
    environment = {**os.environ, **BEGINNING, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    server = Server(f"http://127.0.0.1:{port}", folder / "server.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until_healthy(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text(encoding='utf-8', errors='replace')}")
