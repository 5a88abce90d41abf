"""Images without labels, which a student learns from its teacher alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mixer_viz.training.cli import main
from mixer_viz.training.data import labelled
from mixer_viz.training.data.augment import fitted
from mixer_viz.training.data.labelled import DataError, ImageDataset, find_data, with_unlabelled
from mixer_viz.training.distillation import distillation_loss, taught_loss
from mixer_viz.training.loop import Trainer
from mixer_viz.training.recipe import Recipe
from tests.training.made_runs import RECIPE, arguments, differing_runs, resume, stop_after, write_tree

LOGITS = torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]])
TAUGHT = torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
TAUGHT_RECIPE = dataclasses.replace(RECIPE, teacher="teacher.safetensors", distill_weight=0.6)


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Six pictures of 12 x 10 pixels, in a folder and in one below it, beside a file that is none."""
    root = tmp_path / "more"
    (root / "below").mkdir(parents=True)
    for number in range(6):
        folder = root / "below" if number % 2 else root
        picture = Image.effect_noise((12, 10), 200).convert("RGB")
        picture.save(folder / f"{number}.{'PNG' if number == 3 else 'png'}")
    (root / "list.txt").write_text("none of the pictures")
    return root


def test_with_labels_the_loss_is_a_share_of_each_for_indices_and_for_shares() -> None:
    labels = torch.tensor([2, 0])
    own = nn.CrossEntropyLoss(label_smoothing=TAUGHT_RECIPE.label_smoothing)
    distilled = distillation_loss(LOGITS, TAUGHT, 2.0).mean()
    torch.testing.assert_close(
        taught_loss(LOGITS, labels, TAUGHT, TAUGHT_RECIPE), 0.4 * own(LOGITS, labels) + 0.6 * distilled
    )
    shares = torch.tensor([[0.2, 0.0, 0.8], [0.5, 0.5, 0.0]])
    torch.testing.assert_close(
        taught_loss(LOGITS, shares, TAUGHT, TAUGHT_RECIPE), 0.4 * own(LOGITS, shares) + 0.6 * distilled
    )


def test_of_an_image_without_a_label_the_teacher_says_all() -> None:
    distilled = distillation_loss(LOGITS, TAUGHT, 2.0)
    nobody = torch.tensor([3, 3])
    torch.testing.assert_close(taught_loss(LOGITS, nobody, TAUGHT, TAUGHT_RECIPE), distilled.mean())
    logits = LOGITS.clone().requires_grad_()
    taught_loss(logits, nobody, TAUGHT, TAUGHT_RECIPE).backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_in_a_mixed_image_the_label_counts_for_its_part() -> None:
    """A quarter of the first image is labelled 2, three quarters are not."""
    mixed = torch.tensor([[0.0, 0.0, 0.25, 0.75], [0.0, 1.0, 0.0, 0.0]])
    own = nn.functional.cross_entropy(
        LOGITS, torch.tensor([2, 1]), reduction="none", label_smoothing=TAUGHT_RECIPE.label_smoothing
    )
    distilled = distillation_loss(LOGITS, TAUGHT, 2.0)
    expected = torch.stack([0.1 * own[0] + 0.9 * distilled[0], 0.4 * own[1] + 0.6 * distilled[1]]).mean()
    torch.testing.assert_close(taught_loss(LOGITS, mixed, TAUGHT, TAUGHT_RECIPE), expected)


def test_they_are_found_in_all_folders_and_come_last(tmp_path: Path, more: Path) -> None:
    data = find_data(str(write_tree(tmp_path / "data", count=4)), tmp_path, seed=0)
    both = with_unlabelled(data, str(more))
    assert (both.test, both.validation, both.class_names) == (data.test, data.validation, data.class_names)
    assert both.train.images[:8] == data.train.images and both.train.labels[:8] == data.train.labels
    assert [str(path.relative_to(more)) for path in both.train.images[8:] if isinstance(path, Path)] == [
        *("0.png", "2.png", "4.png", "below/1.png", "below/3.PNG", "below/5.png")
    ]
    assert list(both.train.labels[8:]) == [2] * 6 and both.train.unlabelled == 6
    assert with_unlabelled(data, "") is data


def test_their_middle_is_brought_to_the_size_of_the_others(
    tmp_path: Path, more: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = find_data(str(write_tree(tmp_path / "data", count=4)), tmp_path, seed=0)
    files = with_unlabelled(data, str(more)).train
    kept = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    monkeypatch.setattr(labelled, "MAX_CACHE_BYTES", 0)
    read = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    assert kept.cache is not None and kept.native_size and read.cache is None and read.native_size
    for index in range(len(files.images)):
        pixels, label = kept[index]
        assert torch.equal(pixels, read[index][0]) and pixels.shape == (3, 8, 8)
        assert label == files.labels[index]
    expected = fitted(8)(labelled._decode(files.images[-1]))
    assert torch.equal(kept[len(files.images) - 1][0], expected)


@pytest.mark.parametrize("augment", ["none", "trivial"])
def test_a_run_shows_them_to_the_student_and_resumes_exactly(
    augment: str, teacher: Path, tmp_path: Path, more: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_tree(tmp_path / "data")
    changes: dict[str, Any] = {
        "teacher": teacher,
        "unlabelled": more,
        "mix_probability": 0.5,
        "optimizer": "muon",
        "epochs": 3,
        "auto_augment": augment,
    }
    seen: list[Tensor] = []
    step = Trainer._train_step

    def watched(trainer: Trainer, network: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(labels)
        return step(trainer, network, pixels, labels)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", watched)
        assert main(arguments(data, tmp_path / "whole", **changes)) == 0
    assert len(seen) == 3 * 4  # 40 - 8 held out + 6 images fill four batches of eight
    unknown = sum(((labels == 2) if labels.ndim == 1 else labels[:, 2]).sum().item() for labels in seen)
    assert 3 * 4 <= unknown <= 3 * 6
    with monkeypatch.context() as patch:
        stop_after(6, patch)
        assert main(arguments(data, tmp_path / "cut", **changes)) == 130
    assert resume(data, tmp_path / "cut") == 0
    assert differing_runs(tmp_path / "cut", tmp_path / "whole") == []


def test_what_is_refused(teacher: Path, tmp_path: Path, more: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="learned from a teacher alone; name one"):
        Recipe(unlabelled="more")
    (tmp_path / "empty").mkdir()
    data = write_tree(tmp_path / "data")
    for folder in ("empty", "nowhere"):
        command = arguments(data, tmp_path / "out", teacher=teacher, unlabelled=tmp_path / folder)
        assert main(command) == 2
        assert f"no images (PNG, JPEG, WebP, ...) below {tmp_path / folder}; give a folder" in capsys.readouterr().err
    with pytest.raises(DataError, match="not with drawn pictures; leave them away"):
        with_unlabelled(find_data("shapes", tmp_path, seed=0), str(more))
    (more / "bad.png").write_bytes(b"no picture")
    assert main(arguments(data, tmp_path / "out", teacher=teacher, unlabelled=more)) == 2
    assert "bad.png is not an image that can be read; remove or replace it." in capsys.readouterr().err
