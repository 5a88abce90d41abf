"""Images/s of a survey's pass over pictures that are in memory, beside the plain forward pass of the same network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from timing import alternate, ratios, summary

import mixer_viz as mv
from mixer_viz.analysis.chunks import chunk_for
from mixer_viz.model import PRESETS, MlpMixer
from mixer_viz.survey.passes import chunk_values
from mixer_viz.survey.statistics import Accumulator, Plan, empty_state

NAME = "survey"
MOST = 1.5  # times the plain pass
IMAGES, ROUNDS = 256, 7


def measure() -> dict[str, Any]:
    """Each network on its usual device, in the chunks that a survey takes."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    results: dict[str, Any] = {}
    bundled = [info.name for info in mv.available_models() if info.source == "bundled"]
    for name in bundled:
        results |= _compared(name, mv.load_model(name, device=device), IMAGES)
    torch.manual_seed(0)
    large = MlpMixer(PRESETS["B/16"]).eval().requires_grad_(False).to(device)
    return results | _compared("B/16", large, IMAGES if device == "cuda" else 8)


def _compared(name: str, model: MlpMixer, images: int) -> dict[str, Any]:
    config, device = model.config, model.stem.weight.device
    chunk = chunk_for(config, device, with_gradient=False)
    pixels = torch.randn((images, 3, *config.image_shape), device=device)
    labels = np.arange(images, dtype=np.int64) % config.num_classes
    plan = Plan(config, labels, np.arange(0, images, 8, dtype=np.int64))
    accumulator = Accumulator(plan, empty_state(plan), device)

    @torch.inference_mode()
    def plain() -> float:
        return sum(float(model(part).sum()) for part in pixels.split(chunk))

    def surveyed() -> float:
        for start in range(0, images, chunk):
            numbers = np.arange(start, min(start + chunk, images))
            accumulator.add(numbers, chunk_values(model, pixels[start : start + chunk]))
        return float(accumulator.state()["count"][0])

    seconds = alternate({"plain": plain, "survey": surveyed}, ROUNDS)
    return {
        f"{name}: plain forward pass": summary([images / each for each in seconds["plain"]], "images/s"),
        f"{name}: survey": summary([images / each for each in seconds["survey"]], "images/s"),
        f"{name}: survey / plain": summary(ratios(seconds["survey"], seconds["plain"]), "times", at_most=MOST),
    }
