"""Measuring speeds beside the page, as jobs."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from torch import nn

from mixer_viz.analysis.chunks import Cancelled, Precision, Progress
from mixer_viz.analysis.comparison.published import IMAGE_SIZE, PUBLISHED
from mixer_viz.analysis.comparison.throughput import MixerSpeeds, Throughput, measure_mixers, measure_throughput
from mixer_viz.checkpoints import choose_device
from mixer_viz.language import mark
from mixer_viz.ui.comparison import results
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import gate_of
from mixer_viz.ui.compute.jobs import Job, Key, job_table
from mixer_viz.ui.compute.visitors import visitor_name

GRIDS = (4, 6, 8, 12, 16, 24, 32, 48)
_MEASURED_GRIDS = (4, 8, 16, 24, 32)  # attention on 48 x 48 patches would take most of the time
PARTS = {
    "networks": mark("Measuring the networks"),
    "published": mark("Measuring published networks"),
    "mixers": mark("Measuring token mixers alone"),
}
_LARGE_ROUNDS = 3  # of the published networks, which take 100 times as long


@dataclasses.dataclass(frozen=True)
class SpeedKeys:
    """One press of the button."""

    batch: int
    precision: str
    pressed: float  # when, in seconds: each press of any visitor measures anew

    @property
    def keys(self) -> list[Key]:
        """Under which its jobs are found."""
        return [(part, *dataclasses.astuple(self)) for part in PARTS]


@dataclasses.dataclass(frozen=True)
class Speeds:
    """What is measured by now."""

    throughput: Throughput | None
    published: Throughput | None
    mixers: MixerSpeeds | None

    def or_else(self, other: Speeds) -> Speeds:
        """Each part from here where it is measured, else from the other."""
        mine, others = vars(self), vars(other)
        return Speeds(**{part: mine[part] or others[part] for part in mine})


NOTHING = Speeds(None, None, None)


def start(asked: SpeedKeys) -> dict[Key, Job[Any]]:
    """The jobs of one press that are done, and the one that is at work; the next one starts at the next call."""
    device = choose_device("auto")
    precision = cast(Precision, asked.precision)

    def networks(progress: Progress, cancelled: Cancelled) -> Throughput:
        rivals = {each.title: each.network for each in results.networks()}
        size = next(iter(rivals.values())).config.image_size
        return measure_throughput(
            rivals, (3, size, size), batch=asked.batch, precision=precision, progress=progress, cancelled=cancelled
        )

    def published(progress: Progress, cancelled: Cancelled) -> Throughput:
        return measure_throughput(
            _published(str(device)),
            (3, IMAGE_SIZE, IMAGE_SIZE),
            batch=asked.batch if device.type == "cuda" else 1,  # 64 of ViT-B/16 would take a CPU minutes
            precision=precision,
            rounds=_LARGE_ROUNDS,
            progress=progress,
            cancelled=cancelled,
        )

    def mixers(progress: Progress, cancelled: Cancelled) -> MixerSpeeds:
        config = results.networks()[0].network.metaformer_config
        return measure_mixers(
            config, _MEASURED_GRIDS, device, precision=precision, progress=progress, cancelled=cancelled
        )

    jobs: dict[Key, Job[Any]] = {}
    for key, work in zip(asked.keys, (networks, published, mixers), strict=True):
        jobs[key] = job_table().ask(key, work, gate_of(device), visitor_name())
        if not jobs[key].future.done():
            break  # one after the other: beside each other they would slow each other down
    return jobs


def measured(asked: SpeedKeys) -> Speeds:
    """What the jobs have found by now."""
    return Speeds(*(job_table().result(key) for key in asked.keys))


@kept("single")
def _published(device: str) -> dict[str, nn.Module]:
    """The published architectures with random weights, 0.7 GB in all."""
    return {name: build().eval().to(device) for (name, _), build in PUBLISHED.items()}
