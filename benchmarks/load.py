"""A class that looks around for ten minutes: pages in turns, different pictures, some uploads, one training.

The real server and its websocket, without browsers, as in `visitors`. MIXER_VIZ_LOAD_VISITORS and
MIXER_VIZ_LOAD_SECONDS change how many and how long.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import subprocess
import sys
import time
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from app_browser import ROOT, free_port
from PIL import Image
from visitors import PICTURES, Page, peak_memory, wait_for
from websockets.asyncio.client import connect

NAME = "load"
PAGES = ("", "patches", "token_mixing", "activations", "attribution", "compared")  # in turns
TRAINING = "learning"
AT_MOST = 1.5  # seconds, 95 of 100 changes, on two cores
GROWTH_AT_MOST = 100.0  # MB after the first minutes
THINK = (2.0, 8.0)  # seconds that a visitor looks at what is there
UPLOAD_EVERY = 5  # visits, of each visitor
SETTLED = 0.3  # share of the time after which memory is to be flat
GIVE_UP = 120.0


class Tour(Page):
    """One visitor's tab, who goes from page to page; notes the widgets that are there, and what went wrong."""

    def __init__(self, socket: Any, query: str, session: dict[str, str]) -> None:
        super().__init__(socket, query)
        self.session, self.name, self.errors = session, "", 0
        self.widgets: dict[str, str] = {}  # label of a button or an upload field -> its id
        self.states: dict[str, Any] = {}  # what is sent of them

    def fill_in(self, widgets: Any) -> None:
        for name, value in self.states.items():
            widget = widgets.add()
            widget.id = name
            if value is True:
                widget.trigger_value = True
            else:
                info = widget.file_uploader_state_value.uploaded_file_info.add()
                info.file_id, info.name, info.size = value["id"], "picture.png", value["size"]
                info.file_urls.file_id, info.file_urls.upload_url = value["id"], value["url"]

    def begin(self, session: Any) -> None:
        self.session["id"] = session.initialize.session_id or self.session.get("id", "")

    def rests(self) -> bool:
        """Whether nothing is at work; a training's page always looks again."""
        return not self.ticking or self.name == TRAINING

    def note(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind in ("button", "file_uploader"):
            widget = getattr(element, kind)
            self.widgets[widget.label] = widget.id
        elif kind == "exception" or (kind == "alert" and "went wrong" in element.alert.body):
            self.errors += 1

    async def go(self, name: str) -> float:
        """Another page; seconds until all of it is there."""
        self.name, self.page = name, ""
        return await self.change()

    async def change(self) -> float:
        began = time.perf_counter()
        await asyncio.wait_for(self.until_all_is_there(), GIVE_UP)
        self.states = {name: value for name, value in self.states.items() if value is not True}
        return time.perf_counter() - began

    async def press(self, label: str) -> float:
        self.states[self.widgets[label]] = True
        return await self.change()

    async def bring(self, address: str, data: bytes) -> float:
        """Upload a picture the way the browser does, and wait until the page shows it."""
        name = uuid.uuid4().hex
        url = f"/_stcore/upload_file/{self.session['id']}/{name}"
        await asyncio.to_thread(put_file, address, url, data)
        self.states[self.widgets["Picture file"]] = {"id": name, "size": len(data), "url": url}
        return await self.change()


def put_file(address: str, url: str, data: bytes) -> None:
    border, token = uuid.uuid4().hex, xsrf_token(address)
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="picture.png"\r\n'
    body = head.encode() + b"Content-Type: image/png\r\n\r\n" + data + f"\r\n--{border}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={border}",
        "X-Xsrftoken": token,
        "Cookie": f"_streamlit_xsrf={token}",
    }
    urllib.request.urlopen(urllib.request.Request(address + url, body, headers, method="PUT"), timeout=60).close()


def xsrf_token(address: str) -> str:
    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=60) as answer:
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            if name == "_streamlit_xsrf":
                return str(value.strip('"'))
    return ""


