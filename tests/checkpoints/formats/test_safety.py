"""A hostile file runs no code and fills no memory."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from mixer_viz.checkpoints import load_model, load_model_bytes
from mixer_viz.checkpoints.formats import files, uploads
from mixer_viz.model import MlpMixer
from tests.checkpoints.checkpoint_files import google_arrays, timm_tensors, write, write_zip_member


def test_old_pytorch_file_that_declares_a_huge_tensor(refused) -> None:
    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(72)}, buffer, _use_new_zipfile_serialization=False)
    honest = b"KHN"  # pickle: the number 72 in one byte, then None
    assert buffer.getvalue().count(honest) == 1
    with refused("damaged"):
        load_model_bytes(buffer.getvalue().replace(honest, b"J\xff\xff\xff\x7fN"), "x.pth", "cpu")


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


def test_npz_header_that_promises_more_than_it_holds(tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip_member(tmp_path / "x.npz", "stem/kernel.npy", npy_header((2**40, 2**10)) + bytes(64))
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("the memory would be reserved here"))
    with refused("damaged"):
        load_model(path, "cpu")


def test_limits_on_bytes_tensors_and_numbers(
    tmp_path: Path, loud_model: MlpMixer, refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write(tmp_path / f"x{suffix}", timm_tensors(loud_model)) for suffix in files.SUFFIXES]
    for limit, said in (("MAX_TENSORS", "30"), ("MAX_PARAMETERS", "numbers"), ("MAX_CHECKPOINT_BYTES", "bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(files, limit, 29)
            for path in paths:
                with refused(said):
                    load_model(path, "cpu")
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 29)
    with refused("This upload has"):
        load_model_bytes(paths[0].read_bytes(), "x.safetensors", "cpu")


def test_expanded_tensor_of_terabytes(tmp_path: Path, loud_model: MlpMixer, refused) -> None:
    torch.save(loud_model.state_dict() | {"norm.weight": torch.zeros(1).expand(2**42)}, tmp_path / "x.pt")
    assert (tmp_path / "x.pt").stat().st_size < 2**16
    with refused("numbers, more than"):
        load_model(tmp_path / "x.pt", "cpu")
