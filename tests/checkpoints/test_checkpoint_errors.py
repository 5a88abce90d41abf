"""Every unusable file gets one sentence that says what is wrong; `refused` checks that it is one."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import google_arrays, timm_tensors, write, write_zip_member
from safetensors.torch import save_file
from torch import Tensor

from mixer_viz.checkpoints import CheckpointError, files, load, load_model, load_model_bytes, save_model
from mixer_viz.model import MlpMixer

SUFFIXES = [".safetensors", ".npz", ".pt", ".pth"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_file(tmp_path: Path, loud_model: MlpMixer, refused, suffix: str, share: float) -> None:
    data = write(tmp_path / f"x{suffix}", timm_tensors(loud_model)).read_bytes()
    with refused("damaged"):
        load_model_bytes(data[: int(share * len(data))], f"x{suffix}", "cpu")


def test_truncated_old_pytorch_file(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    buffer = io.BytesIO()
    torch.save(loud_model.state_dict(), buffer, _use_new_zipfile_serialization=False)
    for length in (10, len(buffer.getvalue()) // 2, len(buffer.getvalue()) - 3):
        with refused("damaged"):
            load_model_bytes(buffer.getvalue()[:length], "x.pth", "cpu")


def test_old_pytorch_file_that_declares_a_huge_tensor(refused) -> None:
    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(72)}, buffer, _use_new_zipfile_serialization=False)
    honest = b"KHN"  # pickle: the number 72 in one byte, then None
    assert buffer.getvalue().count(honest) == 1
    with refused("damaged"):
        load_model_bytes(buffer.getvalue().replace(honest, b"J\xff\xff\xff\x7fN"), "x.pth", "cpu")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_file(tmp_path: Path, refused, suffix: str) -> None:
    (tmp_path / f"x{suffix}").touch()
    with refused("is empty"):
        load_model(tmp_path / f"x{suffix}", "cpu")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_of_another_kind(refused, suffix: str) -> None:
    with refused("damaged"):
        load_model_bytes(b"<html><body>404 Not Found</body></html>", f"x{suffix}", "cpu")
    with refused("Git LFS pointer"):
        load_model_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", f"x{suffix}", "cpu")


def test_wrong_names_and_paths(tmp_path: Path, refused) -> None:
    (tmp_path / "x.h5").write_bytes(b"HDF")
    (tmp_path / "folder.pt").mkdir()
    with refused("'.h5'"):
        load_model(tmp_path / "x.h5", "cpu")
    with refused("'.h5'"):
        load_model(str(tmp_path / "x.h5"), "cpu")
    with refused("'.bin'"):
        load_model_bytes(b"x", "model.bin", "cpu")
    with refused("without an ending"):
        load_model_bytes(b"x", "model", "cpu")
    with refused("does not exist"):
        load_model(tmp_path / "missing.pt", "cpu")
    with refused("does not exist"):
        load_model(str(tmp_path / "missing.pt"), "cpu")
    with refused("is a folder"):
        load_model(tmp_path / "folder.pt", "cpu")
    with refused("no model or file called 'resnet50'"):
        load_model("resnet50", "cpu")


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


class RunsCode:
    """Unpickling this calls `open(path, "w")`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("new_format", [True, False])
def test_pickle_that_wants_to_run_code(tmp_path: Path, loud_model: MlpMixer, refused, new_format: bool) -> None:
    victim = tmp_path / "created"
    content = loud_model.state_dict() | {"extra": RunsCode(victim)}
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
    with refused("best as .safetensors"):
        load_model(tmp_path / "x.pth", "cpu")
    assert not victim.exists()
    torch.load(tmp_path / "x.pth", weights_only=False)["extra"].close()
    assert victim.exists(), "the file would have run its code"


