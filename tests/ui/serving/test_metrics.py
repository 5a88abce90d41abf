"""Figures for Prometheus: of a running server, and that they say nothing of what visitors chose."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import REGISTRY as GLOBAL
from prometheus_client.parser import text_string_to_metric_families
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.serving.metrics import REGISTRY, kind_of, serve_metrics
from mixer_viz.ui.serving.settings import PREFIX, SettingError
from tests.browser.serving import ROOT, Server, free_port, wait_until_healthy

SECONDS = 120.0  # a busy machine is slow


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "page"),
        ("/lab/token_mixing", "page"),
        ("/_stcore/health", "health"),
        ("/lab/_stcore/script-health-check", "health"),
        ("/lab/_stcore/stream", "websocket"),
        ("/_stcore/upload_file/4f/9a", "upload"),
        ("/_stcore/host-config", "server"),
        ("/media/3f.webp", "picture"),
        ("/static/js/index.a.js", "static"),
        ("/favicon.png", "static"),
        ("/../etc/passwd", "page"),
    ],
)
def test_kinds_of_requests_are_few(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_waiting_at_the_gate_is_counted() -> None:
    gate, name = Gate(), "mixer_explorer_gate_wait_seconds"
    before = [value(f"{name}_{part}", kind="short") for part in ("count", "sum")]
    with gate.held():
        waiting = threading.Thread(target=lambda: gate.held().__enter__())
        waiting.start()
        deadline = time.monotonic() + SECONDS
        while not value("mixer_explorer_gate_waiting"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.2)
    waiting.join(SECONDS)
    assert value(f"{name}_count", kind="short") == before[0] + 2
    assert 0.2 <= value(f"{name}_sum", kind="short") - before[1] < SECONDS
    assert value("mixer_explorer_gate_waiting") == 0


def test_an_address_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingError, match=r"nothing can listen at 127\.0\.0\.1:"):
            serve_metrics(("127.0.0.1", taken.getsockname()[1]))


def test_nothing_is_in_the_registry_that_streamlit_shows() -> None:
    assert not [name for name in GLOBAL._names_to_collectors if name.startswith("mixer_explorer")]


def read(port: int) -> dict[tuple[str, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
    return {
        (sample.name.removeprefix("mixer_explorer_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def visit(port: int) -> None:
    """One run of Attributions over the server's own protocol, until its script has ended."""
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as browser:  # type: ignore[list-item]
        message = BackMsg()
        message.rerun_script.query_string = "image=Rocket launch"
        message.rerun_script.page_name = "attribution"
        browser.send(message.SerializeToString())
        for data in browser:
            got = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            # Not the first run of all, which the router breaks off.
            if got.WhichOneof("type") == "script_finished" and got.script_finished == got.FINISHED_SUCCESSFULLY:
                return


def test_a_running_server_tells_what_it_does_on_an_address_of_its_own(tmp_path: Path) -> None:
    port, told = free_port(), free_port()
    server = Server(f"http://127.0.0.1:{port}", tmp_path / "server.log")
    command = [sys.executable, "-m", "mixer_viz", "--server.headless", "true", "--server.port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    environment |= {f"{PREFIX}METRICS": f"127.0.0.1:{told}", f"{PREFIX}LOG": "json"}
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1"], env=environment, stdout=subprocess.DEVNULL, stderr=log
        )
        try:
            wait_until_healthy(server, process)
            visit(port)
            found = read(told)
            lines = server.log.read_text(encoding="utf-8")
        finally:
            process.terminate()
            process.wait(30)
    assert found["requests_total", "websocket", "101"] == 1
    assert found["requests_total", "health", "200"] >= 1
    assert found["page_seconds_count", "Attributions"] == 1
    assert found["gate_wait_seconds_count", "short"] >= 1
    assert sum(value for (name, *_), value in found.items() if name == "jobs_now") >= 1
    assert found["cache_entries", "model"] >= 1
    assert 935_050 * 4 <= found["cache_bytes", "model"] < 1e8
    assert found["cache_bytes", "trace"] > 1e6
    assert found["process_resident_memory_bytes",] > 1e8
    assert found["visitors",] in (0, 1)
    assert all(line.startswith('{"time": ') for line in lines.splitlines()), lines
    assert re.search(r'"event": "page", "page": "Attributions", "seconds": \d', lines), lines
    assert "Rocket" not in lines
    assert not [key for key in found if any("Rocket" in part for part in key)]