def noise(seed: int) -> bytes:
    """A picture of 0.8 MB that nobody has brought before."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def measure() -> dict[str, Any]:
    """Seconds of each change, errors, and the server's memory every second."""
    visitors = int(os.environ.get("MIXER_VIZ_LOAD_VISITORS", "30"))
    seconds = float(os.environ.get("MIXER_VIZ_LOAD_SECONDS", "600"))
    port = free_port()
    command = [sys.executable, "-m", "mixer_viz", "--server.headless", "true", "--server.address", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        started = memory_now(process.pid)
        first, memory, found = asyncio.run(play_class(port, visitors, seconds, process.pid))
        peak = peak_memory(process.pid)
    finally:
        process.terminate()
        process.wait(30)
    return report(visitors, seconds, first, found, [started, *memory], peak)


def report(
    visitors: int, seconds: float, first: float, found: Found, memory: list[float], peak: float
) -> dict[str, Any]:
    flat = memory[int(SETTLED * len(memory)) :] or memory
    edge = max(1, len(flat) // 10)
    growth = float(np.mean(flat[-edge:]) - np.mean(flat[:edge]))
    slow = float(np.percentile(found.seconds, 95))
    name = f"{visitors} visitors, {seconds:.0f} s"
    return {
        "first page after the start": {"value": first, "unit": "s"},
        f"{name}, changes": {"value": len(found.seconds), "unit": ""},
        f"{name}, a change, median": {"value": float(np.median(found.seconds)), "unit": "s"},
        f"{name}, a change, 95 of 100": {"value": slow, "unit": "s", "at_most": AT_MOST, "met": slow <= AT_MOST},
        f"{name}, uploads": {"value": found.uploads, "unit": ""},
        f"{name}, errors": {"value": found.errors, "unit": "", "at_most": 0, "met": not found.errors},
        f"{name}, memory at the start": {"value": memory[0], "unit": "MB"},
        f"{name}, memory at the end": {"value": memory[-1], "unit": "MB"},
        f"{name}, memory at most": {"value": peak, "unit": "MB"},
        f"{name}, growth after the first minutes": {
            "value": growth,
            "unit": "MB",
            "at_most": GROWTH_AT_MOST,
            "met": growth <= GROWTH_AT_MOST,
        },
        f"{name}, memory every second, MB": [round(each) for each in memory],
    }


class Found:
    """What all visitors have measured."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.errors = self.uploads = 0


async def play_class(port: int, visitors: int, seconds: float, pid: int) -> tuple[float, list[float], Found]:
    found, memory = Found(), list[float]()
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        first = await Tour(socket, "", {}).go("")
    watching = asyncio.create_task(watch_memory(pid, memory))
    ends = time.monotonic() + seconds
    await asyncio.gather(train(port, ends, found), *(look(each, port, ends, found) for each in range(visitors - 1)))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return first, memory, found


async def look(number: int, port: int, ends: float, found: Found) -> None:
    """Visits of one person, each with another picture and all pages in turns."""
    dice, visit = random.Random(number), 0
    await asyncio.sleep(dice.uniform(0, THINK[1]))  # nobody comes at the same moment
    while time.monotonic() < ends:
        visit += 1
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        query = f"image={quote(dice.choice(PICTURES))}&token={dice.randrange(64)}"
        try:
            async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
                tour = Tour(socket, query, {})
                for name in PAGES:
                    found.seconds.append(await tour.go(name))
                    if not name and visit % UPLOAD_EVERY == number % UPLOAD_EVERY:
                        http = f"http://127.0.0.1:{port}"
                        found.seconds.append(await tour.bring(http, noise(1000 * number + visit)))
                        found.uploads += 1
                    if time.monotonic() > ends:
                        break
                    await asyncio.sleep(dice.uniform(*THINK))
                tour.stop()
                found.errors += tour.errors
        except (OSError, TimeoutError, KeyError):
            found.errors += 1


async def train(port: int, ends: float, found: Found) -> None:
    """One visitor's training, from the beginning to the end of it all."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        tour = Tour(socket, "", {})
        await tour.go(TRAINING)
        await tour.press("Start")
        with suppress(TimeoutError):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + ends - time.monotonic()):
                async for _ in socket:
                    pass
        tour.stop()
        found.errors += tour.errors


async def watch_memory(pid: int, found: list[float]) -> None:
    while True:
        found.append(memory_now(pid))
        await asyncio.sleep(1)


def memory_now(pid: int) -> float:
    """MB; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000
    return 0.0
