"""The whole comparison by one command: planned, shared out, stopped, gone on with, written down and exported."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import metaformer_card, metaformer_runs
from mixer_viz.model.costs import costs
from mixer_viz.model.metaformer_config import TOKEN_MIXER_NAMES
from mixer_viz.model.token_mixer_table import metaformer_costs
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.compare import command as compare
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint
from tests.training.made_runs import TINY, differing_runs, stop_after, write_tree

RUNS = ["mlp-0", "shift-0", "mlp-1", "shift-1"]
RUNS += [f"mlp-{how}-{seed}" for seed in (0, 1) for how in ("patches-and-pixels", "pixels")]


def command(data: Path, out: Path, *more: str, **changes: Any) -> list[str]:
    values = {**TINY, "embed_dim": 16, "epochs": 2, **changes}
    recipe = [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]
    which = ["--mixers", "mlp", "shift", "--seeds", "0", "1", "--permuted", "mlp"]
    return [f"--data={data}", f"--out={out}", "--device=cpu", "--workers=0", "--quiet", *which, *recipe, *more]


def planned(*arguments: str) -> dict[str, Recipe]:
    options = compare.build_parser().parse_args(["--data=d", "--out=o", *arguments])
    return compare.plan(compare.COMMON, options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data and the folder of a comparison that ran through; tests leave it as it is."""
    root = tmp_path_factory.mktemp("comparison")
    data = write_tree(root / "data")
    assert compare.main(command(data, root / "out")) == 0
    return data, root / "out"


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def test_the_plan_has_every_mixer_with_two_seeds_and_two_on_permuted_images() -> None:
    runs = planned()
    assert len(runs) == len(TOKEN_MIXER_NAMES) * 2 + 2 * 2 * 2
    chosen = {(recipe.token_mixer, recipe.permutation, recipe.seed) for recipe in runs.values()}
    assert len(chosen) == len(runs)
    assert {(mixer, how) for mixer, how, _ in chosen if how != "none"} == {
        (mixer, how) for mixer in ("mlp", "convolution") for how in ("patches-and-pixels", "pixels")
    }
    assert runs["convolution-pixels-0"].permutation == "pixels"


def test_all_networks_of_the_plan_have_about_as_many_parameters() -> None:
    mixer = costs(metaformer_config(compare.COMMON, ("a", "b")).sizes).total.parameters
    for name, recipe in planned().items():
        own = metaformer_costs(metaformer_config(recipe, ("a", "b"))).total.parameters
        assert abs(own - mixer) < 0.05 * mixer, name
        same = ("token_mixer", "permutation", "seed", "channels_mlp_dim")
        back = {key: getattr(compare.COMMON, key) for key in same}
        assert dataclasses.replace(recipe, **back) == compare.COMMON


def test_shares_are_the_whole_and_do_not_overlap() -> None:
    runs = planned()
    first, second = (compare.share(runs, which) for which in ("1/2", "2/2"))
    assert not set(first) & set(second)
    assert {**first, **second} == runs
    assert compare.share(runs, "1/1") == runs


