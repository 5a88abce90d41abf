"""Ten visitors who train on "Watch it learn" at once, and what others wait for a page meanwhile.

The real server and its websocket, without browsers, as in `visitors.py`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app_browser import free_port
from timing import summary
from visitors import PICTURES, Page, peak_memory, serving, wait_for, watch_health
from websockets.asyncio.client import ClientConnection, connect

NAME = "learning_visitors"
LEARNERS = 10
SECONDS = 60.0  # of training
PAGE_AT_MOST = 1.0  # seconds that a page of others may take
PAGES = ("overview", "patches", "token_mixing", "activations")
_GAP = 2.0  # seconds between two visits of others


class Visit(Page):
    """One browser tab on any page, which can press buttons."""

    def __init__(self, socket: ClientConnection, page: str, query: str) -> None:
        super().__init__(socket, query)
        self.name, self.finished = "" if page == "overview" else page, asyncio.Event()
        self.pressed = ""  # key of the button that the next wish presses
        self.buttons: dict[str, str] = {}  # what a button's id ends with -> the id
        self.lines: list[str] = []  # what the page said in bold of where the training is

    async def press(self, button: str) -> None:
        """Press the button whose key this is."""
        self.pressed = button
        await self.run()
        self.pressed = ""

    def fill_in(self, widgets: Any) -> None:
        if self.pressed:
            widget = widgets.add()
            widget.id, widget.trigger_value = self.buttons[self.pressed], True

    async def listen(self) -> None:
        """Behave as a browser, until cancelled; `finished` is set whenever a run of the whole page is over."""
        async for _ in self.runs():
            self.finished.set()

    def note(self, element: Any) -> None:
        if element.WhichOneof("type") == "button":
            self.buttons[element.button.id.rsplit("-", 1)[-1]] = element.button.id
        elif element.WhichOneof("type") == "markdown" and ": step " in element.markdown.body:
            self.lines.append(element.markdown.body.strip("*"))


def measure() -> dict[str, Any]:
    """Seconds of others' pages while LEARNERS train, health check, steps that each of them got, the server's memory."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = serving(Path(folder, "counts.json"), port)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            alone, meanwhile, health, steps, speeds = asyncio.run(class_of(port))
            memory = peak_memory(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    return {
        "a page, nobody trains": summary(alone, "s"),
        f"a page, {LEARNERS} train": summary(meanwhile, "s", PAGE_AT_MOST),
        "the slowest of these pages": summary([max(meanwhile)], "s"),
        "health check meanwhile": summary(health, "s"),
        f"steps of each within {SECONDS:.0f} s": sorted(steps),
        "how many of them moved": {"value": sum(step > 0 for step in steps), "unit": ""},
        "steps of all together, per second": {"value": round(sum(steps) / SECONDS, 1), "unit": "/s"},
        "the last lines": speeds,
        "the server's peak memory": {"value": memory, "unit": "MB"},
    }


async def class_of(port: int) -> tuple[list[float], list[float], list[float], list[int], list[str]]:
    for page in PAGES:  # what a server does once
        await visit(port, page, "Gradient from black to white")
    alone = [await visit(port, page, PICTURES[place]) for place, page in enumerate(PAGES)]
    learners = [await begin(port, seed) for seed in range(LEARNERS)]
    try:
        for learner, _ in learners:
            await learner.press("learn_start")
        health: list[float] = []
        watching = asyncio.create_task(watch_health(f"http://127.0.0.1:{port}/_stcore/health", health))
        ends = time.monotonic() + SECONDS
        meanwhile, place = [], 0
        while time.monotonic() < ends:
            place += 1
            meanwhile.append(await visit(port, PAGES[place % len(PAGES)], PICTURES[4 + place % (len(PICTURES) - 4)]))
            await asyncio.sleep(_GAP)
        lines = [learner.lines[-1] for learner, _ in learners]
        watching.cancel()
    finally:
        for learner, listening in learners:
            learner.stop()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await learner.socket.close()
    return alone, meanwhile, health, [step_of(line) for line in lines], lines


async def begin(port: int, seed: int) -> tuple[Visit, asyncio.Task[None]]:
    """A visitor whose network is ready to start."""
    socket = await connect(address(port), subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
    learner = Visit(socket, "learning", f"learn_seed={seed % 5}&learn_steps=8000")
    listening = asyncio.create_task(learner.listen())
    await learner.run()
    while not any("Paused" in line for line in learner.lines[-1:]) or "learn_start" not in learner.buttons:
        await asyncio.sleep(0.1)
    return learner, listening


async def visit(port: int, page: str, picture: str) -> float:
    """Seconds until a page is drawn for a new visitor."""
    began = time.perf_counter()
    async with connect(address(port), subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        guest = Visit(socket, page, f"image={quote(picture)}")
        listening = asyncio.create_task(guest.listen())
        await guest.run()
        await asyncio.wait_for(guest.finished.wait(), 300)
        seconds = time.perf_counter() - began
        guest.stop()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    return seconds


def address(port: int) -> str:
    return f"ws://127.0.0.1:{port}/_stcore/stream"


def step_of(line: str) -> int:
    return int(line.split(": step ")[1].split(" of")[0].replace(",", ""))
