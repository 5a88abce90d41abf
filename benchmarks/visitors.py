"""Visitors who come at once to Attributions, with different pictures and classes, and wait until everything is there.

The real server and its websocket, without browsers: sixty of those on one computer would measure Chromium.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app_browser import ROOT, START_SECONDS, answers, free_port
from timing import summary
from websockets.asyncio.client import ClientConnection, connect

NAME = "visitors"
NUMBERS = (10, 30, 60)
AT_MOST = {30: 10.0}  # seconds until the last of them has everything
HEALTH_AT_MOST = 0.5  # seconds
GIVE_UP = 300.0
PICTURES = (
    "Cat",
    "Astronaut",
    "Cup of coffee",
    "Rocket launch",
    "Motorcycle",
    "One bright patch",
    "Vertical stripes",
    "Horizontal stripes",
    "Diagonal stripes",
    "Checkerboard",
)
MODEL = "mixer_cifar10"  # whose classes these are; another one costs several times as much
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def measure() -> dict[str, Any]:
    """Seconds until all is there, computations made and needed, the health check meanwhile, the server's memory."""
    results: dict[str, Any] = {}
    for number in NUMBERS:
        results |= play(number)
    return results


def play(number: int) -> dict[str, Any]:
    """A fresh server, one visitor who warms it up, then `number` of them at once."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts.json")
        port = free_port()
        process = serving(counts, port)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            asyncio.run(visit(port, "Gradient from black to white", CLASSES[0]))
            before = json.loads(counts.read_text())
            began = time.time()
            seconds, health = asyncio.run(class_of(number, port))
            after = json.loads(counts.read_text())
            memory = peak_memory(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    name = f"{number} visitors"
    maps = [at - began for at in after["maps"] if at > began]
    return {
        f"{name}, a map is there": summary(maps, "s"),
        f"{name}, the last map": summary([max(maps)], "s"),
        f"{name}, all is there": summary(seconds, "s"),
        f"{name}, the last one": summary([max(seconds)], "s", AT_MOST.get(number)),
        f"{name}, computations made": {"value": after["made"] - before["made"], "unit": ""},
        f"{name}, computations needed": {"value": after["needed"] - before["needed"], "unit": ""},
        f"{name}, health check": summary(health, "s"),
        f"{name}, worst health check": summary([max(health)], "s", HEALTH_AT_MOST),
        f"{name}, the server's peak memory": {"value": memory, "unit": "MB"},
    }


def serving(counts: Path, port: int) -> subprocess.Popen[bytes]:
    """The app on this port, in a process of its own; it counts its computations in `counts`."""
    command = [sys.executable, __file__, str(counts), str(port)]
    environment = {**os.environ, "MIXER_EXPLORER_MODELS": f"{MODEL}, bundled, published"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server does not answer")
        time.sleep(0.05)


def peak_memory(pid: int) -> float:
    """MB; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    return 0.0


async def class_of(number: int, port: int) -> tuple[list[float], list[float]]:
    """Seconds of each visitor, and of each health check meanwhile."""
    health: list[float] = []
    watching = asyncio.create_task(watch_health(f"http://127.0.0.1:{port}/_stcore/health", health))
    choices = [(PICTURES[each % len(PICTURES)], CLASSES[each // len(PICTURES)]) for each in range(number)]
    seconds = await asyncio.gather(*(visit(port, *choice) for choice in choices))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return list(seconds), health


async def watch_health(url: str, found: list[float]) -> None:
    def ask() -> float:
        began = time.perf_counter()
        with urllib.request.urlopen(url, timeout=60):
            return time.perf_counter() - began

    while True:
        found.append(await asyncio.to_thread(ask))
        await asyncio.sleep(0.1)


async def visit(port: int, picture: str, name: str) -> float:
    """Open the page and behave as the browser does until nothing is at work any more; seconds."""
    began = time.perf_counter()
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        page = Page(socket, f"image={quote(picture)}&target={quote(name)}")
        await asyncio.wait_for(page.until_all_is_there(), GIVE_UP)
    return time.perf_counter() - began


class Page:
    """One browser tab: it answers the server's wish to run a fragment every half a second."""

    name = "attribution"  # of the page, as in its address; empty for the first one

    def __init__(self, socket: ClientConnection, query: str) -> None:
        self.socket, self.query, self.page = socket, query, ""
        self.ticking: list[asyncio.Task[None]] = []

    async def run(self, fragment: str = "") -> None:
        """Wish for a run of the page, or of one fragment of it."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.page
        state.page_name = "" if self.page else self.name
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        self.fill_in(state.widget_states.widgets)
        await self.socket.send(message.SerializeToString())

    def fill_in(self, widgets: Any) -> None:
        """Add what is pressed or brought to the wish."""

    def note(self, element: Any) -> None:
        """An element that the server draws."""

    async def runs(self) -> AsyncIterator[None]:
        """One item for each run of the whole page that is over; behaves as the browser meanwhile."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async for data in self.socket:
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self.stop()
                self.begin(message.new_session)
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.ticking.append(asyncio.create_task(self.tick(message.auto_rerun)))
            elif kind == "delta":
                self.note(message.delta.new_element)
            elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                yield

    def begin(self, session: Any) -> None:
        """A run of the whole page begins."""

    def rests(self) -> bool:
        """Whether nothing is at work."""
        return not self.ticking

    async def until_all_is_there(self) -> None:
        await self.run()
        async for _ in self.runs():
            if self.rests():
                return

    async def tick(self, wish: Any) -> None:
        while True:
            await asyncio.sleep(wish.interval)
            await self.run(wish.fragment_id)

    def stop(self) -> None:
        for task in self.ticking:
            task.cancel()
        self.ticking.clear()


def serve(counts: Path, port: str) -> None:
    """The app, which counts its computations in a file."""
    from mixer_viz.ui.command import main
    from mixer_viz.ui.compute import jobs

    run, ask = jobs.Job.run, jobs.JobTable.ask
    made, needed, maps = [0], set(), []

    def write() -> None:
        unfinished = counts.with_suffix(f".{os.urandom(4).hex()}")
        unfinished.write_text(json.dumps({"made": made[0], "needed": len(needed), "maps": maps}))
        unfinished.replace(counts)

    def counted(job: Any) -> None:
        made[0] += 1
        run(job)
        write()

    def noted(table: Any, key: Any, *rest: Any, **named: Any) -> Any:
        job = ask(table, key, *rest, **named)
        if key not in needed and key[0] == "attribution":
            job.future.add_done_callback(lambda _: maps.append(time.time()))
        needed.add(key)
        return job

    jobs.Job.run, jobs.JobTable.ask = counted, noted  # type: ignore[method-assign, assignment]
    write()
    main(["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", port])


if __name__ == "__main__":  # as `play` starts it; run.py runs the benchmark
    sys.path.insert(0, str(ROOT))
    serve(Path(sys.argv[1]), sys.argv[2])
