"""From a finished run to a bundled model with its card: `python -m mixer_viz.training.cards`."""

from __future__ import annotations

import json
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import mixer_viz as mv
from mixer_viz.analysis.calibration import fit_temperature
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.snapshots import read_snapshot, snapshots_of
from mixer_viz.training.cards import mixer, moments, stages
from mixer_viz.training.cli import build_parser, main
from mixer_viz.training.data.labelled import find_data, hold_out_validation
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import NUM_SNAPSHOTS
from tests.training.made_runs import RECIPE, arguments, resume, stop_after, write_tree


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; its data lie in `data` beside it."""
    out = tmp_path_factory.mktemp("card") / "out"
    assert main(arguments(write_tree(out.parent / "data"), out, epochs=3)) == 0
    return out


def call(run: Path, assets: Path, *more: str) -> int:
    named = {"run": run, "data": run.parent / "data", "name": "tiny", "hardware": "an abacus", "assets": assets}
    return mixer.main([*(f"--{name}={value}" for name, value in named.items()), *more])


def test_a_run_becomes_a_bundled_model(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny_snapshots").mkdir()
    (tmp_path / "tiny_snapshots" / "stage-1-epoch-0099.safetensors").touch()
    assert call(run, tmp_path) == 0
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    model, trained = mv.load_model("tiny", device="cpu"), mv.load_model(run / "model.safetensors", device="cpu")
    card = json.loads((tmp_path / "tiny.json").read_text())
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value.half().float())
    assert card["stages"][0]["recipe"] == RECIPE.as_dict() | {"epochs": 3}
    assert card["test_images"] == 40
    assert card["accuracy"] == pytest.approx(100 * card["correct"] / 40, abs=0.0051)
    assert card["accuracy"] == pytest.approx(card["accuracy_before_rounding"], abs=7)
    result = json.loads((run / "result.json").read_text())
    assert card["accuracy_before_rounding"] == card["stages"][0]["accuracy"] == round(result["test_accuracy"], 2)
    assert card["stages"][0]["validation_accuracy"] == round(result["validation_accuracy"], 2)
    assert card["structure"]["frequency_ratio"] == structure_of(model).frequency_ratio
    assert [entry["epoch"] for entry in card["snapshots"]] == [0, 1, 2, 3]
    assert {entry["file"] for entry in card["snapshots"]} == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*epoch-*")
    }
    assert next(info.accuracy for info in mv.available_models() if info.name == "tiny") == card["accuracy"]
    text = (tmp_path / "tiny.md").read_text()
    assert "{" not in text
    assert [fact for fact in (card["stages"][0]["command"], "an abacus", "40 test images") if fact not in text] == []


def test_the_file_says_how_sure_it_may_be(run: Path, tmp_path: Path) -> None:
    assert call(run, tmp_path) == 0
    card, text = json.loads((tmp_path / "tiny.json").read_text()), (tmp_path / "tiny.md").read_text()
    model = mv.load_model(tmp_path / "tiny.safetensors", device="cpu")
    figures = card["calibration"]
    assert model.config.temperature == figures["temperature"] > 0
    assert list(model.config.usual_confidence or ()) == figures["usual_confidence"]
    assert figures["cross_entropy"] <= figures["cross_entropy_before"] + 0.1  # 40 images; it was fitted on others
    assert f"a temperature of {figures['temperature']:.3f}" in text
    data = find_data(str(run.parent / "data"), run, RECIPE.seed)
    held_out = hold_out_validation(data, RECIPE.validation_share, RECIPE.seed).validation
    logits = torch.cat([model(mv.preprocess(Image.open(path), model)) for path in held_out.images]).numpy()
    assert figures["validation_images"] == len(logits)
    assert fit_temperature(logits, np.array(held_out.labels)) == pytest.approx(figures["temperature"], rel=1e-3)
    classes = card["accuracy_per_class"]
    assert list(classes) == list(model.config.class_names or ())
    assert np.mean(list(classes.values())) == pytest.approx(card["accuracy"], abs=0.1)  # classes of one size
    assert card["test_images_per_class"] == {
        name: len(list((run.parent / "data" / "test" / name).iterdir())) for name in classes
    }
    assert all(f"{name} {value:.1f} % of " in text for name, value in classes.items())


def test_class_folders_are_put_into_words(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(run.parent / "data", data)
    for part in ("train", "test"):
        first = sorted((data / part).iterdir())[0]
        first.rename(first.with_name("a_big_cat"))
    assert main(arguments(data, out, epochs=1)) == 0
    more = ("--terms=For looking only.", "--description=Small Mixer for halves")
    assert call(out, tmp_path / "assets", f"--data={data}", *more) == 0
    card = json.loads((tmp_path / "assets" / "tiny.json").read_text())
    assert card["description"] == "Small Mixer for halves"
    assert card["class_names"][0] == "a big cat"
    assert mv.load_model(tmp_path / "assets" / "tiny.safetensors", "cpu").config.class_names == tuple(
        card["class_names"]
    )
    assert "For looking only." in (tmp_path / "assets" / "tiny.md").read_text()


def test_shipped_snapshots_hold_what_the_pages_show(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(run, tmp_path) == 0
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    found = snapshots_of("tiny")
    with (run / "log.csv").open() as file:
        logged = [float(line.split(",")[4]) for line in file.readlines()[1:]]
    assert [snapshot.accuracy for snapshot in found] == [None, *(round(value, 2) for value in logged)]
    for snapshot in found:
        with safe_open(run / "snapshots" / f"epoch-{snapshot.epoch:04d}.safetensors", "pt") as file:
            whole = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            metadata = file.metadata()
        shown = {name for name in whole if ".token_mixing." in name} | {"stem.weight"}
        assert shown < set(whole)
        with safe_open(snapshot.path, "pt") as file:
            assert file.metadata() == metadata
            assert {file.get_tensor(name).dtype for name in shown if whole[name].ndim > 1} == {torch.int8}
        arrays = read_snapshot(snapshot)
        assert set(arrays) == shown
        for name, array in arrays.items():
            assert array.dtype == "float32"
            kept = whole[name].float()
            assert array == pytest.approx(kept.numpy(), abs=float(kept.abs().max()) / 250)
        assert snapshot.path.stat().st_mode & 0o777 == 0o644  # a served app may run as somebody else


def test_the_card_says_on_what_recipes_were_chosen(run: Path, tmp_path: Path) -> None:
    assert call(run, tmp_path) == 0
    stage = json.loads((tmp_path / "tiny.json").read_text())["stages"][0]
    text = " ".join((tmp_path / "tiny.md").read_text().split())
    assert "20 % of it was held out of training and measured after every epoch: recipes were chosen on this" in text
    assert "The test part was measured once, at the end, and here again for the file that is shipped" in text
    assert f"validation {stage['validation_accuracy']:.2f} %; test {stage['accuracy']:.2f} %" in text
    assert "| command | epoch | validation accuracy | file |" in text
    assert "seen while recipes were tried" not in text


def test_a_run_that_held_nothing_out_does_not_speak_of_validation(run: Path, tmp_path: Path) -> None:
    out, assets = tmp_path / "out", tmp_path / "assets"
    assert main(arguments(run.parent / "data", out, epochs=1, validation_share=0.0)) == 0
    assert call(out, assets, f"--data={run.parent / 'data'}") == 0
    card, text = json.loads((assets / "tiny.json").read_text()), (assets / "tiny.md").read_text()
    assert card["stages"][0]["validation_accuracy"] is None
    assert card["calibration"] is None
    assert mv.load_model(assets / "tiny.safetensors", "cpu").config.temperature is None
    assert "Nothing of it was held out" in text
    assert "recipes were chosen" not in text


@pytest.fixture(scope="module")
def taught(run: Path) -> Path:
    """A run that learned from `run`."""
    out = run.parent / "taught"
    teacher = run / "model.safetensors"
    assert main(arguments(run.parent / "data", out, epochs=1, seed=1, teacher=teacher)) == 0
    return out


def test_a_teacher_is_in_the_card_with_its_command(run: Path, taught: Path, tmp_path: Path) -> None:
    assert call(taught, tmp_path, f"--teacher-run={run}") == 0
    card, text = json.loads((tmp_path / "tiny.json").read_text()), (tmp_path / "tiny.md").read_text()
    [teacher] = card["teachers"]
    assert teacher == stages.stage_of(run)
    assert card["stages"][0]["recipe"]["teacher"] == "out/model.safetensors"
    assert f"test {teacher['accuracy']:.2f} %" in text
    assert [stage["command"] for stage in (teacher, *card["stages"]) if stage["command"] not in text] == []
    assert "Not all commands held out the same images" in " ".join(text.split())  # they had two seeds


def test_pictures_without_labels_are_in_the_card(run: Path, tmp_path: Path) -> None:
    data, out = run.parent / "data", tmp_path / "more"
    teacher, pictures = run / "model.safetensors", data / "test"
    assert main(arguments(data, out, epochs=1, teacher=teacher, unlabelled=pictures)) == 0
    assert call(out, tmp_path, f"--data={data}", f"--teacher-run={run}") == 0
    [stage] = json.loads((tmp_path / "tiny.json").read_text())["stages"]
    assert "--unlabelled test " in stage["command"]
    said = " ".join((tmp_path / "tiny.md").read_text().split())
    assert "saw its pictures too and was told by its teacher alone what they show" in said
    assert "Trained on the training part alone" not in said


def test_a_teacher_that_is_not_named_or_not_the_one_is_refused(
    run: Path, taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assets = tmp_path / "assets"
    assert call(taught, assets) == 2
    assert "taught learned from out/model.safetensors; name that network's run" in capsys.readouterr().err
    assert call(taught, assets, f"--teacher-run={taught}") == 2
    assert "taught learned from another file than" in capsys.readouterr().err
    assert call(run, assets, f"--teacher-run={taught}") == 2
    assert "leave --teacher-run away" in capsys.readouterr().err
    assert not assets.exists()


def test_the_command_in_the_card_gives_the_recipe() -> None:
    recipe = Recipe(epochs=7, compile=True, flip=False, crop="pad", lr=2e-3, min_lr=1e-5)
    command = stages.command_of(recipe, "out")
    assert command.endswith("--out out --epochs 7 --lr 0.002 --crop pad --no-flip --compile")
    _, _, options = command.partition("mixer_viz.training ")
    given = vars(build_parser().parse_args(shlex.split(options)))
    assert Recipe(**{name: given[name] for name in recipe.as_dict() if name in given}) == recipe


def test_an_unfinished_run_is_refused(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    (tmp_path / "data").symlink_to(run.parent / "data")
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        assert main(arguments(tmp_path / "data", out, epochs=1)) == 130
    assert call(out, tmp_path / "assets") == 2
    assert "has done 0 of 1 epochs; finish it" in capsys.readouterr().err
    assert not (tmp_path / "assets").exists()
    assert resume(tmp_path / "data", out) == 0
    assert call(out, tmp_path / "assets") == 0


def test_a_run_without_its_last_measurement_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "out")
    (tmp_path / "out" / "result.json").unlink()
    assert call(tmp_path / "out", tmp_path / "assets") == 2
    assert "The run out has not measured its test images yet; finish it with --resume" in capsys.readouterr().err


def test_the_command_says_its_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["cards", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("mixer_viz.training.cards", run_name="__main__")
    assert capsys.readouterr().out.startswith("usage: python -m mixer_viz.training.cards ")


def test_other_classes_than_the_models_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tree(tmp_path / "other", classes=("left", "right"), count=1)
    assert call(run, tmp_path / "assets", f"--data={other}") == 2
    assert "['left', 'right'], but the model has ('lower', 'upper')" in capsys.readouterr().err
    assert call(run, tmp_path / "assets", f"--data={tmp_path}") == 2
    assert "There is no folder" in capsys.readouterr().err
    assert not (tmp_path / "assets").exists()


def test_two_stages_are_both_in_the_card(run: Path, tmp_path: Path) -> None:
    second, assets = tmp_path / "second", tmp_path / "assets"
    more = ("--init-from", str(run), "--reset-token-mixing")
    assert main([*arguments(run.parent / "data", second, epochs=2), *more]) == 0
    named = ("--run", str(second), "--data", str(run.parent / "data"), "--name", "two", "--hardware", "an abacus")
    assert mixer.main([*named, "--assets", str(assets)]) == 2  # where it started from must be named
    assert not assets.exists()
    assert mixer.main([*named, "--assets", str(assets), "--earlier", str(run)]) == 0
    card, text = json.loads((assets / "two.json").read_text()), (assets / "two.md").read_text()
    assert [stage["epochs_done"] for stage in card["stages"]] == [3, 2]
    assert card["stages"][1]["recipe"]["init_from"] == run.name
    assert str(run.parent) not in json.dumps(card)
    assert [stage["command"] for stage in card["stages"] if stage["command"] not in text] == []
    # Token mixing was drawn anew in the second stage: what came before does not lead to these weights.
    assert [(entry["stage"], entry["epoch"]) for entry in card["snapshots"]] == [(2, 0), (2, 1), (2, 2)]
    assert all((assets / entry["file"]).is_file() for entry in card["snapshots"])


def test_a_bundled_model_is_trained_further(
    run: Path, taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs before are gone; card, weights and snapshots of the bundled model tell what they were."""
    assert call(taught, tmp_path, f"--teacher-run={run}") == 0
    before, card_file = json.loads((tmp_path / "tiny.json").read_text()), tmp_path / "tiny.json"
    further = tmp_path / "further"
    more = ("--init-from", str(tmp_path / "tiny.safetensors"), "--teacher", str(taught / "model.safetensors"))
    assert main([*arguments(run.parent / "data", further, epochs=2), *more]) == 0
    named = (f"--data={run.parent / 'data'}", f"--teacher-run={taught}")
    assert call(further, tmp_path, *named) == 2
    assert "further started from 'tiny.safetensors'; name that run with --earlier, or" in capsys.readouterr().err
    assert call(further, tmp_path, *named, f"--continues={card_file}") == 0
    card, text = json.loads(card_file.read_text()), (tmp_path / "tiny.md").read_text()
    assert card["stages"][:-1] == before["stages"]
    assert [stage["run"] for stage in card["stages"]] == ["taught", "further"]
    assert [teacher["run"] for teacher in card["teachers"]] == ["out", "taught"]
    assert "teachers, one after the other" in text
    every = (*card["stages"], *card["teachers"])
    assert [stage["command"] for stage in every if stage["command"] not in text] == []
    places = [(entry["stage"], entry["epoch"]) for entry in card["snapshots"]]
    assert places == [(1, 0), (1, 1), (2, 1), (2, 2)]
    assert card["snapshots"][:2] == before["snapshots"]
    assert {entry["file"] for entry in card["snapshots"]} == {
        path.relative_to(tmp_path).as_posix() for path in (tmp_path / "tiny_snapshots").iterdir()
    }
    # Its weights are others now: they are not what the run has started from.
    assert call(further, tmp_path, *named, f"--continues={card_file}") == 2
    assert "further did not start from the weights in" in capsys.readouterr().err
    assert call(further, tmp_path, *named, f"--continues={run / 'result.json'}") == 2
    assert "is no card with weights and snapshots beside it" in capsys.readouterr().err


