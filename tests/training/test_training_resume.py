"""A run that was interrupted and resumed ends bit for bit where an uninterrupted one ends."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from mixer_viz.training.cli import main
from mixer_viz.training.loop import Trainer
from mixer_viz.training.state import read_checkpoint
from tests.training.made_runs import arguments, differing, differing_runs, resume, stop_after, write_tree

# From Python 3.12 on a fork in a process with threads is warned about; the loader's workers are forked.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

EPOCHS, STEPS = 4, 4  # STEPS per epoch
CHANGES: dict[str, Any] = {"epochs": EPOCHS, "auto_augment": "trivial", "cutmix": 1.0, "mixup": 0.5}

Uninterrupted = Callable[[int], tuple[Path, Path]]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    """Number of workers -> the data and the folder of a run that nothing disturbed, made once for all tests."""
    root = tmp_path_factory.mktemp("uninterrupted")
    data = write_tree(root / "data")

    def run(workers: int) -> tuple[Path, Path]:
        out = root / f"workers-{workers}"
        if not out.exists():
            assert main(arguments(data, out, workers, **CHANGES)) == 0
        return data, out

    return run


def rates(out: Path) -> list[tuple[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return [(row["epoch"], row["lr"]) for row in csv.DictReader(file)]


def read_tensors(path: Path) -> dict[str, Any]:
    """Tensors and metadata; the order of the metadata differs from file to file."""
    with safe_open(path, "pt") as file:
        return {**{name: file.get_tensor(name) for name in file.keys()}, "metadata": file.metadata()}  # noqa: SIM118


def assert_same_end(out: Path, reference: Path) -> None:
    assert differing_runs(out, reference) == []
    assert rates(out) == rates(reference)
    files = [path.relative_to(reference) for path in reference.rglob("*.safetensors")]
    assert len(files) == 6  # the model, and snapshots of epochs 0 to 4
    assert [name for name in files if differing(read_tensors(out / name), read_tensors(reference / name))] == []


@pytest.mark.parametrize(
    ("workers", "steps", "position"),
    [
        (0, 1, (0, 1)),
        (0, 7, (1, 3)),
        (0, 2 * STEPS, (2, 1)),  # asked for at the last step of an epoch: met at the first of the next one
        (0, 13, (3, 1)),
        (1, 6, (1, 2)),
    ],
)
def test_stopped_by_a_signal_in_mid_epoch(
    workers: int,
    steps: int,
    position: tuple[int, int],
    uninterrupted: Uninterrupted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, reference = uninterrupted(workers)
    with monkeypatch.context() as patch:
        stop_after(steps, patch)
        assert main(arguments(data, tmp_path / "out", workers, **CHANGES)) == 130
    assert "--resume" in capsys.readouterr().err
    state = read_checkpoint(tmp_path / "out")
    assert (state["epoch"], state["step"]) == position
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert resume(data, tmp_path / "out", workers) == 0
    assert_same_end(tmp_path / "out", reference)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("steps", [2 * STEPS + 1, 2 * STEPS + 3])
def test_killed_after_two_epochs(
    workers: int, steps: int, uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, reference = uninterrupted(workers)
    done, train_step = 0, Trainer._train_step

    def counted(trainer: Trainer, *batch: Any) -> Any:
        nonlocal done
        done += 1
        if done == steps:
            raise MemoryError("killed here")
        return train_step(trainer, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", counted)
        with pytest.raises(MemoryError, match="killed here"):
            main(arguments(data, tmp_path / "out", workers, **CHANGES))
    assert read_checkpoint(tmp_path / "out")["epoch"] == 2
    assert resume(data, tmp_path / "out", workers) == 0
    assert_same_end(tmp_path / "out", reference)


def test_killed_between_the_log_and_the_checkpoint(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, reference = uninterrupted(0)
    save = Trainer._save

    def fail_after_third_epoch(trainer: Trainer, random: dict[str, Any]) -> None:
        if trainer.epoch == 3:
            raise MemoryError("killed here")
        save(trainer, random)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", fail_after_third_epoch)
        with pytest.raises(MemoryError, match="killed here"):
            main(arguments(data, tmp_path / "out", **CHANGES))
    assert [epoch for epoch, _ in rates(tmp_path / "out")] == ["1", "2", "3"]
    assert read_checkpoint(tmp_path / "out")["epoch"] == 2
    assert resume(data, tmp_path / "out") == 0
    assert_same_end(tmp_path / "out", reference)


def test_stopped_twice_in_the_same_epoch(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, reference = uninterrupted(0)
    for start in (lambda: main(arguments(data, tmp_path / "out", **CHANGES)), lambda: resume(data, tmp_path / "out")):
        with monkeypatch.context() as patch:
            stop_after(1, patch)
            assert start() == 130
    assert read_checkpoint(tmp_path / "out")["step"] == 2
    assert resume(data, tmp_path / "out") == 0
    assert_same_end(tmp_path / "out", reference)


def test_a_finished_run_resumed_changes_nothing(uninterrupted: Uninterrupted) -> None:
    data, reference = uninterrupted(0)
    log, model = (reference / "log.csv").read_bytes(), read_tensors(reference / "model.safetensors")
    state = read_checkpoint(reference)
    assert resume(data, reference) == 0
    assert (reference / "log.csv").read_bytes() == log
    assert differing(read_tensors(reference / "model.safetensors"), model) == []
    assert differing(read_checkpoint(reference), state) == []


def test_the_comparison_itself_finds_a_single_bit(uninterrupted: Uninterrupted, tmp_path: Path) -> None:
    data, reference = uninterrupted(0)
    assert main(arguments(data, tmp_path / "other", **{**CHANGES, "seed": 1})) == 0
    found = differing_runs(tmp_path / "other", reference)
    assert {path.split("/")[1] for path in found} >= {"recipe", "model", "averaged", "optimizers", "random"}
    weight = torch.ones(3)
    assert differing({"a": [weight]}, {"a": [torch.nextafter(weight, weight + 1)]}) == ["/a/0"]
