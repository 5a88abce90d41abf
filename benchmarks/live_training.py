"""How fast the watched trainings learn: accuracy after some seconds of computing, for each preset and token mixer.

A ratio against a peer has no sense here; the figures are accuracies, and the seconds to 90 % for the first preset,
which the page promises within a minute on two cores. Seconds are those of the processor, of all threads together, so
that a busy computer gives the same figures; on a GPU they are those of the clock.

    python benchmarks/run.py --only live_training --json out.json
    python benchmarks/live_training.py out.json live_training.svg

The second command draws the curves and prints their table in Markdown.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the second command

import numpy as np
import torch
from matplotlib.figure import Figure

from mixer_viz.analysis.comparison.timing import processor_name
from mixer_viz.checkpoints import choose_device
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.live.presets import PRESETS, recipe_with
from mixer_viz.training.live.session import LiveTraining
from mixer_viz.training.recipe import Recipe

NAME = "live_training"
SECONDS = (5, 10, 20, 40)
CURVE_SECONDS = (1, 2, 5, 10, 20)
WANTED = 0.9
WITHIN_SECONDS = 60
_STEPS = 10  # between two looks at the clock


def measure() -> dict[str, Any]:
    """Test accuracies in percent after SECONDS of computing, measuring not counted."""
    results: dict[str, Any] = {"processor": processor_name()}
    for preset in PRESETS.values():
        accuracies, reached = learn(preset.recipe, preset.task, until_wanted=preset.name == "shapes")
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
            accuracies, _ = learn(recipe_with(token_mixer=name, epochs=80), task, CURVE_SECONDS)
            results[f"{task}, {name}: accuracy after {CURVE_SECONDS} s"] = accuracies
    return results


def learn(
    recipe: Recipe, task: str, moments: tuple[int, ...] = SECONDS, until_wanted: bool = False
) -> tuple[list[float], float | None]:
    """Accuracy (percent) at each of `moments`, and the seconds after which it was WANTED first, None for never.

    It is looked for WANTED between the moments as well where `until_wanted` says so.
    """
    training = LiveTraining(recipe, DRAWN_TASKS[task], choose_device("auto"))
    clock = time.perf_counter if training.device.type == "cuda" else time.process_time
    spent, reached = 0.0, None
    accuracies: list[float] = []
    while len(accuracies) < len(moments):
        began = clock()
        try:
            training.advance(_STEPS)
        except ValueError:  # it diverged, as one preset is meant to
            return [*accuracies, *[float("nan")] * (len(moments) - len(accuracies))], None
        if training.device.type == "cuda":
            torch.cuda.synchronize()
        spent += clock() - began
        due = spent >= moments[len(accuracies)]
        if due or (until_wanted and reached is None):
            _, accuracy = training.measure(None if due else 400)
            if accuracy >= WANTED and reached is None:
                reached = round(spent, 1)
            if due:
                accuracies.append(round(100 * accuracy, 1))
    return accuracies, reached


def curves_of(report: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Task -> token mixer -> accuracies at CURVE_SECONDS, in percent, from the runner's JSON."""
    results = report["benchmarks"][NAME]
    ending = f": accuracy after {CURVE_SECONDS} s"
    return {task: {name: results[f"{task}, {name}{ending}"] for name in TOKEN_MIXERS} for task in DRAWN_TASKS}


def draw(curves: dict[str, dict[str, list[float]]]) -> Figure:
    """A panel for each task, a line for each token mixer."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    styles = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
    for axes, (task, mixers) in zip(figure.subplots(1, len(curves), sharey=True), curves.items(), strict=True):
        for (name, accuracies), style in zip(mixers.items(), styles, strict=True):
            axes.plot(CURVE_SECONDS, accuracies, marker="o", markersize=3, linestyle=style, label=name)
        axes.axhline(100 * DRAWN_TASKS[task].chance, color="0.5", linewidth=0.8)
        axes.set(title=task, xscale="log", xlabel="seconds of computing", ylim=(0, 102))
        axes.set_xticks(CURVE_SECONDS, [str(seconds) for seconds in CURVE_SECONDS])
        axes.minorticks_off()
    figure.axes[0].set_ylabel("test accuracy, %")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(TOKEN_MIXERS))
    return figure


def table(curves: dict[str, dict[str, list[float]]]) -> list[str]:
    """Accuracy after the first and the last of a few seconds, as Markdown."""
    shown = [CURVE_SECONDS.index(seconds) for seconds in (2, 5, 20)]
    heads = [f"{task} ({100 * DRAWN_TASKS[task].chance:.0f} %)" for task in curves]
    lines = [f"| token mixer | {' | '.join(heads)} |", f"|--|{'--|' * len(heads)}"]
    for name in TOKEN_MIXERS:
        cells = [
            " / ".join("–" if np.isnan(curves[task][name][at]) else f"{curves[task][name][at]:.0f}" for at in shown)
            for task in curves
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    found = curves_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    draw(found).savefig(sys.argv[2])
    print("\n".join(table(found)))