def test_a_bundled_model_becomes_wider(run: Path, taught: Path, tmp_path: Path) -> None:
    """What it had is in the film still, and a teacher that taught it before is named once."""
    assert call(taught, tmp_path, f"--teacher-run={run}") == 0
    before, card_file = json.loads((tmp_path / "tiny.json").read_text()), tmp_path / "tiny.json"
    further, start = tmp_path / "further", tmp_path / "tiny.safetensors"
    more = ["--init-from", str(start), "--teacher", str(run / "model.safetensors"), "--widen-channel-mixing"]
    wider = before["stages"][0]["recipe"]["channels_mlp_dim"] + 6
    more += ["--channels-mlp-dim", str(wider)]
    assert main([*arguments(run.parent / "data", further, epochs=2), *more]) == 0
    named = (f"--data={run.parent / 'data'}", f"--teacher-run={run}")
    assert call(further, tmp_path, *named, f"--continues={card_file}") == 0
    card, text = json.loads(card_file.read_text()), (tmp_path / "tiny.md").read_text()
    assert card["parameters"] > before["parameters"]
    assert [teacher["run"] for teacher in card["teachers"]] == ["out"]
    assert card["snapshots"][:2] == before["snapshots"]
    assert "--widen-channel-mixing" in text


def test_a_bundled_model_that_learns_from_itself_needs_no_other_run(run: Path, tmp_path: Path) -> None:
    assert call(run, tmp_path) == 0
    before = tmp_path / "tiny.safetensors"
    further = tmp_path / "further"
    more = ("--init-from", str(before), "--teacher", str(before))
    assert main([*arguments(run.parent / "data", further, epochs=1), *more]) == 0
    assert call(further, tmp_path, f"--data={run.parent / 'data'}", f"--continues={tmp_path / 'tiny.json'}") == 0
    card, text = json.loads((tmp_path / "tiny.json").read_text()), (tmp_path / "tiny.md").read_text()
    assert "teachers" not in card
    assert card["stages"][-1]["recipe"]["teacher"].endswith("/tiny.safetensors")
    assert "the network learned from the labels and from itself as it" in text
    assert "a teacher, a network that was" not in text


