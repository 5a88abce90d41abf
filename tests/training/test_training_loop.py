"""What one run learns and leaves behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import mixer_viz as mv
from mixer_viz.training import precision
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.state import EpochResult, RunFolder, read_checkpoint
from tests.training.conftest import MakeTree
from tests.training.made_runs import RECIPE, SIZES, arguments, resume, write_tree

EPOCHS = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one finished run; its data lie in `data` beside it."""
    out = tmp_path_factory.mktemp("run") / "out"
    assert main(arguments(write_tree(out.parent / "data"), out, epochs=EPOCHS, mix_probability=0.2)) == 0
    return out


def log_rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_classes_that_a_glance_tells_apart_are_learned(run: Path) -> None:
    rows = log_rows(run)
    assert float(rows[-1]["test_accuracy"]) >= 90
    assert float(rows[-1]["test_loss"]) < float(rows[0]["test_loss"])
    # The logged figure is that of the file, read as anyone would read it.
    model = mv.load_model(run / "model.safetensors", device="cpu")
    names = model.config.class_names
    assert names is not None
    right = [
        names[int(model(mv.preprocess(mv.open_image(path), model)).argmax())] == path.parent.name
        for path in sorted((run.parent / "data" / "test").rglob("*.png"))
    ]
    assert 100 * sum(right) / len(right) == pytest.approx(float(rows[-1]["test_accuracy"]))


def test_the_files_of_a_finished_run(run: Path) -> None:
    files = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    snapshots = [f"snapshots/epoch-{epoch:04d}.safetensors" for epoch in (0, 1, 2, 5, 10, EPOCHS)]
    assert files == sorted(["last.pt", "log.csv", "model.safetensors", *snapshots])
    model = mv.load_model(run / "model.safetensors", device="cpu")
    assert model.config.class_names == ("lower", "upper")
    assert {name: getattr(model.config, name) for name in SIZES} == SIZES
    averaged = read_checkpoint(run)["averaged"]
    assert all(torch.equal(value, averaged[f"module.{name}"]) for name, value in model.state_dict().items())


def test_the_log_has_a_line_per_epoch(run: Path) -> None:
    rows = log_rows(run)
    assert [int(row["epoch"]) for row in rows] == list(range(1, EPOCHS + 1))
    rates = [float(row["lr"]) for row in rows]
    assert rates[0] == max(rates) == RECIPE.lr  # one epoch of warm-up
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(RECIPE.min_lr)
    assert all(float(row["images_per_second"]) > 0 and float(row["seconds"]) > 0 for row in rows)


def test_a_line_that_a_cut_off_run_left_is_replaced(tmp_path: Path) -> None:
    for epoch, loss in ((1, 3.0), (2, 2.0), (3, 1.0), (2, 1.5)):
        RunFolder(tmp_path).log(EpochResult(epoch, 0.1, loss, loss, 50.0, 10.0, 1.0))
    assert [(row["epoch"], row["train_loss"]) for row in log_rows(tmp_path)] == [("1", "3.0"), ("2", "1.5")]


def test_snapshots_hold_the_mixing_weights_of_their_epoch_in_half_precision(run: Path) -> None:
    final = mv.load_model(run / "model.safetensors", device="cpu").state_dict()
    start = build_model(RECIPE, ("lower", "upper")).state_dict()
    for epoch, expected in ((0, start), (EPOCHS, final)):
        with safe_open(run / "snapshots" / f"epoch-{epoch:04d}.safetensors", "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        assert set(tensors) == {name for name in expected if ".token_mixing." in name}
        assert all(torch.equal(value, expected[name].half()) for name, value in tensors.items())
        assert int(metadata["epoch"]) == epoch
        assert json.loads(metadata["mixer_viz_config"])["tokens_mlp_dim"] == SIZES["tokens_mlp_dim"]
        assert ("test_accuracy" in metadata) is (epoch > 0)


def test_the_checkpoint_has_the_keys_that_older_and_newer_runs_share(run: Path) -> None:
    state = read_checkpoint(run)
    position = {"epoch": EPOCHS, "step": 0, "precision": "float32", "format": 1, "class_names": ["lower", "upper"]}
    assert {name: state[name] for name in position} == position
    rest = {"recipe", "model", "averaged", "optimizer", "schedule", "random"}
    assert set(state) == rest | set(position)
    assert len(state["random"]) == 1


def test_a_plain_tree_of_larger_pictures_trains_as_well(make_tree: MakeTree, tmp_path: Path) -> None:
    assert main(arguments(make_tree(test=None, size=16), tmp_path / "out", epochs=1, batch_size=14)) == 0
    assert len(log_rows(tmp_path / "out")) == 1


def test_half_precision_on_demand_is_kept_by_a_resumed_run(make_tree: MakeTree, tmp_path: Path) -> None:
    data, out = make_tree(count=8), tmp_path / "out"
    assert main(arguments(data, out, epochs=1, precision="bf16")) == 0
    state = read_checkpoint(out)
    assert state["precision"] == "bfloat16"
    assert {value.dtype for value in state["model"].values()} == {torch.float32}
    assert resume(data, out) == 0
    assert read_checkpoint(out)["precision"] == "bfloat16"


@pytest.mark.parametrize(("slow", "chosen"), [(torch.float32, torch.bfloat16), (torch.bfloat16, torch.float32)])
def test_the_faster_precision_is_chosen(
    slow: torch.dtype, chosen: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_time_steps", lambda model, pixels, dtype: 2.0 if dtype == slow else 1.0)
    model = build_model(RECIPE, ("a", "b"))
    assert choose_precision("auto", model, 8) == chosen
    assert choose_precision("fp32", model, 8) == torch.float32
    assert choose_precision("bf16", model, 8) == torch.bfloat16


def test_measuring_the_precision_leaves_the_model_alone() -> None:
    model = build_model(RECIPE, ("a", "b"))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert choose_precision("auto", model, 8) in (torch.float32, torch.bfloat16)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
