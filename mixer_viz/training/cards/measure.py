"""What a card says of a weight file and can be measured again: accuracy on a test part, structure of token mixing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.images import crop_image, normalise, open_image
from mixer_viz.model import MixerConfig, MlpMixer

_BATCH = 500


def structure_figures(model: MlpMixer) -> dict[str, Any]:
    """`analysis.token_mixing.structure.structure_of` as the card holds it: numbers, and one list entry per block."""
    structure = structure_of(model)
    names = ("frequency_ratio", "mean_frequency", "white_noise", "opposed_share", "paired_share")
    lists = ("block_frequency", "block_opposed_share", "block_paired_share", "distinct_units")
    return {name: getattr(structure, name) for name in names} | {
        name: getattr(structure, name).tolist() for name in lists
    }


def check_classes(config: MixerConfig, folder: Path) -> tuple[str, ...]:
    """The class folders of `folder` in the model's order; raises ValueError when they are not the model's classes."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}; it has to hold the test images, one folder for each class.")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if config.class_names is None or names != sorted(config.class_names):
        raise ValueError(f"The class folders of {folder} are {names}, but the model has {config.class_names}.")
    return config.class_names


@torch.no_grad()
def count_correct(model: MlpMixer, folder: Path) -> tuple[int, int]:
    """Right answers and images in `folder/<class>/*`, in float32, each picture prepared as the app does it.

    Raises ValueError when the class folders are not the model's classes.
    """
    names = check_classes(model.config, folder)
    correct = count = 0
    for paths in _batches(sorted(path for name in names for path in (folder / name).iterdir() if path.is_file())):
        labels = torch.tensor([names.index(path.parent.name) for path in paths])
        correct += int((model(_read(paths, model.config)).argmax(dim=1) == labels).sum())
        count += len(paths)
    if not count:
        raise ValueError(f"There are no images in {folder}.")
    return correct, count


def _batches(paths: list[Path]) -> Iterator[list[Path]]:
    for start in range(0, len(paths), _BATCH):
        yield paths[start : start + _BATCH]


def _read(paths: list[Path], config: MixerConfig) -> torch.Tensor:  # (N, 3, H, W), normalised
    return normalise(np.stack([np.asarray(crop_image(open_image(path), config)) for path in paths]), config)
