"""What gradient ascent reaches for five hidden units of each bundled model, beside the best of its training images."""

from __future__ import annotations

from typing import Any

import numpy as np

import mixer_viz as mv
from mixer_viz.survey.bundled import QUANTILES, training_statistics

NAME = "maximisation"
UNITS, STARTS, STEPS = 5, 4, 256


def measure() -> dict[str, Any]:
    """One unit of token mixing of each of five blocks, drawn by chance: mean activation over the channels."""
    results: dict[str, Any] = {}
    for name in (info.name for info in mv.available_models() if info.source == "bundled"):
        model, known = mv.load_model(name), training_statistics(name)
        draw = np.random.default_rng(0)
        blocks = np.unique(np.linspace(0, model.config.num_blocks - 1, UNITS).round().astype(int)).tolist()
        for block in blocks:
            unit = int(draw.integers(model.config.tokens_mlp_dim))
            objective = mv.Objective(kind="token unit", place=block, index=unit)
            real = None if known is None else known.of(objective, model.config.tokens_mlp_dim)
            for phase_only in (False, True):
                found = mv.maximise(
                    model,
                    objective,
                    spectrum=None if known is None else known.spectrum,
                    starts=STARTS,
                    steps=STEPS,
                    phase_only=phase_only,
                )
                how = "phases" if phase_only else "coefficients"
                results[f"{name}: block {block + 1}, unit {unit}, {how}"] = {
                    "found": round(found.best, 4),
                    "worst of the starts": round(float(found.activations[-1]), 4),
                    "random pictures": round(float(found.start_activations.max()), 4),
                    "best training image": None if real is None else round(real[0], 4),
                    "median training image": None if real is None else round(float(real[1][QUANTILES.index(50)]), 4),
                }
    return results
