"""Every unusable file gets one sentence that says what is wrong; `refused` checks that it is one."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mixer_viz.checkpoints import CheckpointError, load_model, load_model_bytes, save_model
from mixer_viz.model import MlpMixer
from tests.checkpoints.checkpoint_files import timm_tensors, write

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
        load_model(tmp_path.parent / "m.pt", "cpu")  # short: sentences cut what is long
    with refused("does not exist"):
        load_model(str(tmp_path.parent / "m.pt"), "cpu")
    with refused("is a folder"):
        load_model(tmp_path / "folder.pt", "cpu")
    with refused("no model or file called 'resnet50'"):
        load_model("resnet50", "cpu")


def test_no_tensors(tmp_path: Path, refused) -> None:
    save_file({}, tmp_path / "x.safetensors")
    np.savez(tmp_path / "x.npz")
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    torch.save([torch.ones(2)], tmp_path / "x.pth")
    for suffix in SUFFIXES:
        with refused("holds no tensors"):
            load_model(tmp_path / f"x{suffix}", "cpu")


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
    monkeypatch.setattr("mixer_viz.checkpoints.formats.own_format.save_file", half)
    with pytest.raises(CheckpointError, match=r"own.safetensors could not be written \(it ended in the middle\)"):
        save_model(tiny_model, tmp_path / "own.safetensors")
    assert load_model(tmp_path / "own.safetensors", "cpu").config == tiny_model.config
