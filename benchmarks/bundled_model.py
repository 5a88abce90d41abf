"""The bundled models measured again, beside what their cards say: accuracy on test images, structure of the weights.

The images are those of `test/<class>/*` in the folders that the environment variable MIXER_VIZ_DATA names (several with
the system's path separator between them), or in `data`; each model takes the folder that has its classes. Where there
is none, the structure alone is measured, which needs the weights and nothing else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mixer_viz.checkpoints import load_model
from mixer_viz.checkpoints.bundled import BundledModel, bundled_models
from mixer_viz.model import MlpMixer
from mixer_viz.training.cards.measure import class_folders, count_correct, structure_figures

NAME = "bundled_model"
FREQUENCY_RATIO_AT_MOST = 0.7  # of white noise
STRUCTURE_DIFFERENCE_AT_MOST = 1e-3
ACCURACY_DIFFERENCE_AT_MOST = 0.1  # percentage points: ten of 10 000 images, for another order of summation


def measure() -> dict[str, Any]:
    """Every figure of the cards that can be measured here, and how far it is from the card."""
    return {f"{model.name}: {name}": value for model in bundled_models() for name, value in measure_one(model).items()}


def measure_one(bundled: BundledModel) -> dict[str, Any]:
    model = load_model(bundled.name, "cpu")
    card = json.loads(bundled.path.with_suffix(".json").read_text(encoding="utf-8"))
    results = compare_structure(structure_figures(model), card.get("structure"))
    test = find_test_part(model)
    if test is None:
        return results | {"accuracy": "not measured: set MIXER_VIZ_DATA to a folder that has test/<class>/*"}
    correct, count = count_correct(model, test)
    accuracy = 100 * correct / count
    return results | {
        "accuracy": {"value": accuracy, "unit": "%", "card": card["accuracy"]},
        "test images": {"value": count, "unit": "images", "card": card.get("test_images")},
        "accuracy, difference to the card": aim(
            abs(accuracy - card["accuracy"]), "points", ACCURACY_DIFFERENCE_AT_MOST
        ),
    }


def find_test_part(model: MlpMixer) -> Path | None:
    """The first folder of test images that has the model's classes; None where there is none."""
    for folder in os.environ.get("MIXER_VIZ_DATA", "data").split(os.pathsep):
        test = Path(folder) / "test"
        try:
            class_folders(model.config, test)
        except ValueError:
            continue
        return test
    return None


def compare_structure(measured: dict[str, Any], card: dict[str, Any] | None) -> dict[str, Any]:
    """The measured figures as the runner prints them, with the largest difference to those of the card."""
    results: dict[str, Any] = {
        "mean radial frequency / white noise": aim(measured["frequency_ratio"], "x", FREQUENCY_RATIO_AT_MOST),
        "the same of the patch-embedding filters": {"value": measured["filter_frequency_ratio"], "unit": "x"},
        "units with an opposing unit (cosine <= -0.7)": {"value": 100 * measured["opposed_share"], "unit": "%"},
        "units paired one to one with an opposing unit": {"value": 100 * measured["paired_share"], "unit": "%"},
        "mean radial frequency per block": [round(value, 3) for value in measured["block_frequency"]],
        "distinct units per block": measured["distinct_units"],
    }
    if card is None:
        return results | {"structure, difference to the card": "the card has no structure figures"}
    differences = [float(np.abs(np.subtract(value, card[name])).max()) for name, value in measured.items()]
    return results | {"structure, difference to the card": aim(max(differences), "", STRUCTURE_DIFFERENCE_AT_MOST)}


def aim(value: float, unit: str, at_most: float) -> dict[str, Any]:
    return {"value": value, "unit": unit, "at_most": at_most, "met": value <= at_most}