def test_whole_pickled_module(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    torch.save(loud_model, tmp_path / "x.pt")
    with refused("could run code"):
        load_model(tmp_path / "x.pt", "cpu")


def test_npz_with_pickled_objects(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    victim = tmp_path / "created"
    arrays = google_arrays(loud_model) | {"evil": np.array([RunsCode(victim)], dtype=object)}
    np.savez(tmp_path / "x.npz", **arrays)
    with refused("'evil.npy' in this .npz file is a pickled Python object"):
        load_model(tmp_path / "x.npz", "cpu")
    assert not victim.exists()


def npy_header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(files, "MAX_CHECKPOINT_BYTES", 2**20)
    path = write_zip_member(tmp_path / f"x{suffix}", "a.npy", npy_header((2**20,)) + bytes(2**22))
    assert path.stat().st_size < 2**14
    with refused("unpacks to"):
        load_model(path, "cpu")


def test_npz_header_that_promises_more_than_it_holds(tmp_path: Path, refused) -> None:
    path = write_zip_member(tmp_path / "x.npz", "stem/kernel.npy", npy_header((2**40, 2**10)) + bytes(64))
    with refused("damaged"):
        load_model(path, "cpu")


def test_limits_on_bytes_tensors_and_numbers(
    tmp_path: Path, loud_model: MlpMixer, refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write(tmp_path / f"x{suffix}", timm_tensors(loud_model)) for suffix in SUFFIXES]
    for limit, said in (("MAX_TENSORS", "30"), ("MAX_PARAMETERS", "numbers"), ("MAX_CHECKPOINT_BYTES", "bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(files, limit, 29)
            for path in paths:
                with refused(said):
                    load_model(path, "cpu")
    monkeypatch.setattr(load, "MAX_UPLOAD_BYTES", 29)
    with refused("This upload has"):
        load_model_bytes(paths[0].read_bytes(), "x.safetensors", "cpu")


def test_expanded_tensor_of_terabytes(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    torch.save(loud_model.state_dict() | {"norm.weight": torch.zeros(1).expand(2**42)}, tmp_path / "x.pt")
    assert (tmp_path / "x.pt").stat().st_size < 2**16
    with refused("numbers, more than"):
        load_model(tmp_path / "x.pt", "cpu")


def test_no_tensors(tmp_path: Path, refused) -> None:
    save_file({}, tmp_path / "x.safetensors")
    np.savez(tmp_path / "x.npz")
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    torch.save([torch.ones(2)], tmp_path / "x.pth")
    for suffix in SUFFIXES:
        with refused("holds no tensors"):
            load_model(tmp_path / f"x{suffix}", "cpu")


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
        (lambda s: s | {"blocks.999.norm1.weight": torch.ones(6)}, "at most 256"),
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


def own_file(path: Path, model: MlpMixer, config: str) -> Path:
    save_file(dict(model.state_dict()), path, metadata={"mixer_viz_config": config})
    return path


def test_stored_config_that_disagrees(tmp_path: Path, tiny_model: MlpMixer, refused) -> None:
    good = json.loads(tiny_model.config.to_json())
    for config, said in (
        (json.dumps(good | {"image_size": 4}), "settings beside these weights say 4 px"),
        (json.dumps(good | {"embed_dim": 9}), "embed_dim=9 but its weights have 6"),
        (json.dumps(good | {"class_names": ["a"]}), "1 class names do not fit num_classes=10"),
        (json.dumps(good | {"class_names": "abcdefghij"}), "class_names"),
        (json.dumps(good | {"class_names": list(range(10))}), "class_names"),
        (json.dumps(good | {"mean": [10**400, 1, 1]}), "unusable"),
        (json.dumps(good | {"surprise": 1}), "surprise"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ):
        with refused(said):
            load_model(own_file(tmp_path / "x.safetensors", tiny_model, config), "cpu")


def test_error_is_a_value_error_with_its_cause(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", b"no array")
    with pytest.raises(ValueError) as caught:
        load_model(tmp_path / "x.npz", "cpu")
    assert isinstance(caught.value, CheckpointError)
    assert isinstance(caught.value.__cause__, ValueError)


def test_own_file_cut_short_while_written_never_appears(
    tmp_path: Path, tiny_model: MlpMixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(_: dict, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    save_model(tiny_model, tmp_path / "own.safetensors")
    monkeypatch.setattr("mixer_viz.checkpoints.own_format.save_file", half)
    with pytest.raises(OSError, match="disk full"):
        save_model(tiny_model, tmp_path / "own.safetensors")
    assert load_model(tmp_path / "own.safetensors", "cpu").config == tiny_model.config
