"""Real passes without some patches: one set, many sets, and the ones that the curves go by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution.baselines import BASELINES, baseline_pixels
from mixer_viz.analysis.attribution.deletion import deletion_insertion, random_orders
from mixer_viz.analysis.attribution.masking import logits_without, logits_without_many
from tests.analysis.attribution.made_attributions import Narrow, mixer, picture
from tests.conftest import TINY
from tests.made_models import traces_left

TARGET = 4
DOUBLE = torch.float64


def test_deleting_one_patch_is_its_ablation() -> None:
    model, pixels = mixer(DOUBLE), picture(DOUBLE)
    result = mv.attribute(model, pixels, TARGET, "patch_ablation", baseline="mean")
    without = logits_without_many(model, pixels, [[patch] for patch in range(16)], baseline="mean")
    np.testing.assert_allclose(result.patch_map, result.score - without[:, TARGET], atol=1e-6)
    np.testing.assert_allclose(logits_without(model, pixels, []), model(pixels)[0].detach().numpy())


@pytest.mark.parametrize("baseline", BASELINES)
def test_patches_are_replaced_square_by_square(baseline: str) -> None:
    model, pixels = mixer(DOUBLE), picture(DOUBLE)
    mixed, start = pixels.clone(), baseline_pixels(TINY, pixels, baseline, seed=5)
    for patch in (1, 6, 15):  # in a grid of 4 x 4, 2 pixels each
        row, column = 2 * (patch // 4), 2 * (patch % 4)
        mixed[..., row : row + 2, column : column + 2] = start[..., row : row + 2, column : column + 2]
    logits = logits_without(model, pixels, [15, 1, 6, 1], baseline=baseline, seed=5)
    np.testing.assert_allclose(logits, model(mixed)[0].detach().numpy())


def test_many_sets_are_each_set_alone_and_go_in_chunks() -> None:
    model = Narrow("CUDA out of memory").eval()
    clean, random = traces_left(model), np.random.default_rng(0)
    sets = [random.choice(16, size, replace=False).tolist() for size in range(17)]
    many = logits_without_many(model, picture(), sets, baseline="blur")
    assert many.shape == (17, 10)
    for row, patches in zip(many, sets, strict=True):
        np.testing.assert_allclose(row, logits_without(mixer(), picture(), patches, baseline="blur"), atol=1e-5)
    assert len(np.unique(many[:, TARGET].round(4))) == 17
    assert max(model.sizes[4:]) <= 3  # 17, all of them, 16, 8 and 4 do not fit
    assert traces_left(model) == clean


def test_first_patches_of_random_orders_are_the_points_of_the_random_curves() -> None:
    model, pixels = mixer(DOUBLE), picture(DOUBLE)
    curves = deletion_insertion(model, pixels, np.arange(16.0), TARGET, measure="logit", steps=4, controls=3, seed=7)
    orders = random_orders(16, 3, 7)
    for point, count in enumerate(curves.counts):
        gone = logits_without_many(model, pixels, orders[:, :count])
        np.testing.assert_allclose(curves.random_deletion[:, point], gone[:, TARGET])
        there = logits_without_many(model, pixels, orders[:, count:])
        np.testing.assert_allclose(curves.random_insertion[:, point], there[:, TARGET])


def test_random_orders_are_orders_and_have_a_seed() -> None:
    orders = random_orders(16, 4, 1)
    np.testing.assert_array_equal(np.sort(orders, axis=1), [np.arange(16)] * 4)
    assert len({tuple(order) for order in orders.tolist()}) == 4
    np.testing.assert_array_equal(orders, random_orders(16, 4, 1))
    assert not np.array_equal(orders, random_orders(16, 4, 2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sets": [[3], [3, 16]]}, "token=16 is not between 0 and 15"),
        ({"sets": [[-1]]}, "token=-1 is not between 0 and 15"),
        ({"sets": []}, "no set of patches was given"),
        ({"baseline": "white"}, "baseline='white' must be one of"),
        ({"pixels": torch.zeros(2, 3, 8, 8)}, "one image at a time"),
        ({"pixels": torch.zeros(1, 3, 16, 16)}, "was trained at 8 px"),
    ],
)
def test_refused(changes: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"pixels": picture(), "sets": [[3]], **changes}
    with pytest.raises(ValueError, match=words):
        logits_without_many(mixer(), **arguments)
