"""What Prometheus reads of this server: counted where it happens, and looked up when somebody asks.

No label holds what a visitor chose, typed or brought: pages, kinds of requests and of results are all there is.
"""

from __future__ import annotations

import collections
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily

from mixer_viz.language import noted
from mixer_viz.ui.serving.settings import PREFIX, SettingError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "mixer_explorer_requests", "Requests, by what was asked for and the answer.", ["kind", "status"], registry=REGISTRY
)
PAGES = Histogram("mixer_explorer_page_seconds", "Runs of a whole page.", ["page"], buckets=_SECONDS, registry=REGISTRY)
GATE_WAIT = Histogram(
    "mixer_explorer_gate_wait_seconds",
    "How long a computation waited for its place on the device; those that found it free count as 0.",
    ["kind"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
GATE_WAITING = Gauge("mixer_explorer_gate_waiting", "Computations that wait for the device now.", registry=REGISTRY)
JOBS = Counter("mixer_explorer_jobs", "Computations beside the pages that have ended.", ["end"], registry=REGISTRY)
# From a path's end, as a base path may stand before it. The first that fits counts.
_KINDS = (
    ("websocket", r"/_stcore/stream$"),
    ("health", r"/_stcore/(script-)?health(-check)?$"),
    ("upload", r"/_stcore/upload_file/"),
    ("server", r"/_stcore/"),
    ("picture", r"/(media|component|_stcore/bidi-components)/"),
    ("static", r"/static/|\.[a-z0-9]{2,5}$"),
)


def kind_of(path: str) -> str:
    """What was asked for, one of a few words; "page" for everything else."""
    return next((kind for kind, pattern in _KINDS if re.search(pattern, path)), "page")


class CountedRequests:
    """Counts what the server is asked: its place is outside of every other middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(kind_of(scope["path"]), str(message["status"])).inc()
            elif message["type"] == "websocket.accept":
                REQUESTS.labels("websocket", "101").inc()
            await send(message)

        await self.app(scope, receive, send_and_count)


@contextmanager
def waited(long: bool) -> Iterator[None]:
    """Count the time inside as waiting for the device."""
    began = time.monotonic()
    with GATE_WAITING.track_inprogress():
        yield
    GATE_WAIT.labels("long" if long else "short").observe(time.monotonic() - began)


class LookedUp:
    """Figures that are there already, looked up at each reading: caches, jobs, visitors, memory."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from streamlit import runtime

        if not runtime.exists():
            return
        yield from self._caches()
        yield from self._work()
        yield from self._device()

    def _caches(self) -> Iterator[GaugeMetricFamily]:
        from mixer_viz.ui.compute.caching import all_kept

        entries: collections.Counter[str] = collections.Counter()
        sizes: collections.Counter[str] = collections.Counter()
        for each in all_kept():
            number, size = each.held()
            entries[each.bound] += number
            sizes[each.bound] += size
        yield _family("cache_entries", "Results that are kept.", "kind", entries)
        yield _family("cache_bytes", "Arrays, tensors and texts of the results that are kept.", "kind", sizes)

    def _work(self) -> Iterator[GaugeMetricFamily]:
        from mixer_viz.ui.compute.jobs import job_table
        from mixer_viz.ui.compute.uploads import upload_room
        from mixer_viz.ui.compute.visitors import number_connected
        from mixer_viz.ui.learning.table import live_table

        jobs = job_table()
        yield _family("jobs_now", "Computations beside the pages, by how far they are.", "state", jobs.states())
        yield _family("job_result_bytes", "Results of these.", "", {"": jobs.result_bytes})
        yield _family("trainings", "Trainings of visitors that run now.", "", {"": live_table().running})
        yield _family("visitors", "Browser tabs that are connected.", "", {"": number_connected()})
        yield _family("upload_bytes", "What connected visitors have brought.", "", {"": upload_room().held})

    def _device(self) -> Iterator[GaugeMetricFamily]:
        import torch

        if torch.cuda.is_available():
            sizes = {"allocated": torch.cuda.memory_allocated(), "reserved": torch.cuda.memory_reserved()}
            yield _family("gpu_bytes", "GPU memory of this process.", "kind", sizes)


def _family(name: str, help_text: str, label: str, values: collections.abc.Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"mixer_explorer_{name}", help_text, labels=[label] if label else [])
    for key, value in values.items():
        family.add_metric([key] if label else [], value)
    return family


REGISTRY.register(LookedUp())
ProcessCollector(registry=REGISTRY)  # process_resident_memory_bytes and the like, on Linux
GCCollector(registry=REGISTRY)


def serve_metrics(address: tuple[str, int]) -> Callable[[], None]:
    """Answer Prometheus at this host and port, in a thread; returns what ends it.

    Raises SettingError where the address cannot be had.
    """
    host, port = address
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except (OSError, OverflowError) as exc:
        reason = getattr(exc, "strerror", None) or type(exc).__name__
        raise SettingError(
            noted(
                "{prefix}METRICS: nothing can listen at {host}:{port} ({reason}).",
                prefix=PREFIX,
                host=host,
                port=port,
                reason=reason,
            )
        ) from exc

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
