"""Small folders of pictures, and a tiny Mixer as a file, for surveys."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from made_models import random_model
from PIL import Image

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MixerConfig, MlpMixer

NAMES = ("ant", "bee", "cow")


def survey_model(config: MixerConfig, gelu: str = "erf") -> MlpMixer:
    import torch

    config = dataclasses.replace(config, num_classes=3, class_names=NAMES, gelu=gelu)
    return random_model(config, torch.float32)


def write_model(config: MixerConfig, folder: Path) -> Path:
    path = folder / "model.safetensors"
    save_model(survey_model(config), path)
    return path


def write_pictures(folder: Path, count: int, side: int = 8, classes: tuple[str, ...] = NAMES) -> Path:
    """PNG files of noise, in the folders of the classes in turn."""
    generator = np.random.default_rng(5)
    for number in range(count):
        where = folder / classes[number % len(classes)]
        where.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(where / f"{number:05d}.png")
    return folder
