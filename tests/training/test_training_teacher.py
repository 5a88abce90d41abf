"""Learning from a teacher: the loss, what the teacher sees, and teachers that do not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from mixer_viz.checkpoints.networks import load_network, save_network
from mixer_viz.model.convnet import ConvNet, ConvNetConfig
from mixer_viz.model.token_mixer_table import TOKEN_MIXERS
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.distillation import distillation_loss, open_teacher
from mixer_viz.training.loop import Trainer
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint
from tests.training.made_runs import CLASSES, RECIPE, arguments, differing_runs, resume, stop_after, write_tree

CPU = torch.device("cpu")


def test_the_loss_is_zero_for_equal_logits_and_the_divergence_otherwise() -> None:
    logits = torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]])
    assert distillation_loss(logits, logits + 3, 2.0).tolist() == pytest.approx([0, 0], abs=1e-6)
    other = torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    p, q = (torch.softmax(values / 2, dim=1) for values in (other, logits))
    expected = 4 * (p * (p / q).log()).sum(dim=1)
    torch.testing.assert_close(distillation_loss(logits, other, 2.0), expected, rtol=1e-5, atol=0)


def test_the_gradient_at_high_temperature_is_that_of_the_logits_difference() -> None:
    """Hinton et al. 2015, equation 4: for zero-mean logits it tends to (z - v) / N, whatever T; T^2 makes it so."""
    logits = torch.tensor([[0.3, -0.1, -0.2]], requires_grad=True)
    taught = torch.tensor([[-0.2, 0.4, -0.2]])
    (gradient,) = torch.autograd.grad(distillation_loss(logits, taught, 100.0).mean(), logits)
    torch.testing.assert_close(gradient, (logits - taught).detach() / 3, rtol=0.02, atol=1e-4)


def test_teacher_and_student_see_the_same_mixed_view(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    given: list[torch.Tensor] = []
    step = Trainer._train_step

    def watched(trainer: Trainer, network: nn.Module, pixels: torch.Tensor, labels: torch.Tensor) -> object:
        assert trainer.stepper.teacher is not None
        trainer.stepper.teacher.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
        given.append(pixels.clone())
        return step(trainer, network, pixels, labels)

    monkeypatch.setattr(Trainer, "_train_step", watched)
    data = write_tree(tmp_path / "data")
    assert main(arguments(data, tmp_path / "out", epochs=1, teacher=teacher, mix_probability=1.0)) == 0
    assert torch.equal(seen[0], given[0])


def test_another_normalisation_of_the_teacher_is_allowed_for(tmp_path: Path) -> None:
    student = build_model(RECIPE, CLASSES)
    torch.manual_seed(1)
    network = build_model(RECIPE, CLASSES)
    nn.init.normal_(network.head.weight)
    network.config = dataclasses.replace(network.config, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    save_network(network, tmp_path / "teacher.safetensors")
    opened = open_teacher(dataclasses.replace(RECIPE, teacher=str(tmp_path / "teacher.safetensors")), student, CPU)
    assert opened is not None
    raw = torch.rand(2, 3, 8, 8)
    own, others = (
        (raw - torch.tensor(config.mean).view(3, 1, 1)) / torch.tensor(config.std).view(3, 1, 1)
        for config in (student.config, network.config)
    )
    torch.testing.assert_close(opened.logits(own), network(others))


def test_a_student_of_the_teacher_alone_comes_to_answer_like_it(teacher: Path, tmp_path: Path) -> None:
    data = write_tree(tmp_path / "data")
    changes = {"epochs": 30, "teacher": teacher, "distill_weight": 1.0, "mix_probability": 0.0}
    assert main(arguments(data, tmp_path / "out", **changes)) == 0
    with (tmp_path / "out" / "log.csv").open() as file:
        losses = [float(line.split(",")[2]) for line in list(file)[1:]]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("mixer", sorted(TOKEN_MIXERS))
def test_every_token_mixer_learns_from_a_teacher(mixer: str, teacher: Path, tmp_path: Path) -> None:
    data = write_tree(tmp_path / "data", count=8)
    changes = {"epochs": 1, "teacher": teacher, "token_mixer": mixer, "precision": "bf16", "optimizer": "muon"}
    assert main(arguments(data, tmp_path / "out", **changes)) == 0


def test_a_run_with_a_teacher_resumes_exactly(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_tree(tmp_path / "data")
    changes = {"teacher": teacher, "optimizer": "muon", "validation_share": 0.2, "stem_std": 0.02}
    assert main(arguments(data, tmp_path / "whole", **changes)) == 0
    with monkeypatch.context() as patch:
        stop_after(5, patch)
        assert main(arguments(data, tmp_path / "cut", **changes)) == 130
    assert resume(data, tmp_path / "cut") == 0
    assert differing_runs(tmp_path / "cut", tmp_path / "whole") == []


def test_a_teacher_that_was_replaced_is_noticed(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, own = write_tree(tmp_path / "data"), tmp_path / "own.safetensors"
    own.write_bytes(teacher.read_bytes())
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert main(arguments(data, tmp_path / "out", teacher=own)) == 130
    save_network(build_model(RECIPE, CLASSES), own)
    assert resume(data, tmp_path / "out") == 2
    assert "another file than the run was started with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "classes", "words"),
    [
        ({"image_size": 16}, CLASSES, "reads 16 px images and this run 8 px"),
        ({}, ("left", "right"), "knows 2 classes (left, right), but the data have 2 classes (lower, upper)"),
        ({}, ("a", "b", "c", "d"), "knows 4 classes (a, b, c, ...)"),
    ],
)
def test_a_teacher_that_does_not_fit(
    changes: dict[str, int],
    classes: tuple[str, ...],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "teacher.safetensors"
    save_network(build_model(dataclasses.replace(RECIPE, **changes), classes), path)
    assert main(arguments(write_tree(tmp_path / "data"), tmp_path / "out", teacher=path)) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bundled_model_teaches_those_whose_folders_write_its_classes_otherwise(tmp_path: Path) -> None:
    save_network(build_model(RECIPE, ("big cat", "car")), tmp_path / "teacher.safetensors")
    recipe = dataclasses.replace(RECIPE, teacher=str(tmp_path / "teacher.safetensors"))
    assert open_teacher(recipe, build_model(RECIPE, ("big_cat", "car")), CPU) is not None
    with pytest.raises(ValueError, match=r"knows 2 classes \(big cat, car\), but the data have 2"):
        open_teacher(recipe, build_model(RECIPE, ("car", "big_cat")), CPU)


def test_a_teacher_that_is_no_weight_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.safetensors").write_text("no weights")
    data = write_tree(tmp_path / "data")
    assert main(arguments(data, tmp_path / "out", teacher=tmp_path / "notes.safetensors")) == 2
    assert main(arguments(data, tmp_path / "out", teacher=tmp_path / "missing.safetensors")) == 2
    errors = capsys.readouterr().err
    assert errors.count("cannot be read") == 2


def test_a_convnet_is_trained_and_read_back(tmp_path: Path) -> None:
    data = write_tree(tmp_path / "data", size=32)
    changes = {
        "network": "convnet",
        "convnet_width": 4,
        "image_size": 32,
        "optimizer": "sgd",
        "lr": 0.02,
        "epochs": 6,
        "mix_probability": 0.0,
        "clip_norm": 100.0,
    }
    assert main(arguments(data, tmp_path / "out", **changes)) == 0
    network = load_network(tmp_path / "out" / "model.safetensors", "cpu")
    assert isinstance(network, ConvNet)
    averaged = read_checkpoint(tmp_path / "out")["averaged"]
    assert all(torch.equal(value, averaged[f"module.{name}"]) for name, value in network.state_dict().items())
    assert not network.training
    student = arguments(data, tmp_path / "student", image_size=32, epochs=1, teacher=tmp_path / "out/model.safetensors")
    assert main(student) == 0


def test_the_whitening_filters_whiten() -> None:
    torch.manual_seed(0)
    network = ConvNet(ConvNetConfig(width=4))
    smooth = nn.functional.avg_pool2d(torch.randn(64, 3, 34, 34), 3, 1)
    network.whiten(smooth)
    found = nn.functional.conv2d(smooth, network.whitening.weight).transpose(0, 1).flatten(1)[:12]
    covariance = found @ found.mT / found.shape[1]
    large = covariance.diagonal() > 0.9  # directions with less variance than the constant are damped
    assert large.sum() >= 3
    torch.testing.assert_close(covariance[large][:, large], torch.eye(int(large.sum())), atol=0.1, rtol=0)
    assert torch.equal(network.whitening.weight[:12], -network.whitening.weight[12:])


@pytest.mark.parametrize(("size", "stride"), [(32, 1), (64, 2)])
def test_the_convnet_has_about_two_million_parameters_at_both_sizes(size: int, stride: int) -> None:
    with torch.device("meta"):
        network = ConvNet(ConvNetConfig(image_size=size))
    assert network.config.stride == stride
    assert 1.9e6 < sum(parameter.numel() for parameter in network.parameters()) < 2.1e6


def test_a_recipe_for_a_convnet_that_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="no token mixer"):
        Recipe(network="convnet", token_mixer="attention")
    with pytest.raises(ValueError, match="use sgd or adamw"):
        Recipe(network="convnet", optimizer="muon")
    with pytest.raises(ValueError, match="leave network, token_mixer and permutation away"):
        Recipe(network="convnet", init_from="somewhere")
    with pytest.raises(ValueError, match="multiple of 32"):
        build_model(Recipe(network="convnet", image_size=40), CLASSES)
