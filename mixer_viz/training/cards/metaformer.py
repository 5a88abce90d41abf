"""What the runs of the comparison came to: `results.json` beside them, and weights with their card for the app."""

from __future__ import annotations

import csv
import json
import math
import os
import statistics
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from mixer_viz.checkpoints.metaformer import load_metaformer, save_metaformer
from mixer_viz.checkpoints.metaformer_runs import CARD
from mixer_viz.model.token_mixer_table import metaformer_costs
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.cards.metaformer_text import card_text
from mixer_viz.training.data.augment import test_transform
from mixer_viz.training.data.labelled import ImageData, ImageDataset
from mixer_viz.training.evaluation import evaluate
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, LOG, RESULT, read_checkpoint

RESULTS = "results.json"
_PER_RUN = ("token_mixer", "permutation", "permutation_seed", "seed", "channels_mlp_dim")


def write_results(runs: dict[str, Recipe], out: Path) -> None:
    """`results.json`: what all runs share, and one entry for every finished one, in the order of `runs`."""
    finished = [name for name in runs if (out / name / FINAL).is_file()]
    results = {"recipe": _shared(runs), "runs": [result_of(name, out / name) for name in finished]}
    _write(out / RESULTS, results)


def result_of(name: str, folder: Path) -> dict[str, Any]:
    """One finished run: its choices, its costs, and the log; accuracies in percent.

    `accuracies` has one per epoch, of the images that were held out of training, `accuracy` is that of the test part.
    """
    state = read_checkpoint(folder)
    recipe = Recipe(**state["recipe"])
    total = metaformer_costs(metaformer_config(recipe, tuple(state["class_names"]))).total
    with (folder / LOG).open(newline="", encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    measured = [float(row["validation_accuracy"]) for row in log]
    accuracies = [round(value, 2) for value in measured if not math.isnan(value)]
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return {
        "name": name,
        **{key: getattr(recipe, key) for key in _PER_RUN},
        "parameters": total.parameters,
        "multiply_adds": total.multiply_adds,
        "accuracy": round(result["test_accuracy"], 2),
        "accuracies": accuracies,
        "train_losses": [round(float(row["train_loss"]), 4) for row in log],
        "precision": state["precision"],
        "images_per_second": round(statistics.median(float(row["images_per_second"]) for row in log), 1),
        "seconds": round(sum(float(row["seconds"]) for row in log)),
    }


def export(runs: dict[str, Recipe], out: Path, folder: Path, data: ImageData, about: dict[str, Any]) -> None:
    """Half-precision weights of every network's first seed and the card that `checkpoints.metaformer_runs` reads.

    Their accuracy is measured again from the file that is written; a second seed keeps the one of its training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first: dict[tuple[str, str], str] = {}
    for name, recipe in runs.items():
        first.setdefault((recipe.token_mixer, recipe.permutation), name)
    entries = []
    for name, recipe in runs.items():
        entry = result_of(name, out / name)
        if name in first.values():
            file = folder / f"{name}.safetensors"
            save_metaformer(load_metaformer(out / name / FINAL, "cpu"), file, dtype=torch.float16)
            file.chmod(0o644)  # safetensors writes for the owner alone, but a served app may run as somebody else
            entry |= {"file": file.name, "accuracy": _measured(file, recipe, data)}
        entries.append(entry)
    note = f"top-1 on {len(data.test.images):,} test images, averaged weights, float32 arithmetic"
    card = {**about, "accuracy_note": note, "curves_on": "validation", "recipe": _shared(runs), "runs": entries}
    _write(folder / CARD, card)
    (folder / CARD).with_suffix(".md").write_text(card_text(card), encoding="utf-8")


def _measured(file: Path, recipe: Recipe, data: ImageData) -> float:
    images = ImageDataset(data.test, recipe.image_size, nn.Identity(), "test images", quiet=True)
    images.transform = test_transform(recipe, images.native_size)
    return round(evaluate(load_metaformer(file, "cpu"), DataLoader(images, 500))[1], 2)


def _shared(runs: dict[str, Recipe]) -> dict[str, Any]:
    recipe = next(iter(runs.values())).as_dict()
    return {key: value for key, value in recipe.items() if key not in _PER_RUN}


def _write(path: Path, values: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another share may write as well
    part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
