"""Token-mixing matrices of ResMLP and gMLP files, against timm's own modules."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from timm.layers import GatedMlp
from timm.models.mlp_mixer import Affine, ResBlock, SpatialGatingBlock
from timm.models.mlp_mixer import MlpMixer as TimmMixer
from torch import Tensor, nn

from mixer_viz.checkpoints.formats import uploads
from mixer_viz.checkpoints.mixing_matrices import read_mixing_matrices, read_mixing_matrices_bytes
from mixer_viz.model import MlpMixer
from tests.checkpoints.checkpoint_files import google_arrays, timm_tensors

TOKENS, BLOCKS = 16, 3
Refused = Callable[[str], AbstractContextManager[None]]


def randomised(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module")
def resmlp() -> nn.Module:
    sizes = {"num_classes": 3, "img_size": 8, "patch_size": 2, "num_blocks": BLOCKS, "embed_dim": 6, "mlp_ratio": 2}
    return randomised(TimmMixer(block_layer=ResBlock, norm_layer=Affine, **sizes))


@pytest.fixture(scope="module")
def gmlp() -> nn.Module:
    sizes = {"num_classes": 3, "img_size": 8, "patch_size": 2, "num_blocks": BLOCKS, "embed_dim": 6, "mlp_ratio": 2}
    return randomised(TimmMixer(block_layer=SpatialGatingBlock, mlp_layer=GatedMlp, **sizes))


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def test_resmlp_matrices_are_those_of_timms_module(resmlp: nn.Module, tmp_path: Path) -> None:
    save_file(tensors_of(resmlp), tmp_path / "resmlp_12.safetensors")
    found = read_mixing_matrices(tmp_path / "resmlp_12.safetensors")
    assert (found.kind, found.name, found.matrices.dtype) == ("ResMLP", "resmlp_12", np.float32)
    assert (found.matrices.shape, found.biases.shape) == ((BLOCKS, TOKENS, TOKENS), (BLOCKS, TOKENS))
    tokens = torch.randn(TOKENS, 6)
    for index, block in enumerate(resmlp.blocks):
        np.testing.assert_array_equal(found.matrices[index], block.linear_tokens.weight.detach().numpy())
        mixed = block.linear_tokens(tokens.mT).mT.detach().numpy()
        expected = found.matrices[index] @ tokens.numpy() + found.biases[index][:, None]
        np.testing.assert_allclose(mixed, expected, atol=1e-5)


def test_gmlp_matrices_are_those_of_timms_gate(gmlp: nn.Module, tmp_path: Path) -> None:
    torch.save({"state_dict": tensors_of(gmlp)}, tmp_path / "gmlp.pth")
    found = read_mixing_matrices(tmp_path / "gmlp.pth")
    assert (found.kind, found.name) == ("gMLP", "gmlp")
    for index, block in enumerate(gmlp.blocks):
        gate = block.mlp_channels.gate
        np.testing.assert_array_equal(found.matrices[index], gate.proj.weight.detach().numpy())
        np.testing.assert_array_equal(found.biases[index], gate.proj.bias.detach().numpy())
        x = torch.randn(1, TOKENS, 2 * gate.norm.normalized_shape[0])
        u, v = x.chunk(2, dim=-1)
        mixed = found.matrices[index] @ gate.norm(v)[0].detach().numpy() + found.biases[index][:, None]
        np.testing.assert_allclose(gate(x)[0].detach().numpy(), u[0].numpy() * mixed, atol=1e-4)


def test_blocks_are_sorted_by_number_not_by_name(tmp_path: Path) -> None:
    tensors = {f"blocks.{block}.linear_tokens.weight": torch.full((4, 4), block) for block in range(12)}
    tensors |= {f"blocks.{block}.linear_tokens.bias": torch.full((4,), block) for block in range(12)}
    save_file({name: value.half() for name, value in tensors.items()}, tmp_path / "many.safetensors")
    found = read_mixing_matrices(tmp_path / "many.safetensors")
    assert found.matrices[:, 0, 0].tolist() == found.biases[:, 3].tolist() == list(range(12))


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.module."])
def test_prefixes_come_off(resmlp: nn.Module, prefix: str) -> None:
    data = save({prefix + name: value for name, value in tensors_of(resmlp).items()})
    found = read_mixing_matrices_bytes(data, "a/b/wrapped.safetensors")
    assert (found.kind, found.name, len(found.matrices)) == ("ResMLP", "wrapped", BLOCKS)


def test_metas_own_resmlp_names_are_read(resmlp: nn.Module) -> None:
    theirs = {name.replace("linear_tokens.", "attn."): value for name, value in tensors_of(resmlp).items()}
    found = read_mixing_matrices_bytes(save(theirs), "resmlp.safetensors")
    assert found.kind == "ResMLP"
    np.testing.assert_array_equal(found.matrices[2], resmlp.blocks[2].linear_tokens.weight.detach().numpy())


def test_uploaded_bytes_give_what_the_file_gives(gmlp: nn.Module) -> None:
    buffer = io.BytesIO()
    torch.save(tensors_of(gmlp), buffer)
    found = read_mixing_matrices_bytes(buffer.getvalue(), "g" * 300 + ".PT")
    assert found.name == "g" * 100
    np.testing.assert_array_equal(found.matrices[1], gmlp.blocks[1].mlp_channels.gate.proj.weight.detach().numpy())


def test_a_mixer_is_to_be_opened_as_a_model(tiny_model: MlpMixer, tmp_path: Path, refused: Refused) -> None:
    for tensors in (tiny_model.state_dict(), timm_tensors(tiny_model)):
        with refused("This is an MLP-Mixer, whose token mixing is two matrices with a GELU between them; open it as a"):
            read_mixing_matrices_bytes(save(dict(tensors)), "mixer.safetensors")
    np.savez(tmp_path / "google.npz", **google_arrays(tiny_model))
    with refused("open it as a model instead"):
        read_mixing_matrices(tmp_path / "google.npz")


@pytest.mark.parametrize("name", ["blocks.0.attn.qkv.weight", "layer1.0.conv1.weight", "what"])
def test_other_networks_are_refused(name: str, refused: Refused) -> None:
    with refused("This file has no token-mixing matrix of a ResMLP or a gMLP"):
        read_mixing_matrices_bytes(save({name: torch.ones(4, 4)}), "other.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"blocks.1.linear_tokens.weight": None},
            "block 1 is missing, although the weights go up to block 2",
        ),
        ({"blocks.1.linear_tokens.weight": torch.ones(9, 9)}, "blocks.1.linear_tokens.weight has shape (9, 9)"),
        ({"blocks.0.linear_tokens.weight": torch.ones(16, 8)}, "shape (16, 8), but one square matrix"),
        ({"blocks.0.linear_tokens.weight": torch.ones(16)}, "shape (16,), but one square matrix"),
        ({"blocks.0.linear_tokens.weight": torch.ones(0, 0)}, "shape (0, 0), but one square matrix"),
        ({"blocks.0.linear_tokens.weight": torch.tensor(1.0)}, "shape (), but one square matrix"),
        ({"blocks.2.linear_tokens.bias": None}, "needs a bias of 16 numbers, but there is none"),
        ({"blocks.2.linear_tokens.bias": torch.ones(6)}, "needs a bias of 16 numbers, but there is shape (6,)"),
        ({"blocks.2.linear_tokens.bias": torch.full((16,), torch.inf)}, "not finite"),
        ({"blocks.0.linear_tokens.weight": torch.ones(16, 16, dtype=torch.int32)}, "not plain floating-point numbers"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(
    change: dict[str, Tensor | None], words: str, resmlp: nn.Module, refused: Refused
) -> None:
    changed = {**tensors_of(resmlp), **change}
    with refused(words):
        read_mixing_matrices_bytes(save({k: v for k, v in changed.items() if v is not None}), "x.safetensors")


def test_too_many_blocks_are_refused(refused: Refused) -> None:
    tensors = {f"blocks.{block}.linear_tokens.weight": torch.ones(1, 1) for block in range(257)}
    with refused("has 257 blocks, but at most 256 are accepted"):
        read_mixing_matrices_bytes(save(tensors), "deep.safetensors")


def test_unsafe_and_unfit_uploads_are_refused(monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    buffer = io.BytesIO()
    torch.save({"blocks.0.linear_tokens.weight": print}, buffer)
    with refused("Python objects that could run code"):
        read_mixing_matrices_bytes(buffer.getvalue(), "bad.pt")
    with refused("Files of type '.txt' cannot be read; upload one of .safetensors, .npz"):
        read_mixing_matrices_bytes(b"x", "notes.txt")
    with refused("Files of type 'without an ending' cannot be read"):
        read_mixing_matrices_bytes(b"x", "notes")
    with refused("This weight file is empty"):
        read_mixing_matrices_bytes(b"", "x.npz")
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 3)
    with refused("This upload has 4 bytes, more than the 3 that are accepted"):
        read_mixing_matrices_bytes(b"xxxx", "x.npz")
