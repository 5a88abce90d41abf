"""How fast the watched trainings learn: accuracy after some seconds of computing, for each preset and token mixer.

A ratio against a peer has no sense here; the figures are accuracies, and the seconds to 90 % for the first preset,
which the page promises within a minute on two cores.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from mixer_viz.analysis.comparison.timing import processor_name
from mixer_viz.checkpoints import choose_device
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.live.presets import PRESETS, recipe_with
from mixer_viz.training.live.session import LiveTraining
from mixer_viz.training.recipe import Recipe

NAME = "live_training"
SECONDS = (5, 10, 20, 40)
WANTED = 0.9
WITHIN_SECONDS = 60
_STEPS = 10  # between two looks at the clock


def measure() -> dict[str, Any]:
    """Test accuracies in percent after SECONDS of computing, measuring not counted."""
    results: dict[str, Any] = {"processor": processor_name()}
    for preset in PRESETS.values():
        accuracies, reached = learn(preset.recipe, preset.task)
        results[f"{preset.name}: accuracy after {SECONDS} s"] = accuracies
        if preset.name == "shapes":
            met = reached is not None and reached <= WITHIN_SECONDS
            results["shapes: seconds to 90 %"] = {
                "value": float("inf") if reached is None else reached,
                "unit": "s",
                "at_most": WITHIN_SECONDS,
                "met": met,
            }
    for task in DRAWN_TASKS:
        for name in TOKEN_MIXERS:
            accuracies, _ = learn(recipe_with(token_mixer=name, epochs=80), task, SECONDS[:3])
            results[f"{task}, {name}: accuracy after {SECONDS[:3]} s"] = accuracies
    return results


def learn(recipe: Recipe, task: str, moments: tuple[int, ...] = SECONDS) -> tuple[list[float], float | None]:
    """Accuracy (percent) at each of `moments`, and the seconds after which it was WANTED first, None for never."""
    training = LiveTraining(recipe, DRAWN_TASKS[task], choose_device("auto"))
    spent, reached = 0.0, None
    accuracies: list[float] = []
    while len(accuracies) < len(moments):
        began = time.perf_counter()
        try:
            training.advance(_STEPS)
        except ValueError:  # it diverged, as one preset is meant to
            return [*accuracies, *[float("nan")] * (len(moments) - len(accuracies))], None
        if training.device.type == "cuda":
            torch.cuda.synchronize()
        spent += time.perf_counter() - began
        due = spent >= moments[len(accuracies)]
        if due or reached is None:
            _, accuracy = training.measure(None if due else 400)
            if accuracy >= WANTED and reached is None:
                reached = round(spent, 1)
            if due:
                accuracies.append(round(100 * accuracy, 1))
    return accuracies, reached
