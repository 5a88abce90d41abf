"""Memory of one trace, and of the caches behind the activations page after many different images."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixer_viz.model import PRESETS, MlpMixer, trace

NAME = "trace_memory"
ROOT = Path(__file__).parents[1]
SIZES = ("small/4", "B/16")
IMAGES = 50
CHECKPOINTS = (3, 10, 30, IMAGES)  # images after which memory is read


def measure() -> dict[str, Any]:
    """Megabytes; each size in a process of its own, so that one does not hide what the other has left behind."""
    results: dict[str, Any] = {}
    for size in SIZES:
        command = [sys.executable, str(Path(__file__)), size]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        text = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        results |= {f"{size}: {name}": value for name, value in json.loads(text).items()}
    return results


def in_this_process(size: str) -> dict[str, Any]:
    """One trace, then what the page keeps of each of many images."""
    from mixer_viz.ui.activations import results as activation_results
    from mixer_viz.ui.choices import Choice, ChosenModel, Picture
    from mixer_viz.ui.overview import overview_of

    torch.manual_seed(0)
    config = PRESETS[size]
    model = MlpMixer(config).eval().requires_grad_(False)
    chosen = ChosenModel(f"random {size}", size, model)
    one = trace(model, torch.zeros(1, 3, config.image_size, config.image_size))
    results: dict[str, Any] = {"one trace": {"value": one.num_bytes() / 1e6, "unit": "MB"}}
    del one
    start = resident_megabytes()
    for index in range(1, IMAGES + 1):
        choice = Choice(chosen, Picture.from_upload(f"{index}.png", made_picture(index)))
        overview_of(choice)
        activation_results.logit_lens_of(choice)
        activation_results.patch_logits_of(choice, 0)
        activation_results.logit_attribution_of(choice, 0)
        activation_results.cka_of(choice, choice)
        if index in CHECKPOINTS:
            grown = {"value": resident_megabytes() - start, "unit": "MB"}
            results[f"caches and heap after {index} images"] = grown
    return results


def made_picture(seed: int) -> bytes:
    """A PNG of noise that no other seed has."""
    from mixer_viz.figures.grid import to_png

    return to_png(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def resident_megabytes() -> float:
    """Memory that this process holds now; Linux alone says it there."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # Streamlit's caches say that no app is running around them
    print(json.dumps(in_this_process(sys.argv[1])))