def test_snapshots_with_a_network_stay_in_the_film() -> None:
    found = [{"stage": 1, "epoch": epoch} | ({"network": {}} if epoch in (11, 12) else {}) for epoch in range(40)]
    kept = [entry["epoch"] for entry in stages.thinned(found, list(range(40)), most=4)]
    assert kept == [0, 11, 12, 39]


def test_a_film_that_is_too_large_is_packed_and_has_fewer_moments(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(run, tmp_path / "whole") == 0
    whole = sum(file.stat().st_size for file in (tmp_path / "whole" / "tiny_snapshots").iterdir())
    monkeypatch.setattr(moments, "FILM_BYTES", round(0.9 * whole))
    assert call(run, tmp_path / "small") == 0
    files = list((tmp_path / "small" / "tiny_snapshots").iterdir())
    assert sum(file.stat().st_size for file in files) <= 0.9 * whole
    entries = json.loads((tmp_path / "small" / "tiny.json").read_text())["snapshots"]
    assert 2 <= len(entries) == len(files) <= 4
    assert (entries[0]["epoch"], entries[-1]["epoch"]) == (0, 3)
    with safe_open(tmp_path / "small" / entries[-1]["file"], "pt") as file:
        assert "blocks.0.token_mixing.fc1.weight.packed" in file.keys()  # noqa: SIM118 (no mapping)


def test_snapshots_of_several_stages_are_thinned_evenly() -> None:
    epochs = [0, 1, 2, 3, 4, *(4 + epoch for epoch in range(41))]
    found = [
        {"stage": 1 if index < 5 else 2, "epoch": index if index < 5 else index - 5} for index in range(len(epochs))
    ]
    kept = stages.thinned(found, epochs)
    assert len(kept) == NUM_SNAPSHOTS
    assert (kept[0], kept[-1]) == ({"stage": 1, "epoch": 0}, {"stage": 2, "epoch": 40})
    assert {"stage": 2, "epoch": 0} not in kept  # equal to the end of stage 1
    steps = np.diff(np.log1p([entry["epoch"] + 4 * (entry["stage"] - 1) for entry in kept]))
    assert steps.min() > 0
    assert steps[3:].max() < 2.5 * steps[3:].min()
    assert stages.thinned(found[:3], epochs[:3]) == found[:3]
