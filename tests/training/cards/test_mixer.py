"""From a finished run to a bundled model with its card: `python -m mixer_viz.training.cards`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.checkpoints import bundled
from mixer_viz.training.cards import mixer
from mixer_viz.training.cli import build_parser, main
from mixer_viz.training.recipe import Recipe
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
    assert card["structure"]["frequency_ratio"] == structure_of(model).frequency_ratio
    assert [entry["epoch"] for entry in card["snapshots"]] == [0, 1, 2, 3]
    assert {entry["file"] for entry in card["snapshots"]} == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*epoch-*")
    }
    assert next(info.accuracy for info in mv.available_models() if info.name == "tiny") == card["accuracy"]
    text = (tmp_path / "tiny.md").read_text()
    assert "{" not in text
    assert [fact for fact in (card["stages"][0]["command"], "an abacus", "40 test images") if fact not in text] == []


def test_the_command_in_the_card_gives_the_recipe() -> None:
    recipe = Recipe(epochs=7, compile=True, flip=False, crop="pad", lr=2e-3, min_lr=1e-5)
    command = mixer.command_of(recipe, "out")
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


def test_other_classes_than_the_models_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tree(tmp_path / "other", classes=("left", "right"), count=1)
    assert call(run, tmp_path / "assets", f"--data={other}") == 2
    assert "['left', 'right'], but the model has ('lower', 'upper')" in capsys.readouterr().err


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
