"""Deletion and insertion curves against closed forms, direct passes, and random orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.attribution.deletion import deletion_insertion, patch_order
from mixer_viz.analysis.attribution.masking import logits_without
from tests.analysis.attribution.made_attributions import Linear, Narrow, mixer, patch_sums, picture
from tests.conftest import TINY
from tests.made_models import traces_left

TARGET, AGAINST = 4, 7
DOUBLE = torch.float64


def linear() -> Any:
    return Linear()  # has all of a Mixer that these need: a config and logits


def test_curves_of_a_linear_network_are_running_sums() -> None:
    model, pixels = linear(), picture(DOUBLE)
    start = baseline_pixels(TINY, pixels, "mean")
    weight = (model.weight[TARGET] - model.weight[AGAINST]).detach()
    effects = patch_sums((weight * (pixels - start)[0]).numpy())
    curves = deletion_insertion(model, pixels, effects, TARGET, against=AGAINST, measure="logit", controls=20)
    np.testing.assert_array_equal(curves.order, np.argsort(-effects))
    np.testing.assert_array_equal(curves.counts, np.arange(17))
    np.testing.assert_allclose(curves.shares, np.arange(17) / 16)
    with torch.no_grad():
        full, empty = (float(row[TARGET] - row[AGAINST]) for row in model(torch.cat([pixels, start])))
    sums = np.concatenate([[0], np.cumsum(effects[curves.order])])
    np.testing.assert_allclose(curves.deletion, full - sums, atol=1e-9)
    np.testing.assert_allclose(curves.insertion, empty + sums, atol=1e-9)
    trapezoid = ((full - sums)[1:] + (full - sums)[:-1]).sum() / 32
    assert curves.deletion_area == pytest.approx(trapezoid)
    # No order can be better than the true one of a network in which patches do not interact.
    assert (curves.random_deletion_areas > curves.deletion_area).all()
    assert (curves.random_insertion_areas < curves.insertion_area).all()
    assert curves.random_deletion.shape == curves.random_insertion.shape == (20, 17)
    np.testing.assert_allclose(curves.random_deletion[:, [0, -1]], [[full, empty]] * 20)
    np.testing.assert_allclose(curves.random_insertion[:, [0, -1]], [[empty, full]] * 20)


@pytest.mark.parametrize("baseline", ["blur", "noise"])
def test_points_of_the_curves_are_real_passes(baseline: str) -> None:
    model, pixels = mixer(DOUBLE), picture(DOUBLE)
    patch_map = np.random.default_rng(1).normal(size=16)
    curves = deletion_insertion(model, pixels, patch_map, TARGET, baseline=baseline, steps=5, seed=2)
    np.testing.assert_array_equal(curves.counts, [0, 3, 6, 10, 13, 16])
    for point, count in enumerate(curves.counts):
        first, rest = curves.order[:count].tolist(), curves.order[count:].tolist()
        gone = logits_without(model, pixels, first, baseline=baseline, seed=2)
        there = logits_without(model, pixels, rest, baseline=baseline, seed=2)
        np.testing.assert_allclose(curves.deletion_logits[point], gone)
        np.testing.assert_allclose(curves.insertion_logits[point], there)
        probabilities = np.exp(gone) / np.exp(gone).sum()
        assert curves.deletion[point] == pytest.approx(probabilities[TARGET])
    assert curves.forward_passes == 2 * 6 * 6


def test_probability_of_one_class_against_another() -> None:
    patch_map = np.arange(16.0)
    settings: dict[str, Any] = {"against": AGAINST, "steps": 4}
    shares = deletion_insertion(mixer(), picture(), patch_map, TARGET, **settings)
    logits = deletion_insertion(mixer(), picture(), patch_map, TARGET, measure="logit", **settings)
    np.testing.assert_allclose(shares.insertion, 1 / (1 + np.exp(-logits.insertion)))


def test_equal_values_go_in_raster_order() -> None:
    assert patch_order(np.array([0.0, 2.0, 0.0, 2.0, -1.0])).tolist() == [1, 3, 0, 2, 4]


def test_random_orders_have_a_seed() -> None:
    def areas(seed: int) -> np.ndarray:
        return deletion_insertion(mixer(), picture(), np.arange(16.0), TARGET, seed=seed, steps=4).random_deletion_areas

    np.testing.assert_array_equal(areas(1), areas(1))
    assert not np.allclose(areas(1), areas(2))


def test_memory_progress_cancelling_and_the_model() -> None:
    model, seen = Narrow("CUDA out of memory"), []
    clean = traces_left(model)
    expected = deletion_insertion(mixer(), picture(), np.arange(16.0), TARGET)
    curves = deletion_insertion(
        model, picture(), np.arange(16.0), TARGET, progress=lambda done, total: seen.append((done, total))
    )
    np.testing.assert_allclose(curves.deletion, expected.deletion, atol=1e-5)
    assert seen[-1] == (204, 204) and curves.forward_passes == 204
    assert max(model.sizes[10:]) <= 3
    assert traces_left(model) == clean
    with pytest.raises(mv.AnalysisCancelled, match="cancelled after 0 of 204 passes"):
        deletion_insertion(model, picture(), np.arange(16.0), TARGET, cancelled=lambda: True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patch_map": np.zeros(15)}, r"the map has shape \(15,\), this Mixer has 16 patches"),
        ({"patch_map": np.full(16, np.nan)}, "the map has values that are not finite"),
        ({"target": 10}, "target=10 is not between 0 and 9"),
        ({"against": 4}, "against=4 is the target itself"),
        ({"baseline": "white"}, "baseline='white' must be one of"),
        ({"measure": "joy"}, "measure='joy' must be 'logit' or 'probability'"),
        ({"steps": 17}, "steps=17 is not between 1 and 16"),
        ({"steps": 0}, "steps=0 is not between 1 and 16"),
        ({"controls": 0}, "controls=0 must be at least 1"),
        ({"pixels": torch.zeros(2, 3, 8, 8)}, "one image at a time"),
        ({"pixels": torch.zeros(1, 3, 16, 16)}, "was trained at 8 px"),
    ],
)
def test_refused(changes: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"pixels": picture(), "patch_map": np.zeros(16), "target": TARGET, **changes}
    with pytest.raises(ValueError, match=words):
        deletion_insertion(mixer(), **arguments)
