"""The attribution benchmark on the tiny Mixer: captum's own maps, all the figures, and an error that can come."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.analysis.attribution.made_attributions import mixer, picture

FOLDER = Path(__file__).parents[2] / "benchmarks"
METHODS = ("patch ablation", "integrated gradients")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    module = importlib.import_module("attribution_speed")
    for name in {"attribution_speed", "peak_memory", "timing"} - before:
        monkeypatch.delitem(sys.modules, name)  # as its folder, it is there for this test alone
    return module


def test_the_tiny_mixer_gets_all_figures(benchmark: ModuleType) -> None:
    results = benchmark.compare(mixer(), rounds=2)
    json.dumps(results)
    for method in METHODS:
        assert results[f"{method}: correlation with captum's map"]["value"] > 0.999999
        assert 0.9 < results[f"{method}: correlation of the bfloat16 map"]["value"] < 1 - 1e-9
        for rival in ("ours", "captum", "bfloat16"):
            assert results[f"{method}: {rival} time"]["rounds"] == 2
        ratio = results[f"{method}: ours / captum"]
        assert (ratio["rounds"], ratio["at_most"]) == (2, 1.0)


@pytest.mark.parametrize("method", ["patch_ablation", "integrated_gradients"])
def test_both_sides_answer_in_the_same_unit(benchmark: ModuleType, method: str) -> None:
    theirs = {"patch_ablation": benchmark.captum_ablation, "integrated_gradients": benchmark.captum_gradients}[method]
    ours = benchmark.patch_map(mixer(), picture(), 4, method)
    np.testing.assert_allclose(theirs(mixer(), picture(), 4), ours, atol=1e-4 * np.abs(ours).max())


@pytest.mark.parametrize("wrong", [np.arange(16.0) % 3, np.zeros(16)])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_another_map_than_captums_is_an_error(benchmark: ModuleType, wrong: np.ndarray) -> None:
    rivals = {"ours": lambda: wrong, "captum": lambda: np.arange(16.0), "bfloat16": lambda: wrong}
    with pytest.raises(RuntimeError, match="our map is not captum's"):
        benchmark.race(rivals, 1, torch.device("cpu"))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a process its peak memory")
def test_peak_memory_is_that_of_the_call_alone(benchmark: ModuleType) -> None:
    def run() -> int:
        return len(torch.ones(64 * 2**18))  # 64 MiB, freed before it returns

    peaks = [benchmark.peak_mebibytes(run, torch.device("cpu"))[0] for _ in range(3)]
    assert min(peaks) > 60
    assert max(peaks) < 80
    assert benchmark.peak_mebibytes(lambda: 3, torch.device("cpu"))[0] < 5