@pytest.mark.parametrize("which", ["2", "0/2", "3/2", "a/b", ""])
def test_a_share_that_makes_no_sense(
    which: str, tmp_path: Path, finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(command(finished[0], tmp_path / "out", f"--share={which}")) == 2
    assert "must be two numbers as in 1/2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_results_tell_every_run_and_what_they_share(finished: tuple[Path, Path]) -> None:
    found = results(finished[1])
    assert [run["name"] for run in found["runs"]] == RUNS
    assert found["recipe"]["embed_dim"] == 16
    assert not {"token_mixer", "seed", "channels_mlp_dim"} & set(found["recipe"])
    for run in found["runs"]:
        folder = finished[1] / run["name"]
        network = load_metaformer(folder / "model.safetensors", "cpu")
        assert run["parameters"] == sum(parameter.numel() for parameter in network.parameters())
        assert run["channels_mlp_dim"] == network.config.channels_mlp_dim
        assert run["token_mixer"] == network.metaformer_config.token_mixer
        with (folder / "log.csv").open(newline="") as file:
            log = list(csv.DictReader(file))
        assert run["accuracies"] == [round(float(row["validation_accuracy"]), 2) for row in log]
        assert len(run["accuracies"]) == len(run["train_losses"]) == 2
        result = json.loads((folder / "result.json").read_text())
        assert run["accuracy"] == round(result["test_accuracy"], 2)
        assert run["images_per_second"] > 0


def test_the_same_command_again_trains_nothing(finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def train(arguments: list[str]) -> int:
        raise AssertionError(arguments)

    monkeypatch.setattr(compare, "train", train)
    before = results(finished[1])
    assert compare.main(command(*finished)) == 0
    assert results(finished[1]) == before


def test_another_recipe_in_the_same_folder_is_refused(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(command(*finished, lr=2e-2)) == 2
    assert "mlp-0 holds a run with another recipe; choose another --out" in capsys.readouterr().err


def test_a_stopped_comparison_goes_on_with_the_same_command(
    finished: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, whole = finished
    with monkeypatch.context() as patch:
        stop_after(11, patch)  # 8 steps are the first run
        assert compare.main(command(data, tmp_path)) == 130
    assert [run["name"] for run in results(tmp_path)["runs"]] == ["mlp-0"]
    assert read_checkpoint(tmp_path / "shift-0")["step"] == 3
    assert compare.main(command(data, tmp_path, "--share=2/2")) == 0
    assert [run["name"] for run in results(tmp_path)["runs"]] == ["mlp-0", *RUNS[1::2]]
    assert compare.main(command(data, tmp_path)) == 0
    assert [run["name"] for run in results(tmp_path)["runs"]] == RUNS
    for name in RUNS:
        assert differing_runs(tmp_path / name, whole / name) == [], name


def test_a_mistake_in_a_run_ends_the_command(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(command(finished[0], tmp_path, batch_size=1000)) == 2
    assert "do not fill a batch of 1000" in capsys.readouterr().err
    assert not (tmp_path / "results.json").exists()


def test_the_export_is_what_the_app_lists(
    finished: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compared"
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    assert compare.main(command(*finished, f"--export={folder}", "--hardware=one lamp", "--data-note=shades")) == 0
    runs = {run.name: run for run in metaformer_runs()}
    assert list(runs) == RUNS
    assert {name for name, run in runs.items() if run.path is None} == {name for name in RUNS if name.endswith("-1")}
    trained = {run["name"]: run for run in results(finished[1])["runs"]}
    for name, run in runs.items():
        assert run.accuracy == pytest.approx(trained[name]["accuracy"], abs=100 / 40 + 0.01)  # one image by rounding
        if run.path is not None:
            network = load_metaformer(run.path, "cpu")
            assert network.metaformer_config.permutation == run.permutation
            with safe_open(run.path, "pt") as file:
                assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"F16"}  # noqa: SIM118
            assert run.path.stat().st_mode & 0o444 == 0o444
    assert metaformer_card()["hardware"] == "one lamp"
    assert "40 test images" in metaformer_card()["accuracy_note"]
    text = (folder / "compared.md").read_text(encoding="utf-8")
    for run in runs.values():
        assert f"| {run.token_mixer} | {run.permutation} | {run.seed} | " in text
        assert f"| {run.accuracy:.2f} | " in text
    assert "one lamp" in text
    assert "shades" in text


def test_an_unfinished_comparison_is_not_exported(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = command(finished[0], tmp_path / "out", "--share=1/8", f"--export={tmp_path / 'compared'}")
    assert compare.main(options) == 2
    assert f"{', '.join(RUNS[1:])} are not finished" in capsys.readouterr().err
    assert not (tmp_path / "compared").exists()


def test_what_differs_from_run_to_run_is_no_option() -> None:
    for option in ("--token-mixer=mlp", "--permutation=none", "--seed=1", "--init-from=x"):
        with pytest.raises(SystemExit):
            planned(option)
