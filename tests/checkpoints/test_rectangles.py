"""Mixers whose patches make no square: S = rows x columns, as the side file says."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mixer_viz.checkpoints import load_model, load_model_bytes, save_model
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.model import MixerConfig, MlpMixer
from tests.checkpoints.checkpoint_files import timm_tensors, write

Refused = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def wide(tiny_config: MixerConfig) -> MlpMixer:
    """2 x 8 patches of 2 px: S = 16, as a square of 4 x 4 has."""
    torch.manual_seed(5)
    plain = replace(tiny_config, image_size=4, image_width=16, mean=None, std=None, class_names=None)
    return MlpMixer(plain).eval().requires_grad_(False)


@pytest.mark.parametrize(
    "side_file",
    [
        {"image_size": [4, 16]},
        {"image_size": 4, "image_width": 16},
        {"pretrained_cfg": {"input_size": [3, 4, 16], "mean": [0.5, 0.5, 0.5]}},
    ],
)
def test_the_side_file_says_the_grid(tmp_path: Path, wide: MlpMixer, side_file: dict) -> None:
    path = write(tmp_path / "wide.pth", timm_tensors(wide))
    path.with_suffix(".json").write_text(json.dumps(side_file))
    model = load_model(path, "cpu")
    assert (model.config.image_shape, model.config.grid_shape) == ((4, 16), (2, 8))
    assert model.remarks == ()
    pixels = torch.randn(2, 3, 4, 16)
    assert torch.equal(model(pixels), wide(pixels))
    with pytest.raises(ValueError, match=r"trained at 4 x 16 px.* cannot read 16 x 4 px"):
        model(pixels.mT)


def test_what_is_assumed_is_said(tmp_path: Path, wide: MlpMixer) -> None:
    model = load_model(write(tmp_path / "wide.pth", timm_tensors(wide)), "cpu")
    assert model.config.grid_shape == (4, 4)
    (remark,) = model.remarks
    assert "4 × 4 patches of 2 px are assumed" in remark


def test_own_files_keep_their_shape(tmp_path: Path, wide: MlpMixer, refused: Refused) -> None:
    save_model(wide, tmp_path / "own.safetensors")
    model = load_model(tmp_path / "own.safetensors", "cpu")
    assert model.config == wide.config
    assert model.remarks == ()
    with refused("not square"):
        load_metaformer(tmp_path / "own.safetensors", "cpu")


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ([4, 4], "say 4 px, but the weights read S = 16 patches of 2 px"),
        ([2, 16], "say 2 x 16 px, but the weights read S = 16 patches"),
        ([0, 16], "say 0 x 16 px"),
        ([-4, -16], "say -4 x -16 px"),
        ([5, 13], "say 5 x 13 px"),
        ([4, 16, 3], "must be a whole number, or two: height and width"),
        ([4.0, 16.0], "must be a whole number, or two: height and width"),
        ([10**3000, 1], "a number of"),
    ],
)
def test_sizes_that_the_weights_do_not_have(
    tmp_path: Path, wide: MlpMixer, refused: Refused, size: list, said: str
) -> None:
    data = write(tmp_path / "x.pth", timm_tensors(wide)).read_bytes()
    with refused(said):
        load_model_bytes(data, "x.pth", "cpu", json.dumps({"image_size": size}).encode())


def test_a_number_of_tokens_that_is_no_square_is_asked_for(
    tmp_path: Path, tiny_config: MixerConfig, refused: Refused
) -> None:
    model = MlpMixer(replace(tiny_config, image_size=4, image_width=6, class_names=None)).eval()
    path = write(tmp_path / "x.pth", timm_tensors(model))
    with refused('add a side file with "image_size": [height, width]'):
        load_model(path, "cpu")
    path.with_suffix(".json").write_text('{"image_size": [6, 4]}')
    assert load_model(path, "cpu").config.grid_shape == (3, 2)
