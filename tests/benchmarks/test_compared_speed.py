"""The benchmark of the token mixers: which networks it takes, all the figures, and what they are ratios of."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mixer_viz.model import TOKEN_MIXERS, MetaFormer
from tests.model.made_metaformers import config_of

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    module = importlib.import_module("compared_speed")
    for name in {"compared_speed", "timing"} - before:
        monkeypatch.delitem(sys.modules, name)  # as its folder, it is there for this test alone
    return module


def test_the_seven_differ_in_the_mixer_and_hardly_in_size(benchmark: ModuleType) -> None:
    networks = benchmark.seven_networks()
    assert list(networks) == list(TOKEN_MIXERS)
    for name, network in networks.items():
        assert network.metaformer_config.token_mixer == name
        assert not network.training
    sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in networks.values()]
    assert max(sizes) < 1.05 * min(sizes)


def test_the_published_ones_are_beside_ours_and_in_eval_mode(benchmark: ModuleType) -> None:
    with torch.device("meta"):
        networks = benchmark.published_networks()
    names = ["ViT-B/16, torchvision", "ResNet-50, torchvision", "Mixer-B/16, timm"]
    assert list(networks) == [benchmark.OURS, *names]
    assert not any(network.training for network in networks.values())
    sizes = {name: sum(parameter.numel() for parameter in network.parameters()) for name, network in networks.items()}
    assert sizes[benchmark.OURS] == sizes["Mixer-B/16, timm"]


def test_every_figure_and_ratio_is_there(benchmark: ModuleType) -> None:
    networks = {name: MetaFormer(config_of(name)).eval() for name in ("mlp", "shift")}
    results = benchmark.compare(networks, "mlp", image_size=12, batch=2, rounds=3)
    json.dumps(results)
    assert set(results) == {
        "mlp and others, conditions",
        "mlp",
        "mlp, counted",
        "shift",
        "shift / mlp",
        "shift, counted",
    }
    assert results["mlp and others, conditions"]["batch"] == 2
    ratio = results["shift / mlp"]
    assert (ratio["rounds"], ratio["unit"]) == (3, "x")
    assert ratio["min"] <= ratio["median"] <= ratio["max"]
    assert ratio["min"] >= results["shift"]["min"] / results["mlp"]["max"]
    assert ratio["max"] <= results["shift"]["max"] / results["mlp"]["min"]
    assert results["shift, counted"]["multiply_adds"] < results["mlp, counted"]["multiply_adds"]
