"""Training that is watched: its steps are those of the training command, and one update adds up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.training.cli import main
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH
from mixer_viz.training.live.presets import recipe_with
from mixer_viz.training.live.session import PARTS, LiveTraining
from mixer_viz.training.recipe import Recipe
from tests.training.made_runs import stop_after

CPU = torch.device("cpu")
SEED_OF_A_SHORT_PLATEAU = 3
TINY = Recipe(
    patch_size=8,
    embed_dim=12,
    num_blocks=2,
    tokens_mlp_dim=8,
    channels_mlp_dim=16,
    epochs=2,
    batch_size=8,
    warmup_epochs=0.2,
    mix_probability=0.0,
    precision="fp32",
    ema_decay=0.9,
    seed=3,
)


def live(task: str = "where", recipe: Recipe = TINY) -> LiveTraining:
    return LiveTraining(recipe, DRAWN_TASKS[task], CPU)


def test_steps_are_those_of_the_training_command(tmp_path: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.as_dict().items() if _given(name, value)]
    assert main(["--data=where", f"--out={tmp_path}", "--quiet", "--workers=0", "--device=cpu", *options]) == 0
    training = live()
    assert training.num_steps == 2 * STEPS_PER_EPOCH
    for steps in (1, 7, STEPS_PER_EPOCH, STEPS_PER_EPOCH - 8):  # in whatever portions
        training.advance(steps)
    trained = mv.load_model(tmp_path / "model.safetensors", device="cpu").state_dict()
    for name, value in training.averaged_model.state_dict().items():
        assert torch.equal(trained[name], value), name
    result = json.loads((tmp_path / "result.json").read_text())
    loss, accuracy = training.measure()
    assert result["test_accuracy"] == pytest.approx(100 * accuracy)
    assert result["test_loss"] == pytest.approx(loss)
    assert (result["test_images"], result["validation_images"]) == (2000, 1000)


def _given(name: str, value: object) -> bool:
    return value != getattr(Recipe(), name)


def test_a_cut_off_run_on_drawn_pictures_goes_on_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--data=where", "--quiet", "--workers=0", "--device=cpu", "--patch-size=16", "--embed-dim=8"]
    options += ["--num-blocks=1", "--tokens-mlp-dim=4", "--channels-mlp-dim=8", "--batch-size=4", "--precision=fp32"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main([*options, f"--out={whole}", "--epochs=2", "--warmup-epochs=0"]) == 0
    with monkeypatch.context() as patched:
        stop_after(60, patched)
        assert main([*options, f"--out={cut}", "--epochs=2", "--warmup-epochs=0"]) == 130
    assert main([*options, f"--out={cut}", "--resume"]) == 0
    first, second = (mv.load_model(folder / "model.safetensors", "cpu").state_dict() for folder in (whole, cut))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    first, again, other = live(), live(), live(recipe=TINY.__class__(**TINY.as_dict() | {"seed": 4}))
    steps = [training.advance(5) for training in (first, again, other)]
    assert steps[0] == steps[1]
    assert steps[0].loss != steps[2].loss
    assert steps[0].step == 5


def test_it_learns_where_the_spot_is() -> None:
    training = live(recipe=Recipe(**TINY.as_dict() | {"lr": 0.01, "batch_size": 32, "embed_dim": 32}))
    _, before = training.measure()
    training.advance(100)
    _, after = training.measure()
    assert before < 0.3  # nine places
    assert after > 0.6


def test_without_mixing_the_comparing_task_stays_at_chance() -> None:
    recipe = Recipe(**TINY.as_dict() | {"token_mixer": "identity", "lr": 0.01, "batch_size": 32, "embed_dim": 32})
    training = live("same-or-different", recipe)
    training.advance(100)
    _, accuracy = training.measure()
    # Four standard deviations of 2,000 answers that are right by chance.
    assert accuracy == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 2000))


def test_with_token_mixing_the_comparing_task_is_learned() -> None:
    """What the page promises beside the test above: the MLP over tokens in the place of nothing."""
    training = live("same-or-different", recipe_with(epochs=80, token_mixing_std=0.1, seed=SEED_OF_A_SHORT_PLATEAU))
    best = 0.0
    while best < 0.95 and training.step < 1500:
        training.advance(100)
        best = max(best, training.measure(400)[1])
    assert best >= 0.95


def test_one_step_adds_up() -> None:
    training = live()
    training.advance(3)
    row = training.model.blocks[1].token_mixing.fc1.weight
    start = row.detach().clone()
    seen = training.one_step(block=1, unit=5)
    assert training.step == 4
    assert seen.before.shape == seen.gradient.shape == seen.update.shape == (4, 4)
    assert np.array_equal(seen.before, start[5].reshape(4, 4).numpy())
    assert np.array_equal(seen.after, row[5].detach().reshape(4, 4).numpy())
    assert seen.before + seen.update == pytest.approx(seen.after, abs=1e-7)
    assert np.abs(seen.update).max() > 0
    together = live()
    together.advance(4)
    assert torch.equal(together.model.blocks[1].token_mixing.fc1.weight, row)  # a look changes nothing


def test_the_gradient_is_that_of_the_loss() -> None:
    training = live()
    twin = live()
    seen = training.one_step(block=0, unit=2)
    pixels, labels = twin._batch()
    row = twin.model.blocks[0].token_mixing.fc1.weight
    losses = []
    with torch.no_grad():
        for sign in (1, -1):
            row[2, 6] += sign * 1e-2
            losses.append(twin.stepper.loss(twin.model(pixels), labels).double())
            row[2, 6] -= sign * 1e-2
    assert (losses[0] - losses[1]) / 2e-2 == pytest.approx(seen.gradient.flatten()[6], rel=0.05, abs=1e-5)


def test_norms_cover_every_part() -> None:
    training = live()
    assert {gradient for _, gradient in training.norms().values()} == {0.0}  # before the first step
    training.advance(2)  # the head starts at zero, so the first step reaches nothing but it
    norms = training.norms()
    assert tuple(norms) == PARTS
    assert all(gradient > 0 for _, gradient in norms.values())
    total = sum(float(p.detach().square().sum()) for name, p in training.model.named_parameters() if "norm" not in name)
    assert sum(weights**2 for weights, _ in norms.values()) == pytest.approx(total, rel=1e-4)


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(ValueError, match="give mix_probability=0"):
        live(recipe=Recipe())
    with pytest.raises(ValueError, match="give --image-size 32"):
        live(recipe=Recipe(**TINY.as_dict() | {"image_size": 16}))
    training = live(recipe=Recipe(**TINY.as_dict() | {"token_mixer": "pooling"}))
    with pytest.raises(ValueError, match="choose the MLP over tokens"):
        training.one_step(0, 0)


def test_a_training_that_diverges_says_so() -> None:
    training = live(recipe=Recipe(**TINY.as_dict() | {"lr": 1e30, "min_lr": 1e30, "warmup_epochs": 0.0}))
    with pytest.raises(ValueError, match=r"no longer a number at step \d+: the learning rate is too high"):
        training.advance(20)
