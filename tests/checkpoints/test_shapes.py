"""Weights of another architecture, and weights that do not fit together, are refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mixer_viz.checkpoints import load_model
from mixer_viz.model import MlpMixer
from tests.checkpoints.checkpoint_files import timm_tensors, write


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "head.weight"], "Vision Transformer"),
        (["conv1.weight", "layer1.0.conv1.weight", "fc.weight"], "ResNet"),
        (["stem.0.weight", "stages.0.blocks.0.conv_dw.weight", "head.fc.weight"], "ConvNeXt"),
        (["stem.proj.weight", "blocks.0.linear_tokens.weight", "blocks.0.mlp_channels.fc1.weight"], "ResMLP"),
        (["patch_embed.proj.weight", "blocks.0.norm1.alpha", "blocks.0.attn.weight"], "ResMLP"),
        (["stem.proj.weight", "blocks.0.mlp_channels.gate.proj.weight"], "gMLP"),
        (["layers.0.blocks.0.attn.relative_position_bias_table"], "Swin"),
        (["encoder.w", "decoder.w"], "unknown architecture (first keys: '"),
    ],
)
def test_other_architectures(tmp_path: Path, refused, names: list[str], said: str) -> None:
    for path in (tmp_path / "x.pth", tmp_path / "x.safetensors"):
        write(path, {name: torch.ones(2, 2) for name in names})
        with refused(said):
            load_model(path, "cpu")


@pytest.mark.parametrize(
    ("model_name", "said"),
    [
        ("gmixer_12_224", "gMixer"),
        ("gmlp_ti16_224", "gMLP: it is a relative of the MLP-Mixer with a different equation"),
        ("resmlp_12_224", "ResMLP: it is a relative of the MLP-Mixer with a different equation"),
        ("vit_tiny_patch16_224", "Vision Transformer"),
        ("resnet18", "ResNet"),
        ("convnext_atto", "ConvNeXt"),
    ],
)
def test_other_architectures_as_timm_names_them(tmp_path: Path, refused, model_name: str, said: str) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        state = timm.create_model(model_name, num_classes=10).state_dict()
    # Zeros without memory behind them: only names and shapes matter here, and torch.save keeps the strides.
    torch.save({name: torch.zeros(1).expand(value.shape or 1) for name, value in state.items()}, tmp_path / "x.pth")
    with refused(said):
        load_model(tmp_path / "x.pth", "cpu")


def without(state: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if part not in name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: without(s, "head"), "no classification head"),
        (lambda s: without(s, "head.bias"), "lack head.bias"),
        (lambda s: without(s, "stem"), "lack stem.weight"),
        (lambda s: without(s, "blocks.0."), "Block 0 is missing"),
        (lambda s: without(s, "blocks.1.norm"), "blocks.1.norm1.bias, blocks.1.norm2.weight and 1"),
        (lambda s: s | {"blocks.1.token_mixing.fc1.weight": torch.ones(5, 9)}, "9 tokens but that of block 0 reads 16"),
        (lambda s: s | {"blocks.0.token_mixing.fc1.weight": torch.ones(5)}, "has shape (5,)"),
        (lambda s: s | {"blocks.1.norm2.weight": torch.ones(8)}, "(8,), but the other weights ask for (6,)"),
        (lambda s: s | {"head.weight": torch.ones(10, 9)}, "(10, 9), but the other weights ask for (10, 6)"),
        (lambda s: s | {"head.weight": torch.ones(0, 6)}, "num_classes=0"),
        (lambda s: s | {"stem.weight": torch.ones(6, 3, 2, 4)}, "square kernel"),
        (lambda s: s | {"stem.weight": torch.ones(6, 12)}, "square kernel"),
        (lambda s: s | {"stem.weight": torch.ones(6, 1, 2, 2)}, "1 colour channels"),
        (lambda s: s | {"stem.norm.weight": torch.ones(6)}, "does not use (stem.norm.weight)"),
        (lambda s: s | {"norm.weight": torch.full((6,), torch.nan)}, "norm.weight contains values that are not finite"),
        (lambda s: s | {"norm.weight": torch.full((6,), 1e300, dtype=torch.float64)}, "not finite"),
        (lambda s: s | {"norm.weight": torch.ones(6, dtype=torch.int8)}, "torch.int8 values"),
        (lambda s: s | {"module.norm.weight": torch.ones(6)}, "same name"),
        (lambda s: s | {"blocks.999.norm1.weight": torch.ones(6)}, "at most 64"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_together(tmp_path: Path, loud_model: MlpMixer, refused, change, said: str) -> None:
    for suffix in (".safetensors", ".pth"):
        path = write(tmp_path / f"x{suffix}", change(dict(loud_model.state_dict())))
        with refused(said):
            load_model(path, "cpu")


def test_block_missing_in_between(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    state = {name.replace("blocks.1.", "blocks.3."): value for name, value in timm_tensors(loud_model).items()}
    with refused("Block 1 is missing although the weights go up to block 3"):
        load_model(write(tmp_path / "x.pth", state), "cpu")


def test_grid_that_is_no_square(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    state = dict(loud_model.state_dict())
    for index in range(2):
        state[f"blocks.{index}.token_mixing.fc1.weight"] = torch.ones(5, 12)
        state[f"blocks.{index}.token_mixing.fc2.weight"] = torch.ones(12, 5)
        state[f"blocks.{index}.token_mixing.fc2.bias"] = torch.ones(12)
    with refused("S = 12 tokens, which is no square number"):
        load_model(write(tmp_path / "x.pth", state), "cpu")


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
def test_sparse_and_meta_tensors(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    for strange in (torch.eye(10, 6).to_sparse(), torch.ones(10, 6, device="meta")):
        torch.save(loud_model.state_dict() | {"head.weight": strange}, tmp_path / "x.pt")
        with refused("quantisation or sparsity"):
            load_model(tmp_path / "x.pt", "cpu")


def test_image_size_the_weights_cannot_read(tmp_path: Path, loud_model: MlpMixer) -> None:
    loaded = load_model(write(tmp_path / "x.pth", loud_model.state_dict()), "cpu")
    with pytest.raises(ValueError, match=r"trained at 8 px.* cannot read 16 x 16 px images"):
        loaded(torch.zeros(1, 3, 16, 16))
