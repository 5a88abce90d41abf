"""What one run learns and leaves behind."""

from __future__ import annotations

import csv
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import mixer_viz as mv
from mixer_viz.training import loop, precision
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.state import EpochResult, RunFolder, read_checkpoint, snapshot_epochs
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
    assert float(rows[-1]["validation_accuracy"]) >= 75  # of eight images
    assert float(rows[-1]["validation_loss"]) < float(rows[0]["validation_loss"])
    result = json.loads((run / "result.json").read_text())
    assert result["test_accuracy"] >= 90
    assert (result["test_images"], result["validation_images"]) == (40, 8)
    assert result["validation_accuracy"] == pytest.approx(float(rows[-1]["validation_accuracy"]))
    # The stored figure is that of the file, read as anyone would read it.
    model = mv.load_model(run / "model.safetensors", device="cpu")
    names = model.config.class_names
    assert names is not None
    right = [
        names[int(model(mv.preprocess(mv.open_image(path), model)).argmax())] == path.parent.name
        for path in sorted((run.parent / "data" / "test").rglob("*.png"))
    ]
    assert 100 * sum(right) / len(right) == pytest.approx(result["test_accuracy"])


def test_the_files_of_a_finished_run(run: Path) -> None:
    files = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    snapshots = [f"snapshots/epoch-{epoch:04d}.safetensors" for epoch in range(EPOCHS + 1)]
    assert files == sorted(["last.pt", "log.csv", "model.safetensors", "result.json", *snapshots])
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
    assert all(0 < float(row["outside_share"]) < 1 for row in rows)


def test_a_line_that_a_cut_off_run_left_is_replaced(tmp_path: Path) -> None:
    for epoch, loss in ((1, 3.0), (2, 2.0), (3, 1.0), (2, 1.5)):
        RunFolder(tmp_path).log(EpochResult(epoch, 0.1, loss, loss, 50.0, 10.0, 1.0, 0.1))
    assert [(row["epoch"], row["train_loss"]) for row in log_rows(tmp_path)] == [("1", "3.0"), ("2", "1.5")]


def test_snapshots_hold_the_averaged_weights_of_their_epoch_in_half_precision(run: Path) -> None:
    final = mv.load_model(run / "model.safetensors", device="cpu").state_dict()
    start = build_model(RECIPE, ("lower", "upper")).state_dict()
    for epoch, expected in ((0, start), (EPOCHS, final)):
        with safe_open(run / "snapshots" / f"epoch-{epoch:04d}.safetensors", "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        assert set(tensors) == set(expected)
        assert all(torch.equal(value, expected[name].half()) for name, value in tensors.items())
        assert int(metadata["epoch"]) == epoch
        assert json.loads(metadata["mixer_viz_config"])["tokens_mlp_dim"] == SIZES["tokens_mlp_dim"]
        assert ("validation_accuracy" in metadata) is (epoch > 0)


def test_the_checkpoint_has_the_keys_that_older_and_newer_runs_share(run: Path) -> None:
    state = read_checkpoint(run)
    position = {
        "epoch": EPOCHS,
        "step": 0,
        "precision": "float32",
        "format": 2,
        "teacher_sha256": None,
        "class_names": ["lower", "upper"],
    }
    assert {name: state[name] for name in position} == position
    rest = {"recipe", "model", "averaged", "optimizers", "schedules", "random"}
    assert set(state) == rest | set(position)
    assert len(state["random"]) == 1


def test_the_test_part_is_measured_once_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    evaluate = loop.evaluate

    def counted(model: Any, loader: Any) -> tuple[float, float, int]:
        measured.append(len(loader.dataset))
        return evaluate(model, loader)

    monkeypatch.setattr(loop, "evaluate", counted)
    data = write_tree(tmp_path / "data", count=25)  # 50 for testing; of 50 for training, ten are held out
    assert main(arguments(data, tmp_path / "out", epochs=3)) == 0
    assert measured == [10, 10, 10, 50, 10]
    assert resume(data, tmp_path / "out") == 0
    assert len(measured) == 5


def test_a_training_that_diverges_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_tree(tmp_path / "data")
    assert main(arguments(data, tmp_path / "out", lr=1e30, clip_norm=1e30, warmup_epochs=0.0, optimizer="sgd")) == 2
    assert "The loss is no longer a number in epoch 1" in capsys.readouterr().err
    assert not (tmp_path / "out" / "log.csv").exists()


def test_a_new_run_does_not_keep_the_result_of_one_that_was_deleted(tmp_path: Path) -> None:
    data, out = write_tree(tmp_path / "data"), tmp_path / "out"
    out.mkdir()
    (out / "result.json").write_text('{"test_accuracy": 1.5}')
    assert main(arguments(data, out, epochs=1)) == 0
    assert json.loads((out / "result.json").read_text())["test_images"] == 40


def test_without_validation_images_the_epochs_have_no_accuracy(tmp_path: Path) -> None:
    assert main(arguments(write_tree(tmp_path / "data"), tmp_path / "out", epochs=1, validation_share=0.0)) == 0
    (row,) = log_rows(tmp_path / "out")
    assert math.isnan(float(row["validation_accuracy"]))
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["validation_accuracy"] is None
    assert result["test_images"] == 40


@pytest.mark.parametrize("epochs", [1, 2, 5, 15, 16, 40, 150, 300])
def test_snapshots_lie_evenly_in_the_logarithm_of_the_epoch(epochs: int) -> None:
    moments = sorted(snapshot_epochs(epochs))
    assert (moments[0], moments[1], moments[-1]) == (0, 1, epochs)
    assert min(16, epochs + 1) <= len(moments) <= 18
    steps = [math.log(b / a) for a, b in itertools.pairwise(moments) if a >= 10]
    assert epochs < 40 or max(steps) < 1.6 * min(steps)


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
