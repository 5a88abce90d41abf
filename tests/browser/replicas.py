"""Two replicas of the app and the nginx of `deploy/` in front of them, on loopback and below a base path."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mixer_viz.ui.serving.settings import PREFIX
from tests.browser.serving import BEGINNING, ROOT, Server, free_port, wait_until_healthy

CONF = ROOT / "deploy" / "nginx.conf"
BASE = "lab/mixer"
NAMES = ("one", "two")
REQUIRED = "MIXER_VIZ_REQUIRE_NGINX"
PROCESS = "daemon off;\nuser root;\n" if os.getuid() == 0 else "daemon off;\n"


def nginx_command() -> str:
    """Where nginx is; skips the test without one, and fails where one is required."""
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"nginx is needed to put replicas behind it, and {REQUIRED}=1 asks for it")
        pytest.skip("nginx is needed to put replicas behind it")
    return path


def local_conf(folder: Path, port: int, replicas: dict[str, int], conf: str = "") -> str:
    """The configuration with these ports on loopback, and its own files in `folder`."""
    text = PROCESS + (conf or CONF.read_text(encoding="utf-8"))
    for name, replica in replicas.items():
        text = text.replace(f"{name}:8501", f"127.0.0.1:{replica}")
    return text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/nginx", f"{folder}/nginx")


@dataclasses.dataclass
class House:
    """All three processes."""

    url: str  # of the proxy, with the base path and without a slash at the end
    folder: Path
    ports: dict[str, int]
    replicas: dict[str, subprocess.Popen[bytes]]
    proxy: subprocess.Popen[bytes]
    port: int

    def reload(self, conf: str) -> None:
        """What `nginx -s reload` does, with another configuration."""
        (self.folder / "nginx.conf").write_text(local_conf(self.folder, self.port, self.ports, conf))
        self.proxy.send_signal(signal.SIGHUP)

    def kill(self, name: str) -> None:
        self.replicas[name].send_signal(signal.SIGKILL)
        self.replicas[name].wait()


@contextmanager
def running(command: list[str], log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, env={**os.environ, **BEGINNING, **variables}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Started, and answering; `folder` has the logs."""
    command, port = nginx_command(), free_port()
    ports = {name: free_port() for name in NAMES}
    conf = folder / "nginx.conf"
    conf.write_text(local_conf(folder, port, ports))
    with ExitStack() as stack:
        replicas: dict[str, subprocess.Popen[bytes]] = {}
        for name in NAMES:
            options = ["--server.headless", "true", "--server.address", "127.0.0.1"]
            options += ["--server.port", str(ports[name]), "--server.baseUrlPath", BASE]
            settings = {f"{PREFIX}REPLICA": name, f"{PREFIX}PUBLIC": "on", "PYTHONPATH": str(ROOT)}
            replicas[name] = stack.enter_context(
                running([sys.executable, "-m", "mixer_viz", *options], folder / f"{name}.log", **settings)
            )
        for name in NAMES:
            server = Server(f"http://127.0.0.1:{ports[name]}/{BASE}", folder / f"{name}.log")
            wait_until_healthy(server, replicas[name])
        proxy = stack.enter_context(running([command, "-c", str(conf), "-p", str(folder)], folder / "nginx.log"))
        url = f"http://127.0.0.1:{port}/{BASE}"
        wait_until_healthy(Server(url, folder / "nginx.log"), proxy)
        yield House(url, folder, ports, replicas, proxy, port)


def until(what: str, holds: object, seconds: float = 60.0) -> None:
    """Wait until `holds()`; fails in words after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
