"""bfloat16: close to float32 but not the same, around the network alone, in this thread alone, said on the result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import mixer_viz as mv
from mixer_viz.analysis.attribution.metrics import noise_sensitivity, randomisation_check, rank_correlation
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.analysis.chunks import Precision
from tests.analysis.attribution.made_attributions import ALL, mixer, picture, quick
from tests.conftest import TINY
from tests.made_models import traces_left

TARGET = 4
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
INEXACT = tuple(name for name in ALL if not methods_for(TINY)[name].exact)


class Watched(mv.MlpMixer):
    """A Mixer that notes, at every pass, whether autocast is on here and in another thread, and its tokens' type."""

    def __init__(self) -> None:
        super().__init__(TINY)
        self.load_state_dict(mixer().state_dict())
        self.requires_grad_(False)
        self.here: set[bool] = set()
        self.elsewhere: set[bool] = set()
        self.types: set[torch.dtype] = set()

    def embed(self, pixels: Tensor) -> Tensor:  # every pass that starts at pixels comes by here
        tokens = super().embed(pixels)
        self.types.add(tokens.dtype)
        self.here.add(autocast())
        with ThreadPoolExecutor(1) as pool:
            self.elsewhere.add(pool.submit(autocast).result())
        return tokens


def autocast() -> bool:
    return torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("method", INEXACT)
def test_a_map_in_bfloat16_is_close_to_the_float32_one_and_not_the_same(method: str) -> None:
    single, half = (
        mv.attribute(mixer(), picture(), TARGET, method, baseline="black", precision=precision, **quick(method))
        for precision in ("float32", "bfloat16")
    )
    assert (single.precision, half.precision) == ("float32", "bfloat16")
    assert rank_correlation(half.patch_map, single.patch_map) > 0.9
    assert half.score == pytest.approx(single.score, abs=0.05)
    largest = np.abs(single.patch_map).max()
    difference = np.abs(half.patch_map - single.patch_map).max() / largest
    assert 1e-4 < difference < 0.2  # a float32 has 2^-24 between numbers, a bfloat16 2^-9
    assert half.score != single.score
    assert half.patch_map.dtype == np.float64
    assert half.forward_passes == single.forward_passes


@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift", "layer_integrated_gradients"])
def test_laws_hold_for_the_network_that_ran(method: str) -> None:
    result = mv.attribute(mixer(), picture(), TARGET, method, precision="bfloat16")
    assert result.relative_gap is not None
    assert result.relative_gap < 0.02


def test_the_exact_map_stays_exact_and_says_so() -> None:
    single, asked = (
        mv.attribute(mixer(), picture(), TARGET, "patch_logits", precision=precision)
        for precision in ("float32", "bfloat16")
    )
    assert asked.precision == "float32"
    assert asked.score == single.score
    np.testing.assert_array_equal(asked.patch_map, single.patch_map)


@pytest.mark.parametrize(("precision", "on"), [("bfloat16", True), ("float32", False)])
@pytest.mark.parametrize("method", INEXACT)
def test_autocast_is_on_for_the_passes_and_nowhere_else(method: str, precision: Any, on: bool) -> None:
    model = Watched().eval()
    clean, before = traces_left(model), [parameter.clone() for parameter in model.parameters()]
    reports: set[bool] = set()

    def progress(done: int, total: int) -> None:
        reports.add(autocast())

    mv.attribute(model, picture(), TARGET, method, precision=precision, progress=progress, **quick(method))
    assert (model.here, model.elsewhere, reports, autocast()) == ({on}, {False}, {False}, False)
    assert model.types == {torch.bfloat16 if on else torch.float32}
    assert traces_left(model) == clean
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_autocast_is_off_again_after_an_error() -> None:
    class Failing(Watched):
        def forward(self, pixels: Tensor) -> Tensor:
            raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError, match="broken"):
        mv.attribute(Failing().eval(), picture(), TARGET, precision="bfloat16")
    assert not autocast()


@pytest.mark.parametrize("method", ["integrated_gradients", "kernel_shap", "deep_lift"])
def test_float32_is_float32_also_under_the_callers_autocast(method: str) -> None:
    expected = mv.attribute(mixer(), picture(), TARGET, method, **quick(method))
    with torch.autocast("cpu", torch.bfloat16):
        result = mv.attribute(mixer(), picture(), TARGET, method, **quick(method))
        assert autocast()
    np.testing.assert_array_equal(result.patch_map, expected.patch_map)


def test_threads_of_both_precisions_on_one_model_get_what_one_gets() -> None:
    jobs: list[tuple[str, Any]] = [
        (method, precision) for method in ("integrated_gradients", "patch_ablation") for precision in PRECISIONS
    ]
    model = mixer()

    def run(job: tuple[str, Any]) -> np.ndarray:
        return mv.attribute(model, picture(), TARGET, job[0], precision=job[1]).patch_map

    alone = {job: run(job) for job in jobs}
    barrier = threading.Barrier(len(jobs))

    def many(job: tuple[str, Any]) -> list[np.ndarray]:
        barrier.wait(timeout=30)
        return [run(job) for _ in range(10)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        for job, maps in zip(jobs, pool.map(many, jobs), strict=True):
            for each in maps:
                np.testing.assert_array_equal(each, alone[job], err_msg=str(job))


@pytest.mark.parametrize("check", [noise_sensitivity, randomisation_check])
def test_checks_of_a_map_repeat_its_precision(check: Callable[..., Any]) -> None:
    seen = {}
    for precision in PRECISIONS:
        model = Watched().eval()
        result = mv.attribute(model, picture(), TARGET, "patch_ablation", precision=precision)  # type: ignore[arg-type]
        model.types.clear()
        seen[precision] = check(model, picture(), result, draws=2).rank_correlations
        if check is noise_sensitivity:  # the other one runs copies of the model
            assert model.types == {getattr(torch, precision)}
    assert not np.array_equal(seen["float32"], seen["bfloat16"])


@pytest.mark.parametrize(
    ("precision", "dtype", "words"),
    [
        ("float16", torch.float32, "precision='float16' must be one of float32, bfloat16"),
        ("bfloat16", torch.float64, "precision='bfloat16' takes float32 pixels, got torch.float64"),
    ],
)
@pytest.mark.parametrize("method", ["saliency", "patch_logits"])
def test_refused(method: str, precision: Any, dtype: torch.dtype, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mv.attribute(mixer(dtype), picture(dtype), TARGET, method, precision=precision)
