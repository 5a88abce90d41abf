"""Small files that would take hours or gigabytes to read are refused before either is spent, in one sentence."""

from __future__ import annotations

import io
import json
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

from mixer_viz.checkpoints import CheckpointError, load_model, load_model_bytes
from mixer_viz.checkpoints.formats import archives, files, pickle_scan
from mixer_viz.model import MixerConfig, MlpMixer
from tests.checkpoints.checkpoint_files import timm_tensors, write, write_zip_member

Refused = Callable[[str], AbstractContextManager[None]]

HEADER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03X\r\x00\x00\x00little_endianq\x02\x88X\n\x00\x00\x00type_sizesq\x03}q\x04(X\x05\x00\x00\x00shortq\x05K\x02X\x03\x00\x00\x00intq\x06K\x04X\x04\x00\x00\x00longq\x07K\x04uu."  # noqa: E501


def both_forms(pickle: bytes) -> list[bytes]:
    """The pickle as torch.save wrote it before PyTorch 1.6, and as it is written since."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickle)
        archive.writestr("a/version", b"3\n")
    return [HEADER + pickle + b"\x80\x02]q\x00.", buffer.getvalue()]


def doubled(levels: int) -> bytes:
    """A tuple of two numbers, put into a tuple twice, that one again, ...: short to write, 2^levels to walk through."""
    steps = b"".join(b"q" + bytes([level]) + b"h" + bytes([level]) + b"\x86" for level in range(levels))
    return b"K\x01\x85" + steps


# Some would take ages, others gigabytes; a slow computer that traces every line takes four seconds for the worst.
MOST_SECONDS = 15.0

HOSTILE_PICKLES = {
    "a key that takes 2^60 steps to hash": b"\x80\x02}" + doubled(60) + b"K\x01s.",
    "the same among several": b"\x80\x02}(" + doubled(60) + b"K\x01u.",
    "the same in a set": b"\x80\x02c__builtin__\nset\n](" + doubled(60) + b"e\x85R.",
    "the same counted": b"\x80\x02ccollections\nCounter\n](" + doubled(60) + b"e\x85R.",
    "the same as the name of a storage": b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    + doubled(60)
    + b"X\x03\x00\x00\x00cpuK\x01tQ.",
    "the same as a layout": b"\x80\x02ctorch.serialization\n_get_layout\n" + doubled(60) + b"\x85R.",
    "tuples within tuples": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "a byte array of 4 GB": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "a tensor of 8 GB": b"\x80\x02ctorch\nFloatTensor\nJ\xff\xff\xff\x7f\x85R.",
    "more steps than tensors need": b"\x80\x02](" + b"N" * 900_000 + b"e.",
    "more calls than tensors need": b"\x80\x02ccollections\nOrderedDict\nq\x00(" + b"h\x00)R" * 150_000 + b"t.",
    "a text in an encoding that takes squared time": b"\x80\x02c_codecs\nencode\nX\x00\x00\x01\x00"
    + b"a" * 65_536
    + b"X\x08\x00\x00\x00punycode\x86R.",
    "a storage with fewer numbers than it says": b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ\xff\xff\xff\x7ftQ.",
}


@pytest.mark.parametrize("what", HOSTILE_PICKLES)
def test_pickle_is_refused_before_anything_is_built(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("this is where it would be built"))
    for data in both_forms(HOSTILE_PICKLES[what]):
        assert len(data) < 2**20
        started = time.thread_time()
        with pytest.raises(CheckpointError):
            load_model_bytes(data, "x.pth", "cpu")
        assert time.thread_time() - started < MOST_SECONDS


def test_the_key_is_what_is_wrong(refused: Refused) -> None:
    for levels, said in ((60, "more than 10,000 entries in one tuple"), (5, "keys that are neither texts nor numbers")):
        for data in both_forms(b"\x80\x02}" + doubled(levels) + b"K\x01s."):
            with refused(said):
                load_model_bytes(data, "x.pth", "cpu")


def test_containers_within_each_other_are_visited_once(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    tensors: dict = {"x": torch.zeros(1)}
    for _ in range(8):
        tensors = {str(key): tensors for key in range(60)}
    itself: dict = {}
    itself["again"] = itself
    for content, said in ((tensors, "unknown architecture"), (itself, "holds no tensors")):
        torch.save(content, tmp_path / "x.pth")
        started = time.thread_time()
        with refused(said):
            load_model(tmp_path / "x.pth", "cpu")
        assert time.thread_time() - started < MOST_SECONDS
    torch.save({"again": itself, "model": dict(loud_model.state_dict())}, tmp_path / "x.pth")
    assert load_model(tmp_path / "x.pth", "cpu").config.num_blocks == 2


def test_the_largest_honest_checkpoint_is_read_in_time(tmp_path: Path, tiny_config: MixerConfig) -> None:
    """As many blocks as are accepted, with averages and an optimiser that keeps two tensors for each weight."""
    from dataclasses import replace

    model = MlpMixer(replace(tiny_config, num_blocks=64, mean=None, std=None, class_names=None))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    state = model.state_dict()
    path = tmp_path / "x.pth"
    torch.save({"model": state, "model_ema": dict(state), "optimizer": optimizer.state_dict()}, path)
    started = time.thread_time()
    assert load_model(path, "cpu").config.num_blocks == 64
    assert time.thread_time() - started < MOST_SECONDS


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_npz_of_a_kilobyte_that_unpacks_to_gigabytes(tmp_path: Path, refused: Refused, packing: int) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (2**25,)})
    with zipfile.ZipFile(tmp_path / "x.npz", "w", packing) as archive:
        archive.writestr("stem/kernel.npy", buffer.getvalue() + bytes(2**27))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused("times as much" if packing == zipfile.ZIP_DEFLATED else "packed as neither"):
        load_model(tmp_path / "x.npz", "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**15  # KiB


def test_weights_that_are_views_of_a_few_numbers(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    numbers = torch.zeros(2**20)
    content = {f"blocks.{index}.mlp_tokens.fc1.weight": numbers for index in range(40)}
    torch.save(content, tmp_path / "x.pth")
    with refused("times as much"):
        load_model(tmp_path / "x.pth", "cpu")


def test_two_archives_in_one_file(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    """Python's reader and torch's must not see different files in it."""
    whole = write(tmp_path / "whole.pth", timm_tensors(loud_model)).read_bytes()
    first = write_zip_member(tmp_path / "first.zip", "a/data.pkl", b"\x80\x02}.").read_bytes()
    for data in (first + whole, whole + first, whole + b"\0", whole[:-2] + b"\x04\0abcd"):
        with refused("damaged"):
            load_model_bytes(data, "x.pth", "cpu")
    with zipfile.ZipFile(tmp_path / "twice.pth", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/DATA.pkl", b"\x80\x02}.")
    with zipfile.ZipFile(tmp_path / "bytes.pth", "w") as archive:
        archive.writestr("\u00e9/data.pkl", b"\x80\x02}.")
        archive.writestr("\u251c\u2310/data.pkl", b"\x80\x02}.")  # the same bytes, said to be of another alphabet
    for name in ("twice.pth", "bytes.pth"):
        with refused("damaged"):
            load_model(tmp_path / name, "cpu")


def test_archive_with_too_many_files(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(40):
            archive.writestr(f"a/data/{index}", b"")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 39)
    with refused("40 files, more than the 39"):
        load_model(path, "cpu")
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    with refused("more than the 100 that are accepted"):
        load_model(path, "cpu")


def test_safetensors_header_of_a_million_entries(tmp_path: Path, refused: Refused) -> None:
    entry = b'"%06d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    header = b"{" + b"".join(entry % index for index in range(files.MAX_HEADER_BYTES // 50)) + b'"x":{}}'
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with refused("describes its tensors in"):
        load_model(tmp_path / "x.safetensors", "cpu")


def test_side_file_of_two_million_names(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    data = write(tmp_path / "x.pth", timm_tensors(loud_model)).read_bytes()
    with refused("The side file has more than"):
        load_model_bytes(data, "x.pth", "cpu", json.dumps({"class_names": ["name"] * 2_000_000}).encode())
    with refused("at most 25,000 texts (there are 30,000)"):
        load_model_bytes(data, "x.pth", "cpu", json.dumps({"class_names": ["a"] * 30_000}).encode())
    with refused("at most 500 characters each"):
        load_model_bytes(data, "x.pth", "cpu", json.dumps({"class_names": ["a" * 501] * 10}).encode())


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"image_size": 4000, "patch_size": 100, "tokens_mlp_dim": 1}, "4,000 pixels along a side"),
        ({"image_size": 130, "patch_size": 2, "tokens_mlp_dim": 1}, "4,225 tokens"),
        ({"num_classes": 25_001, "embed_dim": 1}, "25,001 classes"),
        ({"num_blocks": 65, "embed_dim": 1}, "65 blocks"),
        ({"image_size": 128, "tokens_mlp_dim": 1, "num_blocks": 3}, "numbers in all mixing matrices"),
        ({"image_size": 1024, "patch_size": 64, "num_blocks": 16}, "pixels times blocks"),
        ({"embed_dim": 1, "channels_mlp_dim": 2**24, "num_blocks": 1}, "numbers to keep of one pass"),
    ],
)
def test_sizes_that_a_small_file_can_claim(sizes: dict[str, int], said: str, refused: Refused) -> None:
    """The tensors take no memory here: what is refused is what running such a network would take."""
    from mixer_viz.checkpoints.sizes import infer_sizes

    small = {"image_size": 8, "patch_size": 2, "embed_dim": 1, "num_blocks": 1, "tokens_mlp_dim": 1, "num_classes": 2}
    with torch.device("meta"):
        model = MlpMixer(MixerConfig(**{**small, "channels_mlp_dim": 1, **sizes}))
    with refused(said):
        infer_sizes({name: tuple(value.shape) for name, value in model.state_dict().items()})


@pytest.mark.parametrize(
    ("side_file", "said"),
    [
        ({"crop_pct": 0.0008}, "at least 0.1"),
        ({"crop_pct": 1e-9}, "at least 0.1"),
        ({"image_size": 10**3999}, "a number of"),
        ({"gelu": "x" * 10**6}, "must be 'erf' or 'tanh'"),
        ({"interpolation": "x" * 10**6}, "must be 'nearest'"),
        ({"mean": [1.0] * 10**5}, "mean has 100000 values"),
        ({"mean": [1e308, 0, 0]}, "divide by 255"),
        ({"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}, "divide by 255"),
        ({"std": [58.4, 57.1, 57.4]}, "divide by 255"),
        ({"std": [1e-300, 1, 1]}, "else the answer is not finite"),
    ],
)
def test_side_file_with_wild_values(
    tmp_path: Path, loud_model: MlpMixer, refused: Refused, side_file: dict, said: str
) -> None:
    data = write(tmp_path / "x.pth", timm_tensors(loud_model)).read_bytes()
    with refused(said):
        load_model_bytes(data, "x.pth", "cpu", json.dumps(side_file).encode())
    with pytest.raises(CheckpointError) as caught:
        load_model_bytes(data, "x.pth", "cpu", json.dumps(side_file).encode())
    assert len(str(caught.value)) < 400


def test_long_names_are_cut_in_sentences(tmp_path: Path, loud_model: MlpMixer) -> None:
    long = "n" * 300
    for tensors in ({long: torch.ones(2)}, {**timm_tensors(loud_model), long: torch.ones(2)}):
        for name in ("x.safetensors", "x.pth"):
            with pytest.raises(CheckpointError) as caught:
                load_model(write(tmp_path / name, tensors), "cpu")
            assert len(str(caught.value)) < 400


def test_names_that_never_end(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    names = ["scheduler" * 100_000, "blocks.0." * 100_000, "\ud800" + "n" * 500]
    for name in names[:2]:
        with refused("a tensor whose name has"):
            load_model(write(tmp_path / "x.safetensors", timm_tensors(loud_model) | {name: torch.ones(2)}), "cpu")
    for name in names:
        torch.save({**timm_tensors(loud_model), name: torch.ones(2)}, tmp_path / "x.pth")
        load_model(tmp_path / "x.pth", "cpu")  # where they are passed over


def test_bounds_leave_room_for_what_is_accepted() -> None:
    """Each tensor takes about 35 steps of the pickle and two calls."""
    assert 35 * files.MAX_TENSORS <= pickle_scan.MAX_OPCODES
    assert 2 * files.MAX_TENSORS <= pickle_scan.MAX_CALLS
    assert files.MAX_TENSORS < archives.MAX_MEMBERS
