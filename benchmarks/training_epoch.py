"""Where an epoch's time goes: batches made in memory beside image by image, and the share outside of the network.

The images are made here, 32 x 32 as CIFAR-10's; what they show does not matter for the time.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timing import alternate, ratios, summary
from torch.utils.data import DataLoader

from mixer_viz.training.data.augment import train_transform
from mixer_viz.training.data.labelled import ImageData, ImageDataset, LabelledFiles
from mixer_viz.training.data.loaders import open_loaders
from mixer_viz.training.loop import Trainer
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import RunFolder

NAME = "training_epoch"
IMAGES = 4096
ROUNDS = 5
OUTSIDE_AT_MOST = 10.0  # percent of an epoch
RECIPE = Recipe(epochs=2, batch_size=256, precision="bf16", validation_share=0.0)


def measure() -> dict[str, Any]:
    """Milliseconds per 1000 images of both ways, their ratio, and one epoch of the bundled model's size."""
    data = made_data()
    alone = Processes(0, 1, torch.device("cpu"))
    loaders = open_loaders(data, RECIPE, alone, 0, quiet=True)
    dataset = ImageDataset(data.train, RECIPE.image_size, torch.nn.Identity(), "", quiet=True)
    dataset.transform = train_transform(RECIPE, dataset.native_size)
    one_by_one = DataLoader(dataset, RECIPE.batch_size, drop_last=True)
    seconds = alternate({"memory": lambda: _draw(loaders.train), "images": lambda: _draw(one_by_one)}, ROUNDS, 1)
    per_thousand = {name: [1e6 * value / IMAGES for value in values] for name, values in seconds.items()}
    return {
        "batches in memory, 1000 images": summary(per_thousand["memory"], "ms"),
        "image by image, 1000 images": summary(per_thousand["images"], "ms"),
        "in memory / image by image": summary(ratios(seconds["memory"], seconds["images"]), "x"),
        **_epoch(data, alone),
    }


def _epoch(data: ImageData, alone: Processes) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        held_out = dataclasses.replace(data, validation=data.test)
        Trainer(RECIPE, held_out, RunFolder(Path(folder)), alone, 0, quiet=True).run()
        lines = (Path(folder) / "log.csv").read_text().splitlines()
    last = dict(zip(lines[0].split(","), map(float, lines[-1].split(",")), strict=True))
    outside = 100 * last["outside_share"]
    return {
        "an epoch's share outside of forward, backward and step": {
            "value": outside,
            "unit": "%",
            "at_most": OUTSIDE_AT_MOST,
            "met": outside <= OUTSIDE_AT_MOST,
        },
        "training images/s, not compiled": {"value": last["images_per_second"], "unit": "images/s"},
    }


def made_data() -> ImageData:
    """Random pictures of ten classes: 4096 for training, 205 (a twentieth) for measuring."""
    random = np.random.default_rng(0)

    def part(count: int) -> LabelledFiles:
        pixels = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        return LabelledFiles([Image.fromarray(array) for array in pixels], [index % 10 for index in range(count)])

    return ImageData(part(IMAGES), part(IMAGES // 20), tuple("abcdefghij"))


def _draw(batches: Iterable[Any]) -> None:
    """One epoch's batches; 4096 images fill sixteen of them."""
    for _ in batches:
        pass
