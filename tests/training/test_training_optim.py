"""Initial weights, parameter groups and the learning rate."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
import torch

from mixer_viz.training.build import build_model
from mixer_viz.training.optim import build_optimizers, build_schedule, learning_rate_factor
from mixer_viz.training.recipe import Recipe
from tests.training.made_runs import RECIPE

STEPS = 10  # per epoch
SCHEDULE = Recipe(epochs=10, warmup_epochs=2.0, lr=1e-2, min_lr=1e-4)
LARGE = dataclasses.replace(
    RECIPE, embed_dim=64, tokens_mlp_dim=256, channels_mlp_dim=128, image_size=32, token_mixing_std=0.01
)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_its_floor() -> None:
    factors = [learning_rate_factor(step, SCHEDULE, STEPS) for step in range(10 * STEPS + 1)]
    assert factors[0] == pytest.approx(1 / 21)
    assert factors[19] == pytest.approx(20 / 21)
    assert factors[20] == max(factors) == 1.0
    assert factors[60] == pytest.approx((1 + 0.01) / 2)  # halfway down, the mean of peak and floor
    assert factors[-1] == pytest.approx(0.01)
    assert all(a < b for a, b in itertools.pairwise(factors[:21]))
    assert all(a > b for a, b in itertools.pairwise(factors[20:]))
    assert learning_rate_factor(10_000, SCHEDULE, STEPS) == pytest.approx(0.01)


def test_the_learning_rate_without_warm_up_starts_at_its_peak() -> None:
    recipe = dataclasses.replace(SCHEDULE, warmup_epochs=0.0, min_lr=0.0)
    assert learning_rate_factor(0, recipe, STEPS) == 1.0
    assert learning_rate_factor(100, recipe, STEPS) == pytest.approx(0.0)


def test_a_run_shorter_than_its_warm_up_never_divides_by_zero() -> None:
    recipe = dataclasses.replace(SCHEDULE, epochs=1, warmup_epochs=1.0)
    assert learning_rate_factor(STEPS, recipe, STEPS) == 1.0
    assert learning_rate_factor(STEPS + 1, recipe, STEPS) == pytest.approx(0.01)


def test_the_optimiser_follows_the_schedule_in_every_group() -> None:
    (optimizer,) = build_optimizers(build_model(RECIPE, ("a", "b")), SCHEDULE)
    schedule = build_schedule(optimizer, SCHEDULE, STEPS)
    for step in range(30):
        expected = SCHEDULE.lr * learning_rate_factor(step, SCHEDULE, STEPS)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([expected] * 5)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "muon-all"])
def test_every_parameter_is_in_the_group_with_its_weight_decay(optimizer: str) -> None:
    recipe = dataclasses.replace(
        RECIPE, weight_decay=0.05, token_mixing_weight_decay=0.2, stem_weight_decay=0.3, optimizer=optimizer
    )
    model = build_model(recipe, ("a", "b", "c"))
    groups = [group for each in build_optimizers(model, recipe) for group in each.param_groups]
    decays = [(id(parameter), group["weight_decay"]) for group in groups for parameter in group["params"]]
    assert len(decays) == len(dict(decays)) == len(list(model.parameters()))
    by_name = {name: dict(decays)[id(parameter)] for name, parameter in model.named_parameters()}
    mixing = {f"blocks.{block}.token_mixing.{layer}.weight" for block in range(2) for layer in ("fc1", "fc2")}
    assert {name for name, decay in by_name.items() if decay == 0.2} == mixing
    free = {name for name, decay in by_name.items() if decay == 0.0}
    assert free == {name for name in by_name if name.endswith("bias") or "norm" in name}
    assert {name for name, decay in by_name.items() if decay == 0.3} == {"stem.weight"}
    assert {name for name, decay in by_name.items() if decay == 0.05} == set(by_name) - mixing - free - {"stem.weight"}


@pytest.mark.parametrize(
    ("optimizer", "parts"),
    [("adamw", set()), ("muon", {"channel_mixing"}), ("muon-all", {"channel_mixing", "token_mixing"}), ("sgd", set())],
)
def test_which_matrices_muon_gets(optimizer: str, parts: set[str]) -> None:
    model = build_model(RECIPE, ("a", "b"))
    optimizers = build_optimizers(model, dataclasses.replace(RECIPE, optimizer=optimizer))
    muon = [each for each in optimizers if isinstance(each, torch.optim.Muon)]
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    given = {names[id(p)] for each in muon for group in each.param_groups for p in group["params"]}
    assert given == {
        name for name in names.values() if name.endswith("weight") and any(f".{part}." in name for part in parts)
    }
    everything = [id(p) for each in optimizers for group in each.param_groups for p in group["params"]]
    assert sorted(everything) == sorted(names)


def test_muon_leaves_convolutions_to_adamw() -> None:
    recipe = dataclasses.replace(RECIPE, token_mixer="convolution", optimizer="muon-all")
    optimizers = build_optimizers(build_model(recipe, ("a", "b")), recipe)
    assert {parameter.ndim for group in optimizers[1].param_groups for parameter in group["params"]} == {2}


@pytest.mark.parametrize("token_mixer", ["shift", "nonlocal_shift", "pooling", "identity"])
def test_muon_gets_no_empty_group_from_a_mixer_without_weights(token_mixer: str) -> None:
    recipe = dataclasses.replace(RECIPE, token_mixer=token_mixer, optimizer="muon-all", embed_dim=24)
    optimizers = build_optimizers(build_model(recipe, ("a", "b")), recipe)
    assert all(group["params"] for each in optimizers for group in each.param_groups)


def test_the_filters_of_the_stem_start_as_asked_for() -> None:
    stem = build_model(dataclasses.replace(LARGE, stem_std=0.02), ("a", "b")).stem.weight
    assert stem.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_norms_of_the_convnet_learn_faster_and_decay_as_fast() -> None:
    recipe = Recipe(network="convnet", convnet_width=4, optimizer="sgd", lr=0.1, weight_decay=0.01)
    model = build_model(recipe, ("a", "b"))
    (sgd,) = build_optimizers(model, recipe)
    slow, fast = sgd.param_groups
    assert {id(p) for p in fast["params"]} == {
        id(p) for n, p in model.named_parameters() if n.endswith("norm1.bias") or n.endswith("norm2.bias")
    }
    assert fast["lr"] == pytest.approx(6.4)
    assert fast["lr"] * fast["weight_decay"] == pytest.approx(slow["lr"] * slow["weight_decay"])


def test_initial_weights() -> None:
    model = build_model(LARGE, ("a", "b", "c"))
    parameters = dict(model.named_parameters())
    # Those beside W1 may set working points; whatever the choice, they stay in the range of torch's own start.
    assert all(
        value.abs().max().item() <= (1 / 16 if name.endswith("token_mixing.fc1.bias") else 0)
        for name, value in parameters.items()
        if name.endswith("bias")
    )
    assert not model.head.weight.any()
    assert model.stem.weight.std().item() == pytest.approx(1 / math.sqrt(3 * 2 * 2), rel=0.1)
    for block in range(2):
        for layer in ("fc1", "fc2"):
            mixing = parameters[f"blocks.{block}.token_mixing.{layer}.weight"]
            assert mixing.std().item() == pytest.approx(0.01, rel=0.05)
            assert abs(mixing.mean().item()) < 1e-3
            channel = parameters[f"blocks.{block}.channel_mixing.{layer}.weight"]
            assert channel.abs().max().item() == pytest.approx(math.sqrt(6 / (64 + 128)), rel=0.05)
        assert parameters[f"blocks.{block}.norm1.weight"].eq(1).all()


def test_initial_weights_follow_the_seed() -> None:
    first, again = (build_model(RECIPE, ("a", "b")).state_dict() for _ in range(2))
    other = build_model(dataclasses.replace(RECIPE, seed=1), ("a", "b")).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["stem.weight"], other["stem.weight"])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epochs": 0}, "epochs=0 must be above 0"),
        ({"lr": -1.0}, "lr=-1.0 must be above 0"),
        ({"cutmix": -0.1}, "cutmix=-0.1 must not be negative"),
        ({"mix_probability": 1.5}, "mix_probability=1.5 must be between 0 and 1"),
        ({"min_lr": 1.0}, "min_lr=1.0 must not exceed lr=0.01"),
        ({"crop": "round"}, "crop='round' must be one of auto, pad, resized"),
    ],
)
def test_a_recipe_that_makes_no_sense(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        dataclasses.replace(RECIPE, **values)
