"""Passes: counted as the table says, reported, cancelled, and halved when memory runs out."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution import seeding
from mixer_viz.analysis.attribution.table import method_for
from mixer_viz.analysis.chunks import chunk_for, halving, is_out_of_memory
from mixer_viz.model import PRESETS
from tests.analysis.attribution.made_attributions import ALL, Narrow, mixer, picture, quick
from tests.conftest import TINY

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *((method, {}) for method in ALL),
    ("occlusion", {"window": 3, "stride": 2}),
    ("occlusion", {"window": 8, "stride": 5}),
    ("shapley_sampling", {"samples": 3, "group": 3}),
    ("kernel_shap", {"samples": 77, "group": 3}),
    ("deep_lift", {"rules": "captum"}),
    ("layer_integrated_gradients", {"block": 0, "steps": 7}),
]


@pytest.mark.parametrize("chunk", [None, 1, 3])
@pytest.mark.parametrize(("method", "parameters"), SETTINGS)
def test_the_table_knows_the_cost_and_progress_reaches_it(
    method: str, parameters: dict[str, Any], chunk: int | None
) -> None:
    seen: list[tuple[int, int]] = []
    progress = lambda done, total: seen.append((done, total))  # noqa: E731
    result = mv.attribute(mixer(), picture(), 4, method, chunk=chunk, progress=progress, **parameters)
    row = method_for(TINY, method)
    assert (result.forward_passes, result.backward_passes) == (
        row.passes(result.parameters).forward,
        row.passes(result.parameters).backward,
    )
    assert (result.pixel_values is not None) == row.at_pixels
    assert (result.baseline is not None) == row.needs_baseline
    assert result.in_logits == row.in_logits
    done = [pair[0] for pair in seen]
    assert done == sorted(set(done))
    assert {pair[1] for pair in seen} == {result.forward_passes}
    assert done[-1] == result.forward_passes


@pytest.mark.parametrize("method", ALL)
def test_cancelling_stops_every_method(method: str) -> None:
    asked = itertools.count()
    with pytest.raises(mv.AnalysisCancelled, match=r"cancelled after 0 of \d+ passes"):
        mv.attribute(mixer(), picture(), 4, method, cancelled=lambda: next(asked) >= 0)


def test_cancelling_half_way_stops_after_the_chunk() -> None:
    seen: list[int] = []
    with pytest.raises(mv.AnalysisCancelled, match="cancelled after 12 of 52 passes"):
        mv.attribute(
            mixer(),
            picture(),
            4,
            chunk=5,
            progress=lambda done, total: seen.append(done),
            cancelled=lambda: bool(seen) and seen[-1] >= 12,
        )


def test_waiting_for_the_random_generators_can_be_cancelled() -> None:
    asked = threading.Event()

    def cancelled() -> bool:
        return asked.is_set()

    with seeding._GENERATORS:
        timer = threading.Timer(0.1, asked.set)
        timer.start()
        with pytest.raises(mv.AnalysisCancelled):
            mv.attribute(mixer(), picture(), 4, "smooth_grad", cancelled=cancelled)
        timer.join()


@pytest.mark.parametrize("message", ["CUDA out of memory. Tried", "DefaultCPUAllocator: can't allocate memory"])
@pytest.mark.parametrize(
    "method",
    ["integrated_gradients", "smooth_grad", "occlusion", "patch_ablation", "shapley_sampling", "kernel_shap"],
)
def test_out_of_memory_halves_the_chunk_and_goes_on(method: str, message: str) -> None:
    model = Narrow(message)
    parameters = {**quick(method), **({"window": 2, "stride": 1} if method == "occlusion" else {})}
    result = mv.attribute(model, picture(), 4, method, chunk=16, seed=3, **parameters)
    expected = mv.attribute(mixer(), picture(), 4, method, chunk=2, seed=3, **parameters)
    np.testing.assert_allclose(result.patch_map, expected.patch_map, rtol=1e-4, atol=1e-5)
    assert result.forward_passes == expected.forward_passes
    too_many = [size for size in model.sizes if size > 3]
    assert len(too_many) == 3 if method not in ("smooth_grad", "integrated_gradients") else len(too_many) >= 2
    assert too_many == sorted(too_many, reverse=True)


def test_memory_that_does_not_hold_one_image_is_an_error() -> None:
    model = Narrow("CUDA out of memory")
    model.limit = 0
    with pytest.raises(RuntimeError, match="out of memory"):
        mv.attribute(model, picture(), 4, "patch_ablation")


def test_halving_tries_half_until_it_fits_and_lets_other_errors_through() -> None:
    tried: list[int] = []

    def run(chunk: int) -> int:
        tried.append(chunk)
        if chunk > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return chunk

    assert halving(11, run) == 2
    assert tried == [11, 5, 2]

    def other(chunk: int) -> int:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        halving(11, other)


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("anything"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not is_out_of_memory(ValueError("out of memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_chunks_on_the_cpu_are_small_for_large_models_and_fewer_with_gradients() -> None:
    cpu = torch.device("cpu")
    without, with_gradient = (chunk_for(PRESETS["B/16"], cpu, gradient) for gradient in (False, True))
    assert (without, with_gradient) == (15, 4)
    assert chunk_for(PRESETS["small/4"], cpu, True) == 32
    assert chunk_for(PRESETS["H/14"], cpu, True) == 1
