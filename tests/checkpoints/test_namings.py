"""The same network under every naming and in every format gives the same logits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mixer_viz.checkpoints import load_model, load_model_bytes, save_model
from mixer_viz.checkpoints.build import build_model
from mixer_viz.checkpoints.formats.files import SUFFIXES
from mixer_viz.checkpoints.preparation import Preparation
from mixer_viz.model import MixerConfig, MlpMixer
from tests.checkpoints.checkpoint_files import google_arrays, timm_tensors, write


def as_tanh(model: MlpMixer) -> MlpMixer:
    """The same weights with flax's GELU."""
    tanh = MlpMixer(replace(model.config, gelu="tanh")).eval()
    tanh.load_state_dict(model.state_dict())
    return tanh


def assert_same_logits(loaded: MlpMixer, model: MlpMixer, pixels: Tensor) -> None:
    torch.testing.assert_close(loaded(pixels), model(pixels), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_own_and_timm_names_in_every_format(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, suffix: str) -> None:
    own = load_model(write(tmp_path / f"own{suffix}", loud_model.state_dict()), device="cpu")
    timm = load_model(write(tmp_path / f"timm{suffix}", timm_tensors(loud_model)), device="cpu")

    assert own.config == timm.config == loud_model.config
    assert torch.equal(own(pixels), loud_model(pixels))
    assert torch.equal(timm(pixels), loud_model(pixels))


@pytest.mark.parametrize("prefix", ["", "opt/target/", "params/", "target/"])
def test_google_npz_is_transposed_and_uses_the_tanh_gelu(
    tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, prefix: str
) -> None:
    arrays = {prefix + name: value for name, value in google_arrays(loud_model).items()}
    if prefix:  # a flax training state holds more than the weights
        arrays |= {"opt/state/step": np.array(7), "opt/state/param_states/head/kernel/momentum": np.ones((6, 10))}
    np.savez_compressed(tmp_path / "google.npz", **arrays)

    loaded = load_model(tmp_path / "google.npz", device="cpu")

    assert loaded.config.gelu == "tanh"
    assert_same_logits(loaded, as_tanh(loud_model), pixels)
    assert not torch.allclose(loaded(pixels), loud_model(pixels), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_google_names_as_a_state_dict(
    tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, separator: str, suffix: str
) -> None:
    tensors = {
        name.replace("/", separator): torch.from_numpy(value) for name, value in google_arrays(loud_model).items()
    }
    assert_same_logits(load_model(write(tmp_path / f"x{suffix}", tensors), "cpu"), as_tanh(loud_model), pixels)


def test_nested_flax_dictionaries(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    nested: dict = {}
    for name, value in google_arrays(loud_model).items():
        *folders, leaf = name.split("/")
        inner = nested
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[leaf] = torch.from_numpy(value)
    torch.save({"params": nested}, tmp_path / "nested.pt")
    assert_same_logits(load_model(tmp_path / "nested.pt", "cpu"), as_tanh(loud_model), pixels)


def test_a_real_timm_mixer_gives_timms_logits(tmp_path: Path, pixels: Tensor) -> None:
    mlp_mixer = pytest.importorskip("timm.models.mlp_mixer")
    torch.manual_seed(3)
    theirs = mlp_mixer.MlpMixer(
        num_classes=10, img_size=8, patch_size=2, num_blocks=2, embed_dim=6, mlp_ratio=(0.5, 2.0)
    ).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn_like(parameter))
    for suffix in (".pth", ".safetensors"):
        ours = load_model(write(tmp_path / f"timm{suffix}", theirs.state_dict()), "cpu")
        torch.testing.assert_close(ours(pixels), theirs(pixels), rtol=1e-5, atol=1e-5)
    assert (ours.config.image_size, ours.config.tokens_mlp_dim, ours.config.channels_mlp_dim) == (8, 3, 12)


def test_own_file_brings_everything(tmp_path: Path, tiny_model: MlpMixer, pixels: Tensor) -> None:
    save_model(tiny_model, tmp_path / "own.safetensors")
    loaded = load_model(tmp_path / "own.safetensors", "cpu")
    assert loaded.config == tiny_model.config
    assert torch.equal(loaded(pixels), tiny_model.requires_grad_(False)(pixels))


def test_own_file_keeps_its_gelu(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    save_model(as_tanh(loud_model), tmp_path / "own.safetensors")
    assert_same_logits(load_model(tmp_path / "own.safetensors", "cpu"), as_tanh(loud_model), pixels)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_other_precisions_become_float32(tmp_path: Path, loud_model: MlpMixer, dtype: torch.dtype, suffix: str) -> None:
    tensors = {name: value.to(dtype) for name, value in loud_model.state_dict().items()}
    loaded = load_model(write(tmp_path / f"x{suffix}", tensors), "cpu")
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, tensors[name].float())


@pytest.mark.parametrize("dtype", ["float16", "float64", ">f4"])
def test_other_precisions_in_npz(tmp_path: Path, loud_model: MlpMixer, dtype: str) -> None:
    arrays = {name: value.astype(dtype) for name, value in google_arrays(loud_model).items()}
    np.savez(tmp_path / "x.npz", **arrays)
    loaded = load_model(tmp_path / "x.npz", "cpu")
    np.testing.assert_array_equal(loaded.head.weight.numpy(), arrays["head/kernel"].T.astype(np.float32))


def test_bfloat16_in_npz_as_numpy_stores_it(tmp_path: Path, loud_model: MlpMixer) -> None:
    tensors = {name: torch.tensor(value).bfloat16() for name, value in google_arrays(loud_model).items()}
    raw = {name: value.view(torch.int16).numpy().view("V2") for name, value in tensors.items()}
    np.savez(tmp_path / "x.npz", **raw)
    assert torch.equal(load_model(tmp_path / "x.npz", "cpu").head.weight, tensors["head/kernel"].T.float())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}, "step": 9},
        lambda state: {"model_state_dict": {"module." + name: value for name, value in state.items()}},
        lambda state: {"_orig_mod." + name: value for name, value in state.items()},
        lambda state: {"module._orig_mod." + name: value for name, value in state.items()},
        lambda state: {"state_dict": {"model." + name: value for name, value in state.items()}},
        lambda state: {"n_averaged": torch.tensor(5)} | {"module." + name: value for name, value in state.items()},
    ],
)
def test_wrappers_are_taken_off(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, wrap) -> None:
    for state in (loud_model.state_dict(), timm_tensors(loud_model)):
        torch.save(wrap(dict(state)), tmp_path / "wrapped.pth")
        assert torch.equal(load_model(tmp_path / "wrapped.pth", "cpu")(pixels), loud_model(pixels))


