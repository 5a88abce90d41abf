"""The real server, started the way the README does it."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
FIRST_MODEL = "mixer_cifar10"  # which visitors of the tests begin with: the smaller one
BEGINNING = {"MIXER_EXPLORER_MODELS": f"{FIRST_MODEL}, bundled, published"}


_STARTED: list[subprocess.Popen[bytes]] = []  # by this worker, and maybe ended by another


@dataclasses.dataclass(frozen=True)
class Server:
    """A running app."""

    url: str  # without a slash at the end
    log: Path


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """`streamlit run app.py` on a free port, until the block ends; its log goes to `folder`."""
    server, process = start(folder)
    try:
        wait_until_healthy(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def start(folder: Path) -> tuple[Server, subprocess.Popen[bytes]]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    # No test depends on what this computer's Hub cache holds.
    environment = {**os.environ, **BEGINNING, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    server = Server(f"http://127.0.0.1:{port}", folder / "server.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    return server, process


@contextmanager
def serving_all_workers(folders: pytest.TempPathFactory) -> Iterator[Server]:
    """`serving` for every worker of this run: the first one starts it, the last one ends it.

    A page's first visitor makes the server import and work out what the later ones share.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with serving(folders.mktemp("server")) as server:
            yield server
        return
    common = folders.getbasetemp().parent / "server"
    common.mkdir(exist_ok=True)
    told, mine = common / "server.json", common / f"{os.getpid()}.worker"
    with alone(common):
        mine.touch()
        if not told.exists():
            server, process = start(Path(tempfile.mkdtemp(dir=common)))
            _STARTED.append(process)
            wait_until_healthy(server, process)
            told.write_text(json.dumps({"url": server.url, "log": str(server.log), "process": process.pid}))
        found = json.loads(told.read_text())
    try:
        yield Server(found["url"], Path(found["log"]))
    finally:
        with alone(common):
            mine.unlink()
            if not any(is_running(int(worker.stem)) for worker in common.glob("*.worker")):
                told.unlink()  # a worker that comes now starts its own
                os.kill(found["process"], signal.SIGTERM)
                wait_until_gone(found["url"])


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One worker at a time."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_until_gone(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                time.sleep(0.1)
        except OSError:
            return
    raise RuntimeError(f"the server at {url} did not end")


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
