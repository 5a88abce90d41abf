from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from mixer_viz.checkpoints.networks import save_network
from mixer_viz.training.build import build_model
from tests.training.made_runs import CLASSES, RECIPE, write_tree

MakeTree = Callable[..., Path]


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """`write_tree` into this test's folder: `make_tree(test="val")`."""
    return functools.partial(write_tree, tmp_path / "data")


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weight file of a Mixer of the tiny size with a head that says something; it is only read."""
    torch.manual_seed(7)
    network = build_model(RECIPE, CLASSES)
    nn.init.normal_(network.head.weight)
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save_network(network, path)
    return path
