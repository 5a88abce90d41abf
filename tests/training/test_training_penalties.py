"""The costs of near-copies among the hidden units of token mixing, and of rough patch-embedding filters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from mixer_viz.analysis.token_mixing.opposing_pairs import count_distinct, unit_rows
from mixer_viz.model import MlpMixer
from mixer_viz.training.build import build_model
from mixer_viz.training.penalties import copy_cost, filter_roughness
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.stepper import Stepper
from tests.training.made_runs import CLASSES, RECIPE

COPIES = dataclasses.replace(RECIPE, copy_penalty=1.0, lr=1e-3, warmup_epochs=0.0)


@torch.no_grad()
def with_copies(model: MlpMixer, spread: float = 0.05) -> MlpMixer:
    """In every block the first half of the units alike, and the second half alike in the opposite way."""
    for block in model.blocks:
        rows = block.token_mixing.fc1.weight  # (10, 16)
        pattern = torch.randn(rows.shape[1], generator=torch.Generator().manual_seed(1))
        signs = torch.where(torch.arange(len(rows)) < len(rows) // 2, 1.0, -1.0)
        noise = torch.randn(rows.shape, generator=torch.Generator().manual_seed(2))
        rows.copy_(0.05 * (signs[:, None] * pattern + spread * noise))
    return model


def rows_of(model: nn.Module) -> list[np.ndarray]:
    return [block.token_mixing.fc1.weight.detach().numpy() for block in model.blocks]  # type: ignore[attr-defined]


def test_the_cost_is_that_of_its_definition() -> None:
    model = with_copies(build_model(RECIPE, CLASSES), spread=0.6)
    expected = []
    for rows in rows_of(model):
        cosine = unit_rows(rows) @ unit_rows(rows).T
        np.fill_diagonal(cosine, -1)
        expected.append((np.maximum(cosine - 0.5, 0) ** 2).sum(axis=1).mean())
    assert copy_cost(model, 0.5).item() == pytest.approx(np.mean(expected), rel=1e-5)
    assert np.mean(expected) > 0.01


def test_opposing_units_and_units_of_their_own_cost_nothing() -> None:
    model = build_model(RECIPE, CLASSES)
    with torch.no_grad():
        for block in model.blocks:
            rows = block.token_mixing.fc1.weight
            rows.zero_()
            rows[:5, :5] = torch.eye(5)
            rows[5:, :5] = -torch.eye(5)
    assert copy_cost(model, 0.1).item() == 0


def test_what_all_places_have_in_common_does_not_count() -> None:
    model = build_model(RECIPE, CLASSES)
    before = copy_cost(model, 0.2)
    with torch.no_grad():
        for block in model.blocks:
            block.token_mixing.fc1.weight.add_(3.0)
    assert copy_cost(model, 0.2).item() == pytest.approx(before.item(), rel=1e-3)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_steps_with_the_penalty_part_copies_and_leave_opposing_units(penalty: float) -> None:
    stepper = Stepper(dataclasses.replace(COPIES, copy_penalty=penalty), CLASSES, torch.device("cpu"), 4)
    with_copies(stepper.model)
    pixels, labels = torch.randn(8, 3, 8, 8), torch.tensor([0, 1] * 4)
    for _ in range(20):
        stepper.step(stepper.model, pixels, labels)
    distinct = [count_distinct(rows) for rows in rows_of(stepper.model)]
    assert min(distinct) >= 6 if penalty else max(distinct) == 2
    for rows in rows_of(stepper.model):
        cosine = unit_rows(rows) @ unit_rows(rows).T
        assert cosine[:5, 5:].mean() < -0.6


def test_a_network_without_such_units_is_told_so() -> None:
    for other in ({"token_mixer": "attention"}, {"network": "convnet", "optimizer": "sgd"}):
        with pytest.raises(ValueError, match="copy_penalty is for the hidden units of token-mixing MLPs"):
            Recipe(copy_penalty=0.5, **other)
    with pytest.raises(ValueError, match="copy_cosine=2 must be between 0 and 1"):
        Recipe(copy_cosine=2)


@torch.no_grad()
def test_roughness_is_one_for_white_noise_and_little_for_a_ramp() -> None:
    model = build_model(dataclasses.replace(RECIPE, embed_dim=2000), CLASSES)
    patch = RECIPE.patch_size
    assert patch == 2 and model.stem.weight.shape == (2000, 3, patch, patch)
    model.stem.weight.normal_(generator=torch.Generator().manual_seed(0))
    assert filter_roughness(model).item() == pytest.approx(1, abs=0.03)
    model.stem.weight.copy_(torch.tensor([1.0, 2.0]))  # from left to right only: 1 / (4 * 0.25 * 4 / 3)
    assert filter_roughness(model).item() == pytest.approx(0.75)
    model.stem.weight.mul_(-7).add_(3)
    assert filter_roughness(model).item() == pytest.approx(0.75)
    model.stem.weight.fill_(5)
    assert filter_roughness(model).item() == 0


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_steps_with_the_penalty_smooth_the_filters(penalty: float) -> None:
    recipe = dataclasses.replace(
        RECIPE, image_size=16, patch_size=4, epochs=50, stem_roughness_penalty=penalty, lr=3e-3, warmup_epochs=0.0
    )
    stepper = Stepper(recipe, CLASSES, torch.device("cpu"), 4)
    before = filter_roughness(stepper.model).item()
    pixels, labels = torch.randn(8, 3, 16, 16), torch.tensor([0, 1] * 4)
    for _ in range(100):
        stepper.step(stepper.model, pixels, labels)
    after = filter_roughness(stepper.model).item()
    assert after < 0.7 * before if penalty else after == pytest.approx(before, rel=0.1)


def test_filters_of_one_pixel_are_not_rough_and_a_convolutional_network_has_none() -> None:
    model = build_model(dataclasses.replace(RECIPE, image_size=4, patch_size=1), CLASSES)
    filter_roughness(model).backward()
    assert filter_roughness(model).item() == 0
    with pytest.raises(ValueError, match="stem_roughness_penalty is for patch-embedding filters"):
        Recipe(stem_roughness_penalty=0.5, network="convnet", optimizer="sgd")
