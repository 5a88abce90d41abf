"""Starting from trained weights, with or without token mixing drawn anew."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from mixer_viz.checkpoints import load_model
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint, read_weights
from tests.training.made_runs import CLASSES, RECIPE, SIZES, arguments, resume, write_tree


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; its data lie in `data` beside it."""
    out = tmp_path_factory.mktemp("start") / "out"
    assert main(arguments(write_tree(out.parent / "data"), out, epochs=2)) == 0
    return out


def start(run: Path, out: Path, *more: str, source: Path | None = None) -> int:
    return main([*arguments(run.parent / "data", out, epochs=1), "--init-from", str(source or run), *more])


def snapshot_zero(out: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(out / "snapshots" / "epoch-0000.safetensors")


def test_a_folder_gives_its_averaged_weights_and_a_file_its_own(run: Path) -> None:
    config = build_model(RECIPE, CLASSES).config
    from_folder, from_file = (read_weights(str(source), config) for source in (run, run / "model.safetensors"))
    averaged = read_checkpoint(run)["averaged"]
    assert from_folder.keys() == from_file.keys()
    for name, value in from_folder.items():
        assert torch.equal(value, averaged[f"module.{name}"])
        assert torch.equal(value, from_file[name])


def test_the_run_begins_with_the_weights_of_the_source(run: Path, tmp_path: Path) -> None:
    assert start(run, tmp_path / "out", source=run / "model.safetensors") == 0
    trained = load_model(run / "model.safetensors", "cpu").state_dict()
    for name, value in snapshot_zero(tmp_path / "out").items():
        assert torch.equal(value, trained[name].half())


def test_reset_draws_token_mixing_anew_and_nothing_else(run: Path, tmp_path: Path) -> None:
    options = ("--reset-token-mixing", "--lr", "1e-9", "--min-lr", "0", "--weight-decay", "0")
    assert start(run, tmp_path / "out", *options) == 0
    trained = load_model(run / "model.safetensors", "cpu").state_dict()
    now = load_model(tmp_path / "out" / "model.safetensors", "cpu").state_dict()
    drawn = torch.cat([value.flatten() for name, value in now.items() if "token_mixing" in name and value.ndim == 2])
    assert drawn.std().item() == pytest.approx(RECIPE.token_mixing_std, rel=0.1)
    for name, value in now.items():
        if "token_mixing" not in name:
            torch.testing.assert_close(value, trained[name], rtol=0, atol=1e-6)


def test_going_on_needs_the_source_no_more(run: Path, tmp_path: Path) -> None:
    source = shutil.copytree(run, tmp_path / "source")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for out in (whole, cut):
        assert start(run, out, "--reset-token-mixing", source=source) == 0
    shutil.rmtree(source)
    assert resume(run.parent / "data", cut) == 0  # nothing is left to do, and nothing is asked of the source
    states = [load_model(out / "model.safetensors", "cpu").state_dict() for out in (whole, cut)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_weights_of_other_sizes_are_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wider = SIZES["tokens_mlp_dim"] + 1
    assert start(run, tmp_path / "out", "--tokens-mlp-dim", str(wider)) == 2
    assert "other sizes than this run" in capsys.readouterr().err


def test_token_mixing_that_starts_anew_may_have_another_width(run: Path, tmp_path: Path) -> None:
    wider = SIZES["tokens_mlp_dim"] + 1
    options = ("--reset-token-mixing", "--tokens-mlp-dim", str(wider), "--lr", "1e-9", "--min-lr", "0")
    assert start(run, tmp_path / "out", *options) == 0
    trained = load_model(run / "model.safetensors", "cpu").state_dict()
    model = load_model(tmp_path / "out" / "model.safetensors", "cpu")
    assert model.config.tokens_mlp_dim == wider
    torch.testing.assert_close(model.state_dict()["stem.weight"], trained["stem.weight"], rtol=0, atol=1e-6)


def test_wider_channel_mixing_answers_as_before(run: Path, tmp_path: Path) -> None:
    wider = SIZES["channels_mlp_dim"] + 5
    assert start(run, tmp_path / "out", "--widen-channel-mixing", "--channels-mlp-dim", str(wider)) == 0
    before = load_model(run / "model.safetensors", "cpu").double()
    began = build_model(dataclasses.replace(RECIPE, channels_mlp_dim=wider), CLASSES)
    began.load_state_dict(snapshot_zero(tmp_path / "out"))
    before.load_state_dict({name: value.half() for name, value in before.state_dict().items()})
    pixels = torch.randn(6, 3, began.config.image_size, began.config.image_size, dtype=torch.float64)
    torch.testing.assert_close(began.double()(pixels), before(pixels), rtol=0, atol=1e-9)
    # The new units can learn: what they read is drawn, and all of them learned something within an epoch.
    new = load_model(tmp_path / "out" / "model.safetensors", "cpu").blocks[0].channel_mixing
    assert new.fc1.weight.shape[0] == new.fc2.weight.shape[1] == wider
    assert bool((new.fc1.weight[-5:].std(dim=1) > 0).all()) and bool((new.fc2.weight[:, -5:].std(dim=0) > 0).all())


def test_channel_mixing_does_not_shrink(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fewer = SIZES["channels_mlp_dim"] - 1
    assert start(run, tmp_path / "out", "--widen-channel-mixing", "--channels-mlp-dim", str(fewer)) == 2
    assert "other sizes than this run" in capsys.readouterr().err


def test_only_channel_mixing_gets_wider(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--embed-dim", str(SIZES["embed_dim"] + 4), "--channels-mlp-dim", str(SIZES["channels_mlp_dim"] + 5))
    assert start(run, tmp_path / "out", "--widen-channel-mixing", *more) == 2
    assert "other sizes than this run" in capsys.readouterr().err


def test_other_widths_have_to_fit_all_the_same(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wider = SIZES["channels_mlp_dim"] + 1
    assert start(run, tmp_path / "out", "--reset-token-mixing", "--channels-mlp-dim", str(wider)) == 2
    assert "other sizes than this run" in capsys.readouterr().err


def test_reset_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs init_from"):
        Recipe(reset_token_mixing=True)
    with pytest.raises(ValueError, match="needs init_from"):
        Recipe(widen_channel_mixing=True)
