"""A teacher that is asked once for every view, of which some come again, and one that looks at mirror images too."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mixer_viz.checkpoints.networks import load_network
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.distillation import RepeatedViews, Teacher, open_teacher
from mixer_viz.training.loop import Trainer
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint
from tests.training.made_runs import CLASSES, RECIPE, arguments, differing_runs, resume, stop_after, write_tree

STEPS = 4  # in an epoch of these runs


@pytest.mark.parametrize(
    ("augment", "workers", "flip"),
    [("none", 0, False), ("none", 0, True), ("trivial", 0, False), ("trivial", 1, False)],
)
def test_views_come_again_and_the_teacher_is_asked_once_for_each(
    augment: str, workers: int, flip: bool, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the teacher looks at mirror images too, the student sees them every other time."""
    shown: list[Tensor] = []
    asked: list[Tensor] = []
    step, logits = Trainer._train_step, Teacher.logits

    def watched(trainer: Trainer, network: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        shown.append(pixels.clone())
        return step(trainer, network, pixels, labels)

    def heard(own: Teacher, pixels: Tensor) -> Tensor:
        asked.append(pixels.clone())
        return logits(own, pixels)

    monkeypatch.setattr(Trainer, "_train_step", watched)
    monkeypatch.setattr(Teacher, "logits", heard)
    data = write_tree(tmp_path / "data")
    changes: dict[str, Any] = {
        "teacher": teacher,
        "teacher_views": 2,
        "teacher_flip": flip,
        "mix_probability": 0.5,
        "epochs": 5,
        "auto_augment": augment,
    }
    assert main(arguments(data, tmp_path / "out", workers, **changes)) == 0

    epochs = [torch.stack(shown[first : first + STEPS]) for first in range(0, len(shown), STEPS)]
    assert torch.equal(torch.stack(asked), torch.cat(epochs[:2]))
    assert not torch.equal(epochs[0], epochs[1])
    mirrored = [epoch.flip(4) if flip and index in (2, 3) else epoch for index, epoch in enumerate(epochs)]
    assert all(torch.equal(epoch, epochs[index % 2]) for index, epoch in enumerate(mirrored))
    (kept,) = read_checkpoint(tmp_path / "out")["taught"]
    network = load_network(teacher, "cpu")
    with torch.no_grad():
        said = torch.stack([network(pixels) for pixels in asked])
        if flip:
            said = (said + torch.stack([network(pixels.flip(3)) for pixels in asked])) / 2
    torch.testing.assert_close(kept, said.view_as(kept).half(), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("steps", [2, STEPS, 2 * STEPS + 1, 3 * STEPS])
def test_a_run_of_repeated_views_resumes_exactly(
    steps: int, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_tree(tmp_path / "data")
    changes: dict[str, Any] = {"teacher": teacher, "teacher_views": 2, "teacher_flip": True, "mix_probability": 0.5}
    assert main(arguments(data, tmp_path / "whole", **changes)) == 0
    with monkeypatch.context() as patch:
        stop_after(steps, patch)
        assert main(arguments(data, tmp_path / "cut", **changes)) in (0, 130)
    assert resume(data, tmp_path / "cut") == 0
    assert differing_runs(tmp_path / "cut", tmp_path / "whole") == []


def test_each_of_two_processes_keeps_what_the_teacher_said_to_it(teacher: Path, tmp_path: Path) -> None:
    data, out = write_tree(tmp_path / "data"), tmp_path / "out"
    options = arguments(data, out, epochs=2, batch_size=4, teacher=teacher, teacher_views=1)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "mixer_viz.training", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    first, second = read_checkpoint(out)["taught"]
    assert first.abs().min() > 0 and second.abs().min() > 0
    assert not torch.equal(first, second)


def test_a_teacher_that_looks_at_mirror_images_says_the_same_of_both(teacher: Path) -> None:
    student = build_model(RECIPE, CLASSES)
    plain, flipped = (
        open_teacher(dataclasses.replace(RECIPE, teacher=str(teacher), teacher_flip=flip), student, torch.device("cpu"))
        for flip in (False, True)
    )
    assert plain is not None and flipped is not None
    pixels = torch.rand(3, 3, 8, 8)
    mirrored = pixels.flip(3)
    assert not torch.allclose(plain.logits(pixels), plain.logits(mirrored))
    torch.testing.assert_close(flipped.logits(pixels), flipped.logits(mirrored))
    torch.testing.assert_close(flipped.logits(pixels), (plain.logits(pixels) + plain.logits(mirrored)) / 2)


@pytest.mark.parametrize(("steps", "words"), [(10_000, "give 1 or less"), (99_000, "leave it away")])
def test_logits_that_memory_cannot_hold(steps: int, words: str) -> None:
    recipe = Recipe(teacher="teacher.safetensors", teacher_views=3, batch_size=128)
    with pytest.raises(ValueError, match=words):
        RepeatedViews(recipe, steps, 500)


@pytest.mark.parametrize("changes", [{"teacher_views": 2}, {"teacher_flip": True}])
def test_views_without_a_teacher(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="say how a teacher is asked; name one"):
        Recipe(**changes)
    with pytest.raises(ValueError, match="teacher_views=-1 must not be negative"):
        Recipe(teacher="teacher.safetensors", teacher_views=-1)
