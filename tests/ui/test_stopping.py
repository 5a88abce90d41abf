"""The server ends soon after it is told to, whatever is at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from tests.browser.serving import ROOT, Server, free_port, wait_until_healthy

MOST_SECONDS = 5.0
TIMEOUT = 60.0  # seconds; a busy machine is slow
PAGE = """
import time
from pathlib import Path

import streamlit as st
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.compute.visitors import visitor_name


def work(progress, cancelled):
    Path({flag!r}).touch()
    {body}


job_table().ask(("long",), work, Gate(), visitor_name())
"""


@pytest.mark.parametrize(
    "body", ["time.sleep(120)", "while True: pass"], ids=["a pass that takes long", "one that keeps the interpreter"]
)
def test_sigterm_ends_the_server_while_a_job_is_at_work(body: str, tmp_path: Path) -> None:
    flag, port = tmp_path / "at work", free_port()
    (tmp_path / "page.py").write_text(PAGE.format(flag=str(flag), body=body))
    command = [sys.executable, "-m", "streamlit", "run", str(tmp_path / "page.py"), "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port), "--server.fileWatcherType", "none"]
    server = Server(f"http://127.0.0.1:{port}", tmp_path / "server.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(server, process)
            with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
                message = BackMsg()
                message.rerun_script.query_string = ""
                socket.send(message.SerializeToString())
                deadline = time.monotonic() + TIMEOUT
                while not flag.exists():
                    assert time.monotonic() < deadline, server.log.read_text()
                    time.sleep(0.05)
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                process.wait(TIMEOUT)
                assert time.monotonic() - began < MOST_SECONDS
                assert process.returncode == 0, server.log.read_text()
        finally:
            process.kill()
            process.wait()
