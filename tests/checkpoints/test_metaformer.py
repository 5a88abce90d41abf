"""Files of compared networks: back as they were written, refused in one sentence otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mixer_viz.checkpoints import load_model, save_model
from mixer_viz.checkpoints.metaformer import MAX_TOKENS, METAFORMER_CONFIG_KEY, load_metaformer, save_metaformer
from mixer_viz.model import MetaFormer, MetaFormerConfig, MixerConfig, MlpMixer
from mixer_viz.model.metaformer_config import TOKEN_MIXER_NAMES

Refused = Callable[[str], AbstractContextManager[None]]


def network_of(tiny_config: MixerConfig, token_mixer: str = "attention", **changes: Any) -> MetaFormer:
    sizes = dataclasses.replace(tiny_config, embed_dim=12)
    config = MetaFormerConfig(sizes=sizes, token_mixer=token_mixer, num_heads=2, **changes)  # type: ignore[arg-type]
    torch.manual_seed(3)
    # Without gradients, as a loaded one: torch's kernels round differently where gradients are kept.
    return MetaFormer(config).eval().requires_grad_(False)


def write(path: Path, network: MetaFormer, config: str, **tensors: Tensor | None) -> Path:
    """A file with other tensors or another config than `save_metaformer` would write; None leaves a tensor out."""
    changed = {**network.state_dict(), **{name.replace("__", "."): value for name, value in tensors.items()}}
    kept = {name: value for name, value in changed.items() if value is not None}
    save_file(kept, path, metadata={METAFORMER_CONFIG_KEY: config})
    return path


@pytest.mark.parametrize("name", TOKEN_MIXER_NAMES)
def test_a_network_comes_back_as_it_was(name: str, tiny_config: MixerConfig, pixels: Tensor, tmp_path: Path) -> None:
    network = network_of(tiny_config, name, permutation="pixels", permutation_seed=2)
    save_metaformer(network, tmp_path / "a.safetensors")
    loaded = load_metaformer(tmp_path / "a.safetensors", "cpu")
    assert loaded.metaformer_config == network.metaformer_config
    assert loaded.config.class_names == tiny_config.class_names
    assert torch.equal(loaded(pixels), network(pixels))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.safetensors"]


def test_half_precision_halves_the_file_and_is_loaded_as_float32(tiny_config: MixerConfig, tmp_path: Path) -> None:
    network = network_of(tiny_config)
    save_metaformer(network, tmp_path / "a.safetensors", torch.float16)
    loaded = load_metaformer(tmp_path / "a.safetensors", "cpu")
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, network.state_dict()[name].half().float()), name


def test_a_mixers_own_file_is_read_as_well(tiny_model: MlpMixer, pixels: Tensor, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path / "a.safetensors")
    loaded = load_metaformer(tmp_path / "a.safetensors", "cpu")
    assert loaded.metaformer_config == MetaFormerConfig(sizes=tiny_model.config)
    assert torch.equal(loaded(pixels), tiny_model.requires_grad_(False)(pixels))


@pytest.mark.parametrize("suffix", [".pt", ".npz", ".txt", ""])
def test_no_other_format_is_opened(suffix: str, tmp_path: Path, refused: Refused) -> None:
    with refused("are read from .safetensors files"):
        load_metaformer(tmp_path / f"a{suffix}", "cpu")


def test_what_is_no_file_and_what_is_damaged(tiny_config: MixerConfig, tmp_path: Path, refused: Refused) -> None:
    with refused("does not exist"):
        load_metaformer(tmp_path / "a.safetensors", "cpu")
    save_metaformer(network_of(tiny_config), tmp_path / "b.safetensors")
    whole = (tmp_path / "b.safetensors").read_bytes()
    (tmp_path / "b.safetensors").write_bytes(whole[: len(whole) // 2])
    with refused("damaged or cut short"):
        load_metaformer(tmp_path / "b.safetensors", "cpu")


def test_a_file_without_a_config(tiny_model: MlpMixer, tmp_path: Path, refused: Refused) -> None:
    save_file(tiny_model.state_dict(), tmp_path / "a.safetensors")
    with refused("does not say which token mixer"):
        load_metaformer(tmp_path / "a.safetensors", "cpu")


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ('{"sizes": {}, "more": 1}', "unknown entries: more"), ('{"sizes": []}', "not a JSON object")],
)
def test_a_config_that_cannot_be_read(
    text: str, words: str, tiny_config: MixerConfig, tmp_path: Path, refused: Refused
) -> None:
    with refused(words):
        load_metaformer(write(tmp_path / "a.safetensors", network_of(tiny_config), text), "cpu")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"num_blocks": 10**9}, "says 1000000000 blocks"),
        ({"image_size": 2 * 65}, f"4225 tokens (at most {MAX_TOKENS})"),
        ({"image_size": 4 * 10**6, "patch_size": 10**6}, "a stem of (12, 3, 1000000, 1000000)"),
        ({"embed_dim": 24}, "a stem of (24, 3, 2, 2)"),
        ({"channels_mlp_dim": 8}, "channel_mixing.fc1.bias is (8,), but in this file (7,)"),
    ],
)
def test_a_config_that_claims_other_sizes_than_the_weights_have(
    sizes: dict[str, int], words: str, tiny_config: MixerConfig, tmp_path: Path, refused: Refused
) -> None:
    network = network_of(tiny_config, "shift")
    config = network.metaformer_config
    claimed = dataclasses.replace(config, sizes=dataclasses.replace(config.sizes, **sizes)).to_json()
    with refused(words):
        load_metaformer(write(tmp_path / "a.safetensors", network, claimed), "cpu")


def test_weights_of_another_mixer(tiny_config: MixerConfig, tmp_path: Path, refused: Refused) -> None:
    network = network_of(tiny_config, "attention")
    shift = dataclasses.replace(network.metaformer_config, token_mixer="shift").to_json()
    with refused("is not a part of it"):
        load_metaformer(write(tmp_path / "a.safetensors", network, shift), "cpu")
    own = network.metaformer_config.to_json()
    with refused("head.bias is (10,), but in this file missing"):
        load_metaformer(write(tmp_path / "b.safetensors", network, own, head__bias=None), "cpu")
    with refused("norm.bias contains values that are not finite"):
        load_metaformer(write(tmp_path / "c.safetensors", network, own, norm__bias=torch.full((12,), torch.nan)), "cpu")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("attention", "look like a Vision Transformer"),
        ("convolution", "lack blocks.0.token_mixing.fc1.weight"),
        *((name, "of an unknown architecture") for name in ("shift", "nonlocal_shift", "pooling", "identity")),
    ],
)
def test_load_model_refuses_what_is_no_mixer(
    name: str, words: str, tiny_config: MixerConfig, tmp_path: Path, refused: Refused
) -> None:
    save_metaformer(network_of(tiny_config, name), tmp_path / "a.safetensors")
    with refused(words):
        load_model(tmp_path / "a.safetensors", "cpu")
