"""Networks in few bits: close to what they were, bounded in size, and refused where they do not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mixer_viz.checkpoints import CheckpointError
from mixer_viz.checkpoints.coarse import STEP, network_of, pack_coarse
from mixer_viz.checkpoints.snapshots import Snapshot, pack_rows, read_snapshot
from mixer_viz.model import MixerConfig, MlpMixer

CONFIG = MixerConfig(
    image_size=16, patch_size=4, embed_dim=24, num_blocks=2, tokens_mlp_dim=12, channels_mlp_dim=40, num_classes=7
)


def snapshot(path: Path, model: MlpMixer, coarse: bool = True) -> Snapshot:
    state = model.state_dict()
    rows = {name: value for name, value in state.items() if ".token_mixing." in name or name == "stem.weight"}
    save_file(pack_rows(rows) | (pack_coarse(state) if coarse else {}), path)
    return Snapshot("", 1, 3, 50.0, "epoch 3", path)


@pytest.fixture
def model() -> MlpMixer:
    torch.manual_seed(0)
    model = MlpMixer(CONFIG).eval().requires_grad_(False)
    model.head.weight.normal_(std=0.1)
    return model


def test_every_weight_is_within_half_a_step(tmp_path: Path, model: MlpMixer) -> None:
    found = network_of(snapshot(tmp_path / "a.safetensors", model), CONFIG)
    assert found is not None
    assert not found.training
    for name, value in found.state_dict().items():
        off = (value - model.state_dict()[name]).abs()
        if ".channel_mixing." in name and name.endswith("weight"):
            deviation = model.state_dict()[name].square().mean(dim=1, keepdim=True).sqrt()
            assert bool((off <= 0.501 * STEP * deviation + 1e-6).all()), name
            assert bool((off > 0).any())
        else:
            assert float(off.max()) <= 0.005 * float(model.state_dict()[name].abs().max()) + 1e-6, name
    pixels = torch.randn(8, 3, 16, 16)
    agree = torch.nn.functional.cosine_similarity(found(pixels), model(pixels))
    assert float(agree.min()) > 0.9


def test_the_rows_are_read_as_before(tmp_path: Path, model: MlpMixer) -> None:
    with_network = read_snapshot(snapshot(tmp_path / "a.safetensors", model))
    without = read_snapshot(snapshot(tmp_path / "b.safetensors", model, coarse=False))
    assert with_network.keys() == without.keys()


def test_a_moment_without_a_network_has_none(tmp_path: Path, model: MlpMixer) -> None:
    assert network_of(snapshot(tmp_path / "a.safetensors", model, coarse=False), CONFIG) is None


def test_a_network_of_other_sizes_is_refused(tmp_path: Path, model: MlpMixer) -> None:
    other = MixerConfig(
        image_size=16, patch_size=4, embed_dim=24, num_blocks=3, tokens_mlp_dim=12, channels_mlp_dim=40, num_classes=7
    )
    with pytest.raises(CheckpointError, match="does not fit the model; export it again"):
        network_of(snapshot(tmp_path / "a.safetensors", model), other)


def test_a_network_may_have_become_wider_since(tmp_path: Path, model: MlpMixer) -> None:
    wider = dataclasses.replace(CONFIG, channels_mlp_dim=48)
    found = network_of(snapshot(tmp_path / "a.safetensors", model), wider)
    assert found is not None
    assert found.config == CONFIG


def test_a_damaged_network_is_refused(tmp_path: Path, model: MlpMixer) -> None:
    packed = pack_coarse(model.state_dict())
    packed["coarse.values"] = packed["coarse.values"][:-9].flip(0)
    rows = {name: value for name, value in model.state_dict().items() if ".token_mixing." in name or "stem.w" in name}
    save_file(pack_rows(rows) | packed, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="does not fit the model; export it again"):
        network_of(Snapshot("", 1, 3, None, "epoch 3", tmp_path / "a.safetensors"), CONFIG)
