"""Published networks beside ours: three architectures, counted without weights, and what the paper reports."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mixer_viz.language import mark

IMAGE_SIZE = 224  # at which all three were published, with 1 000 classes


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Size and work of one published architecture, its classifier included."""

    name: str
    library: str
    image_size: int
    parameters: int
    multiply_adds: int  # per image, of the matrix products and convolutions


@dataclasses.dataclass(frozen=True)
class ReportedRow:
    """One row of a table of Tolstikhin et al. 2021 (arXiv 2105.01601): reported there, measured by nobody here."""

    model: str
    pretraining: str
    top1: float  # percent, ImageNet validation images
    images_per_second_per_core: int  # inference, TPU-v3
    image_size: str
    source: str


def _published_vit() -> nn.Module:
    import torchvision  # takes seconds to import, and most of the project does without

    network: nn.Module = torchvision.models.vit_b_16(weights=None)
    return network


def _published_resnet() -> nn.Module:
    import torchvision

    network: nn.Module = torchvision.models.resnet50(weights=None)
    return network


def _published_mixer() -> nn.Module:
    import timm

    return timm.create_model("mixer_b16_224", pretrained=False)


# Name, library -> the network with random weights; built under `torch.device("meta")` it takes neither time nor memory.
PUBLISHED: Mapping[tuple[str, str], Callable[[], nn.Module]] = {
    ("ViT-B/16", "torchvision"): _published_vit,
    ("ResNet-50", "torchvision"): _published_resnet,
    ("Mixer-B/16", "timm"): _published_mixer,
}


class _OperationCounter(FlopCounterMode):
    """Counts what this thread runs, and leaves the modules of other threads alone.

    torch's own also tells the modules apart, by hooks on every module of the process: while it counts, a gradient that
    another visitor's computation takes fails (torch 2.14, torch/utils/module_tracker.py).
    """

    def __init__(self) -> None:
        super().__init__(display=False)
        self.mod_tracker = _NoModules()  # type: ignore[assignment]


class _NoModules(contextlib.AbstractContextManager["_NoModules"]):
    """In the place of torch's ModuleTracker: everything is counted for the whole network."""

    parents = frozenset({"Global"})

    def __exit__(self, *_: object) -> None:
        return None


def published_architectures() -> tuple[Architecture, ...]:
    """Parameters and multiply-adds of every network of PUBLISHED, counted by torch on the operations that it runs."""
    rows = []
    for (name, library), build in PUBLISHED.items():
        with torch.device("meta"):
            network, pixels = build().eval(), torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE)
        counter = _OperationCounter()
        with torch.no_grad(), counter:
            network(pixels)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        rows.append(Architecture(name, library, IMAGE_SIZE, parameters, counter.get_total_flops() // 2))
    return tuple(rows)


def _fine_tuned(model: str, pretraining: str, top1: float, speed: int) -> ReportedRow:
    return ReportedRow(model, pretraining, top1, speed, mark("448 px or more"), "Tolstikhin et al. 2021, Table 2")


def _from_scratch(model: str, top1: float, speed: int) -> ReportedRow:
    return ReportedRow(model, "ImageNet", top1, speed, "224 px", "Tolstikhin et al. 2021, Table 3")


REPORTED: tuple[ReportedRow, ...] = (
    _fine_tuned("Mixer-L/16", "ImageNet-21k", 84.15, 105),
    _fine_tuned("ViT-L/16", "ImageNet-21k", 85.30, 32),
    _fine_tuned("BiT-R152x4", "ImageNet-21k", 85.39, 26),
    _fine_tuned("Mixer-H/14", "JFT-300M", 87.94, 40),
    _fine_tuned("BiT-R152x4", "JFT-300M", 87.54, 26),
    _fine_tuned("ViT-H/14", "JFT-300M", 88.55, 15),
    _from_scratch("Mixer-B/16", 76.44, 1384),
    _from_scratch("ViT-B/16", 79.67, 861),
    _from_scratch("Mixer-L/16", 71.76, 419),
    _from_scratch("ViT-L/16", 76.11, 280),
)
