"""One model, many users: nothing is left on it, and threads do not disturb each other."""

from __future__ import annotations

import copy
import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution import seeding
from tests.analysis.attribution.made_attributions import ALL, FailingHead, mixer, picture, quick
from tests.conftest import TINY
from tests.made_models import traces_left

CLEAN = traces_left(mixer())


@pytest.mark.parametrize("method", ALL)
def test_nothing_is_left_on_the_model_or_on_the_picture(method: str) -> None:
    model, pixels = mixer(), picture()
    before = [parameter.clone() for parameter in model.parameters()]
    names = {name: set(vars(module)) for name, module in model.named_modules()}
    mv.attribute(model, pixels, 4, method, **quick(method))
    assert traces_left(model) == CLEAN
    assert {name: set(vars(module)) for name, module in model.named_modules()} == names
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert (pixels.requires_grad, pixels.grad) == (False, None)
    assert torch.equal(pixels, picture())


@pytest.mark.parametrize("method", ALL)
def test_nothing_is_left_after_an_error(method: str) -> None:
    model = copy.deepcopy(mixer())
    model.head = FailingHead()
    model.eval()
    clean = traces_left(model)
    state = np.random.get_state()[1].copy()  # type: ignore[union-attr] # noqa: NPY002
    drawn = torch.random.get_rng_state()
    with pytest.raises(ArithmeticError, match="broken"):
        mv.attribute(model, picture(), 4, method, chunk=2, **quick(method))
    assert traces_left(model) == clean
    assert torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), drawn)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[arg-type] # noqa: NPY002
    assert not seeding._GENERATORS.locked()


def test_eight_threads_on_one_model_get_what_one_gets() -> None:
    jobs = [(method, 1 + index % 3) for index, method in enumerate(ALL)]
    model, pixels = mixer(torch.float64), picture(torch.float64)

    def run(job: tuple[str, int]) -> mv.Attribution:
        return mv.attribute(model, pixels, job[1], job[0], chunk=5, seed=job[1], **quick(job[0]))

    alone = {job: run(job) for job in jobs}
    barrier = threading.Barrier(8)

    def many(start: int) -> list[tuple[tuple[str, int], mv.Attribution]]:
        barrier.wait(timeout=30)
        order = jobs[start:] + jobs[:start]  # every thread at another method
        return [(job, run(job)) for job in order]

    with ThreadPoolExecutor(8) as pool:
        together = [pair for results in pool.map(many, range(8)) for pair in results]
    assert len(together) == 8 * len(jobs)
    for job, result in together:
        np.testing.assert_allclose(result.patch_map, alone[job].patch_map, rtol=1e-9, atol=1e-12, err_msg=str(job))
        assert result.forward_passes == alone[job].forward_passes
    assert traces_left(model) == CLEAN


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift", "patch_ablation", "grad_cam"])
def test_the_callers_gradient_mode_does_not_matter(context: type, method: str) -> None:
    expected = mv.attribute(mixer(), picture(), 4, method, **quick(method)).patch_map
    with context():
        result = mv.attribute(mixer(), picture(), 4, method, **quick(method))
    np.testing.assert_array_equal(result.patch_map, expected)


@pytest.mark.parametrize("method", ["smooth_grad", "gradient_shap", "shapley_sampling", "kernel_shap"])
def test_seeds_decide_and_disturb_nobody(method: str) -> None:
    before, state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr] # noqa: NPY002
    one, same, other = (mv.attribute(mixer(), picture(), 4, method, seed=s, **quick(method)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.patch_map, same.patch_map)
    assert not np.allclose(one.patch_map, other.patch_map)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[arg-type] # noqa: NPY002


@pytest.mark.parametrize("method", ALL)
def test_chunks_change_nothing_not_even_what_is_drawn(method: str) -> None:
    model, pixels = mixer(torch.float64), picture(torch.float64)
    whole, parts = (mv.attribute(model, pixels, 4, method, chunk=chunk, **quick(method)) for chunk in (64, 3))
    np.testing.assert_allclose(parts.patch_map, whole.patch_map, rtol=1e-9, atol=1e-9)


def test_a_zero_head_gives_a_zero_map() -> None:
    model = mv.MlpMixer(TINY).eval()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    for method in ALL:
        result = mv.attribute(model, picture(), 4, method, **quick(method))
        assert not result.patch_map.any(), method
        assert result.relative_gap in (None, 0.0)
        assert result.near_zero, method


def test_what_is_near_zero() -> None:
    result = mv.attribute(mixer(), picture(), 4, "patch_ablation")
    assert not result.near_zero

    def near(patch: float, score: float) -> bool:
        return dataclasses.replace(result, patch_map=np.array([patch, 0.0, -patch]), score=score).near_zero

    assert near(0.0, 3.0) and near(4e-7, 0.01) and near(4e-5, -100.0)
    assert not near(6e-7, 0.01) and not near(6e-5, -100.0)  # both signs count: patches do not cancel
    assert near(float("nan"), 3.0)
    half = dataclasses.replace(result, patch_map=np.array([float("inf"), 0.5]))
    assert not half.near_zero
