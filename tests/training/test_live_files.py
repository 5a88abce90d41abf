"""Files of networks that were trained while somebody watched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mixer_viz.checkpoints.networks import load_network
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.live.files import TRAINING_KEY, network_file
from mixer_viz.training.live.presets import recipe_with
from mixer_viz.training.live.session import LiveTraining
from mixer_viz.training.recipe import Recipe

SIZES = {"embed_dim": 8, "num_blocks": 1, "tokens_mlp_dim": 4, "channels_mlp_dim": 8, "batch_size": 4}


@pytest.mark.parametrize("token_mixer", ["mlp", "pooling"])
def test_the_file_is_read_back_and_says_how_it_came_about(tmp_path: Path, token_mixer: str) -> None:
    recipe = recipe_with(**SIZES, seed=3, token_mixer=token_mixer)
    training = LiveTraining(recipe, DRAWN_TASKS["where"], torch.device("cpu"))
    training.advance(2)
    path = tmp_path / "network.safetensors"
    path.write_bytes(network_file(training.averaged_model, recipe, "where", 2))
    read = load_network(path, "cpu")
    for name, value in training.averaged_model.state_dict().items():
        assert torch.equal(read.state_dict()[name], value)
    with safe_open(path, "pt") as file:
        told = json.loads(file.metadata()[TRAINING_KEY])
    assert (told["data"], told["step"], told["seed"]) == ("where", 2, 3)
    assert Recipe(**told["recipe"]) == recipe
