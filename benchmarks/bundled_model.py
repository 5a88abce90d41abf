"""The bundled model measured again, beside what its card says: accuracy on test images, structure of its weights.

The images are those of `test/<class>/*` in the folder that the environment variable MIXER_VIZ_DATA names, or `data`.
Where there are none, the structure alone is measured, which needs the weights and nothing else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mixer_viz.checkpoints import load_model
from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.training.cards.measure import count_correct, structure_figures

NAME = "bundled_model"
MODEL = "mixer_cifar10"
FREQUENCY_RATIO_AT_MOST = 0.7  # of white noise
STRUCTURE_DIFFERENCE_AT_MOST = 1e-3
ACCURACY_DIFFERENCE_AT_MOST = 0.1  # percentage points: ten of 10 000 images, for another order of summation


def measure() -> dict[str, Any]:
    """Every figure of the card that can be measured here, and how far it is from the card."""
    model = load_model(MODEL, "cpu")
    card = json.loads((ASSETS_DIR / f"{MODEL}.json").read_text(encoding="utf-8"))
    results = compare_structure(structure_figures(model), card.get("structure"))
    data = Path(os.environ.get("MIXER_VIZ_DATA", "data"))
    if not (data / "test").is_dir():
        return results | {"accuracy": "not measured: set MIXER_VIZ_DATA to a folder that has test/<class>/*"}
    correct, count = count_correct(model, data / "test")
    accuracy = 100 * correct / count
    return results | {
        "accuracy": {"value": accuracy, "unit": "%", "card": card["accuracy"]},
        "test images": {"value": count, "unit": "images", "card": card.get("test_images")},
        "accuracy, difference to the card": aim(
            abs(accuracy - card["accuracy"]), "points", ACCURACY_DIFFERENCE_AT_MOST
        ),
    }


def compare_structure(measured: dict[str, Any], card: dict[str, Any] | None) -> dict[str, Any]:
    """The measured figures as the runner prints them, with the largest difference to those of the card."""
    results: dict[str, Any] = {
        "mean radial frequency / white noise": aim(measured["frequency_ratio"], "x", FREQUENCY_RATIO_AT_MOST),
        "units with an opposing unit (cosine <= -0.7)": {"value": 100 * measured["opposed_share"], "unit": "%"},
        "units paired one to one with an opposing unit": {"value": 100 * measured["paired_share"], "unit": "%"},
        "mean radial frequency per block": [round(value, 3) for value in measured["block_frequency"]],
        "distinct units per block": measured["distinct_units"],
    }
    if card is None:
        return results | {"structure, difference to the card": "the card has no structure figures"}
    differences = [float(np.abs(np.subtract(measured[name], card[name])).max()) for name in measured]
    return results | {"structure, difference to the card": aim(max(differences), "", STRUCTURE_DIFFERENCE_AT_MOST)}


def aim(value: float, unit: str, at_most: float) -> dict[str, Any]:
    return {"value": value, "unit": unit, "at_most": at_most, "met": value <= at_most}
