"""Training on permuted images is training on plain ones with permuted weights, for a mixer that knows no neighbours."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mixer_viz.model.permuted_input import pixel_order
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.data.labelled import find_data, hold_out_validation
from mixer_viz.training.loop import Trainer
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import RunFolder
from tests.training.made_runs import RECIPE, write_tree

GRID, SIDE = 4, 2
PERMUTED: dict[str, Any] = {"permutation": "patches-and-pixels", "permutation_seed": 1}


def orders(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Order of the patches and order of the pixels inside, from where each place's pixel lies."""
    order = torch.from_numpy(pixel_order(metaformer_config(recipe, ("a", "b")))).reshape(8, 8)
    corners = order[::SIDE, ::SIDE].flatten()
    patches = corners // (8 * SIDE) * GRID + corners % 8 // SIDE
    first = order[:SIDE, :SIDE].flatten()
    return patches, first // 8 % SIDE * SIDE + first % SIDE


def permute(weights: dict[str, Tensor], recipe: Recipe) -> dict[str, Tensor]:
    patches, inside = orders(recipe)
    permuted = dict(weights)
    permuted["stem.weight"] = weights["stem.weight"].flatten(2)[:, :, inside].unflatten(2, (SIDE, SIDE))
    for name, value in weights.items():
        if name.endswith("token_mixing.fc1.weight"):
            permuted[name] = value[:, patches]
        elif ".token_mixing.fc2." in name or name == "position_embedding":
            permuted[name] = value[patches]
    return permuted


def trained(recipe: Recipe, data: Path, out: Path, start: dict[str, Tensor] | None = None) -> tuple[Any, Any]:
    """Weights before and after all epochs; `start` instead of the drawn ones."""
    trainer = Trainer(
        recipe,
        hold_out_validation(find_data(str(data), out, recipe.seed), recipe.validation_share, recipe.seed),
        RunFolder(out),
        Processes(0, 1, torch.device("cpu")),
        workers=0,
        quiet=True,
    )
    if start is not None:
        trainer.model.load_state_dict(start)
        trainer.averaged_model.load_state_dict(start)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.run()
    return before, trainer.model.state_dict()


@pytest.mark.parametrize(("name", "invariant"), [("mlp", True), ("attention", True), ("convolution", False)])
def test_a_run_on_permuted_images_is_the_run_on_plain_ones(name: str, invariant: bool, tmp_path: Path) -> None:
    data = write_tree(tmp_path / "data")
    plain = dataclasses.replace(RECIPE, token_mixer=name, epochs=2, lr=1e-3, mix_probability=1.0)
    permuted = dataclasses.replace(plain, **PERMUTED)
    before, after = trained(plain, data, tmp_path / "plain")
    start = permute(before, permuted)
    _, permuted_after = trained(permuted, data, tmp_path / "permuted", start)
    moved = max(float((after[key] - before[key]).abs().max()) for key in after)
    gap = max(float((value - permuted_after[key]).abs().max()) for key, value in permute(after, permuted).items())
    assert moved > 3e-3
    assert gap < 1e-4 if invariant else gap > 1e-3
    logs = [(tmp_path / run / "log.csv").read_text().splitlines()[1:] for run in ("plain", "permuted")]
    losses = [[float(row.split(",")[3]) for row in log] for log in logs]
    assert (losses[0] == pytest.approx(losses[1], abs=1e-4)) is invariant  # the validation images are permuted as well


def test_the_crop_and_the_flip_come_before_the_permutation(tmp_path: Path) -> None:
    """A loader's batches are the same whatever the permutation: the network itself puts them in order."""
    data = write_tree(tmp_path / "data")
    batches = []
    for recipe in (RECIPE, dataclasses.replace(RECIPE, **PERMUTED)):
        images = find_data(str(data), tmp_path, 0)
        processes = Processes(0, 1, torch.device("cpu"))
        trainer = Trainer(recipe, images, RunFolder(tmp_path / "out"), processes, workers=0, quiet=True)
        batches.append(next(trainer._batches())[0])
    assert torch.equal(*batches)
