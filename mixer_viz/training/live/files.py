"""A network that was trained while somebody watched, as a file that tells how it came about."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mixer_viz.checkpoints.networks import AnyNetwork, save_network
from mixer_viz.training.recipe import Recipe

TRAINING_KEY = "mixer_viz_training"


def network_file(network: AnyNetwork, recipe: Recipe, data: str, step: int) -> bytes:
    """What `load_network` reads: safetensors with the config in its metadata, and there also the training as JSON.

    Under TRAINING_KEY: "data" as the command calls it, "step", "seed", and "recipe" with every setting.
    """
    told = {"data": data, "step": step, "seed": recipe.seed, "recipe": recipe.as_dict()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save_network(network, path)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        save_file(load_file(path), path, metadata=metadata | {TRAINING_KEY: json.dumps(told)})
        return path.read_bytes()