def test_the_pytorch_format_before_1_6(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    torch.save(loud_model.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(load_model(tmp_path / "old.pth", "cpu")(pixels), loud_model(pixels))


def test_zero_head_loads(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    arrays = google_arrays(loud_model)
    arrays["head/kernel"] = np.zeros_like(arrays["head/kernel"])
    arrays["head/bias"] = np.zeros_like(arrays["head/bias"])
    np.savez(tmp_path / "zero.npz", **arrays)
    assert not load_model(tmp_path / "zero.npz", "cpu")(pixels).any()


def test_model_is_ready_and_independent_of_its_file(tmp_path: Path, tiny_model: MlpMixer, pixels: Tensor) -> None:
    path = tmp_path / "own.safetensors"
    save_model(tiny_model, path)
    loaded = load_model(path, "cpu")
    path.write_bytes(b"\0" * path.stat().st_size)  # a mapped weight would read the zeros

    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    wanted = pixels.clone().requires_grad_()
    logits = loaded(wanted)
    assert_same_logits(loaded, tiny_model, pixels)
    (gradient,) = torch.autograd.grad(logits[0, 0], wanted)
    assert gradient.abs().sum() > 0
    assert all(parameter.grad is None for parameter in loaded.parameters())


def test_bytes_load_like_a_path(tmp_path: Path, loud_model: MlpMixer, tiny_config: MixerConfig, pixels: Tensor) -> None:
    side = {"mean": [0.5, 0.4, 0.3], "crop_pct": 0.875, "class_names": list(tiny_config.class_names or ())}
    for name in ("Mixer.SAFETENSORS", "a b.npz", "x.pt", "..\\x.pth"):
        written = write(tmp_path / f"w{Path(name).suffix.lower()}", timm_tensors(loud_model))
        loaded = load_model_bytes(written.read_bytes(), name, "cpu", json.dumps(side).encode())
        assert torch.equal(loaded(pixels), loud_model(pixels))
        assert loaded.config.mean == tiny_config.mean
        assert loaded.config.class_names == tiny_config.class_names


def test_model_does_not_share_the_tensors_it_is_built_from(loud_model: MlpMixer, pixels: Tensor) -> None:
    tensors = timm_tensors(loud_model)
    built = build_model(tensors, Preparation(), torch.device("cpu"))
    for value in tensors.values():
        value.zero_()
    assert torch.equal(built(pixels), loud_model(pixels))


def test_own_file_is_written_to_a_path_given_as_text(tmp_path: Path, tiny_model: MlpMixer) -> None:
    save_model(tiny_model, f"{tmp_path}/own.safetensors")
    assert load_model(f"{tmp_path}/own.safetensors", "cpu").config == tiny_model.config
