"""Training with another token mixer or permuted images: the same loop, the same care, another file at the end."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import mixer_viz as mv
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.model import MetaFormer, MlpMixer
from mixer_viz.model.metaformer_config import TOKEN_MIXER_NAMES
from mixer_viz.training.build import build_model
from mixer_viz.training.cli import main
from mixer_viz.training.optim import build_optimizers
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint
from tests.training.conftest import MakeTree
from tests.training.made_runs import RECIPE, arguments, differing, differing_runs, resume, stop_after, write_tree

OTHERS = [name for name in TOKEN_MIXER_NAMES if name != "mlp"]
NAMES = ("a", "b")


def recipe_of(**changes: Any) -> Recipe:
    return dataclasses.replace(RECIPE, **changes)


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        metadata: dict[str, str] = file.metadata()
        return metadata


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("compared") / "data")


@pytest.mark.parametrize("name", OTHERS)
def test_one_epoch_with_every_other_mixer(name: str, data: Path, tmp_path: Path) -> None:
    assert main(arguments(data, tmp_path, epochs=1, token_mixer=name)) == 0
    network = load_metaformer(tmp_path / "model.safetensors", "cpu")
    assert network.metaformer_config.token_mixer == name
    assert network.config.class_names == ("lower", "upper")
    state = read_checkpoint(tmp_path)
    averaged = {key.removeprefix("module."): value for key, value in state["averaged"].items() if key != "n_averaged"}
    assert differing(averaged, dict(network.state_dict())) == []
    before = build_model(Recipe(**state["recipe"]), NAMES).state_dict()
    assert [key for key, value in before.items() if torch.equal(value, averaged[key])] == []
    assert list((tmp_path / "snapshots").iterdir()) == []


def test_the_mixer_itself_is_written_as_before(data: Path, tmp_path: Path) -> None:
    assert main(arguments(data, tmp_path, epochs=1, token_mixer="mlp", permutation="none")) == 0
    assert set(metadata_of(tmp_path / "model.safetensors")) == {"format", "mixer_viz_config"}
    assert isinstance(mv.load_model(tmp_path / "model.safetensors", device="cpu"), MlpMixer)
    assert len(list((tmp_path / "snapshots").iterdir())) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"token_mixer": "attention"},
        {"token_mixer": "convolution", "permutation": "patches-and-pixels", "permutation_seed": 3},
        {"permutation": "pixels"},
    ],
)
def test_a_stopped_run_goes_on_as_if_nothing_had_been(
    changes: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(arguments(data, tmp_path / "whole", epochs=2, **changes)) == 0
    with monkeypatch.context() as patch:
        stop_after(3, patch)
        assert main(arguments(data, tmp_path / "stopped", epochs=2, **changes)) == 130
    assert resume(data, tmp_path / "stopped") == 0
    assert differing_runs(tmp_path / "stopped", tmp_path / "whole") == []
    ends = [load_metaformer(tmp_path / name / "model.safetensors", "cpu") for name in ("stopped", "whole")]
    assert ends[0].metaformer_config == ends[1].metaformer_config
    assert differing(*(dict(end.state_dict()) for end in ends)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token_mixer": "attention", "num_heads": 5}, "embed_dim=12 is not a multiple of num_heads=5"),
        ({"token_mixer": "pooling", "kernel_size": 2}, "kernel_size=2 must be odd"),
        ({"token_mixer": "shift", "embed_dim": 8}, "embed_dim=8 must be at least 12"),
        ({"permutation": "pixels", "init_from": "somewhere"}, "init_from holds the weights of a Mixer"),
        ({"permutation_seed": -1, "permutation": "pixels"}, "permutation_seed=-1"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    changes: dict[str, Any], words: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(data, tmp_path / "out", **changes)) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and message.count("\n") == 1
    assert words in message
    assert not (tmp_path / "out").exists()


def test_another_mixer_than_at_the_start_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        assert main(arguments(data, tmp_path)) == 130
    capsys.readouterr()
    assert resume(data, tmp_path, 0, "--token-mixer=shift") == 2
    assert "started with --token-mixer mlp; leave --token-mixer away" in capsys.readouterr().err
    # A checkpoint from before there was a choice.
    state = read_checkpoint(tmp_path)
    for name in ("token_mixer", "num_heads", "kernel_size", "permutation", "permutation_seed"):
        del state["recipe"][name]
    torch.save(state, tmp_path / "last.pt")
    assert resume(data, tmp_path, 0, "--token-mixer=mlp") == 0


def test_initial_weights_of_the_other_mixers() -> None:
    changes: dict[str, Any] = {"embed_dim": 64, "image_size": 16}
    networks = {name: build_model(recipe_of(token_mixer=name, **changes), NAMES) for name in OTHERS}
    for name, network in networks.items():
        assert isinstance(network, MetaFormer)
        assert not network.head.weight.any(), name
        assert all(not value.any() for key, value in network.named_parameters() if key.endswith("bias")), name
    attention = dict(networks["attention"].named_parameters())
    limit = math.sqrt(6 / (64 + 64))
    for part in (*attention["blocks.1.token_mixing.query_key_value.weight"].chunk(3),):
        assert part.abs().max().item() == pytest.approx(limit, rel=0.02)
    assert attention["blocks.1.token_mixing.projection.weight"].abs().max().item() == pytest.approx(limit, rel=0.02)
    assert attention["position_embedding"].std().item() == pytest.approx(0.02, rel=0.1)
    convolution = dict(networks["convolution"].named_parameters())["blocks.0.token_mixing.weight"]
    assert convolution.abs().max().item() == pytest.approx(1 / 3, rel=0.05)


def test_a_permuted_mixer_starts_with_the_weights_of_the_plain_one() -> None:
    plain, permuted = (build_model(recipe_of(permutation=how), NAMES) for how in ("none", "pixels"))
    assert isinstance(plain, MlpMixer) and isinstance(permuted, MetaFormer)
    assert differing(dict(plain.state_dict()), dict(permuted.state_dict())) == []


@pytest.mark.parametrize("name", OTHERS)
def test_weight_decay_of_the_other_mixers(name: str) -> None:
    recipe = recipe_of(token_mixer=name, weight_decay=0.05, token_mixing_weight_decay=0.2)
    network = build_model(recipe, NAMES)
    groups = build_optimizers(network, recipe)[0].param_groups
    decays = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    assert len(decays) == len(list(network.parameters()))
    by_name = {key: decays[id(parameter)] for key, parameter in network.named_parameters()}
    for key, decay in by_name.items():
        if key.endswith("bias") or "norm" in key or key == "position_embedding":
            assert decay == 0.0, key
        else:
            assert decay == (0.2 if "token_mixing" in key else 0.05), key


def test_attention_learns_where_the_light_is(make_tree: MakeTree, tmp_path: Path) -> None:
    """Bright below against bright above: half of the answers are right by chance."""
    assert main(arguments(make_tree(count=32), tmp_path, epochs=40, lr=3e-3, token_mixer="attention", cutmix=0.0)) == 0
    last = (tmp_path / "log.csv").read_text().splitlines()[-1].split(",")
    assert float(last[4]) > 85
