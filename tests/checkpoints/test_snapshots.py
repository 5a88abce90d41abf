"""Snapshots of a bundled model's training, listed in its card."""

from __future__ import annotations

import json
import lzma
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mixer_viz.checkpoints.snapshots import STEP, pack_rows, read_snapshot, snapshots_of, unpack_rows
from mixer_viz.model import MlpMixer

REAL_ASSETS = Path(__file__).parents[2] / "assets"
Refused = Callable[[str], AbstractContextManager[None]]


def entry(stage: int, epoch: int, accuracy: float | None = None) -> dict[str, Any]:
    return {"stage": stage, "epoch": epoch, "accuracy": accuracy, "file": f"tiny_snapshots/{stage}-{epoch}.safetensors"}


@pytest.fixture
def write_snapshots(
    bundled_model: MlpMixer, empty_hub_and_assets: Path, card: dict[str, object]
) -> Callable[[object], None]:
    """Put a list into the card of `bundled_model`, with a file in half precision for every sound entry."""
    mixing = {name: value.half() for name, value in bundled_model.state_dict().items() if ".token_mixing." in name}

    def write(entries: object) -> None:
        (empty_hub_and_assets / "tiny_snapshots").mkdir(exist_ok=True)
        for one in entries if isinstance(entries, list) else []:
            file = one.get("file") if isinstance(one, dict) else None
            if isinstance(file, str) and file and "missing" not in file:
                save_file(mixing, empty_hub_and_assets / file, metadata={"epoch": "0"})
        (empty_hub_and_assets / "mixer_cifar10.json").write_text(json.dumps({**card, "snapshots": entries}))

    return write


def test_they_come_in_the_order_of_training(write_snapshots: Callable[[object], None]) -> None:
    write_snapshots([entry(2, 3, 71), entry(1, 5, 60.5), entry(2, 0), entry(1, 10)])
    found = snapshots_of("mixer_cifar10")
    assert [snapshot.label for snapshot in found] == [
        "stage 1, epoch 5", "stage 1, epoch 10", "stage 2, start", "stage 2, epoch 3"
    ]  # fmt: skip
    assert [(one.stage, one.epoch, one.accuracy) for one in found] == [
        (1, 5, 60.5),
        (1, 10, None),
        (2, 0, None),
        (2, 3, 71),
    ]
    assert {one.model for one in found} == {"mixer_cifar10"}
    assert found[0].path.name == "1-5.safetensors"


def test_a_single_stage_is_not_named(write_snapshots: Callable[[object], None]) -> None:
    write_snapshots([entry(1, 0), entry(1, 2)])
    assert [snapshot.label for snapshot in snapshots_of("mixer_cifar10")] == ["start", "epoch 2"]


def test_arrays_are_float32_under_the_models_names(
    write_snapshots: Callable[[object], None], bundled_model: MlpMixer
) -> None:
    write_snapshots([entry(1, 0)])
    arrays = read_snapshot(snapshots_of("mixer_cifar10")[0])
    state = bundled_model.state_dict()
    assert set(arrays) == {name for name in state if ".token_mixing." in name}
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, state[name].half().float().numpy())


def test_other_models_have_none(bundled_model: MlpMixer) -> None:
    assert snapshots_of("mixer_cifar10") == []  # its card lists none
    assert snapshots_of("mixer_b16_224.goog_in21k_ft_in1k") == []
    assert snapshots_of("") == []


@pytest.mark.parametrize("entries", [{"stage": 1}, "all", 3, None, ["a"], [3]])
def test_a_wrong_list_is_refused(entries: object, write_snapshots: Callable[[object], None], refused: Refused) -> None:
    write_snapshots(entries)
    with refused("has no list of entries as 'snapshots'"):
        snapshots_of("mixer_cifar10")


@pytest.mark.parametrize(
    "change", [{"stage": "1"}, {"epoch": None}, {"epoch": 1.5}, {"stage": True}, {"accuracy": "high"}]
)
def test_a_wrong_entry_is_refused(
    change: dict[str, object], write_snapshots: Callable[[object], None], refused: Refused
) -> None:
    write_snapshots([entry(1, 0), {**entry(1, 1), **change}])
    with refused("snapshot without whole numbers"):
        snapshots_of("mixer_cifar10")


@pytest.mark.parametrize("file", ["tiny_snapshots/missing.safetensors", None, 7, ""])
def test_a_file_that_is_not_there_is_named(
    file: object, write_snapshots: Callable[[object], None], refused: Refused
) -> None:
    write_snapshots([{**entry(1, 0), "file": file}])
    with refused(f"lists the snapshot {str(file)!r}, which is not there"):
        snapshots_of("mixer_cifar10")


def test_damaged_or_diverged_files_are_refused(write_snapshots: Callable[[object], None], refused: Refused) -> None:
    write_snapshots([entry(1, 0), entry(1, 1)])
    first, second = snapshots_of("mixer_cifar10")
    first.path.write_bytes(first.path.read_bytes()[:-5])
    with refused("damaged or cut short"):
        read_snapshot(first)
    save_file({"blocks.0.token_mixing.fc1.weight": torch.full((2, 2), float("nan"))}, second.path)
    with refused("not finite"):
        read_snapshot(second)


def test_the_real_card_lists_snapshots_of_every_block(empty_hub_and_assets: Path) -> None:
    shutil.copytree(REAL_ASSETS, empty_hub_and_assets, dirs_exist_ok=True)
    card = json.loads((REAL_ASSETS / "mixer_cifar10.json").read_text(encoding="utf-8"))
    found = snapshots_of("mixer_cifar10")
    assert len(found) == len(card["snapshots"]) > 0
    assert len({snapshot.label for snapshot in found}) == len(found)
    assert any(name.startswith("blocks.7.token_mixing.") for name in read_snapshot(found[-1]))


def test_packed_rows_come_back_to_half_a_step() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(5, 7, generator=generator) * torch.tensor([1e-4, 1.0, 30.0, 0.0, 2.0])[:, None]
    filters = torch.randn(3, 3, 4, 4, generator=generator).half()
    tensors = {"w": matrix, "stem.weight": filters, "b": torch.randn(5, generator=generator)}
    packed = pack_rows(tensors)
    assert {name: value.dtype for name, value in packed.items()} == {
        "w": torch.int8,
        "w.scale": torch.float32,
        "stem.weight": torch.int8,
        "stem.weight.scale": torch.float32,
        "b": torch.float32,
    }
    unpacked = unpack_rows(packed)
    assert set(unpacked) == set(tensors)
    assert torch.equal(unpacked["b"], tensors["b"])
    for name in ("w", "stem.weight"):
        error = (unpacked[name] - tensors[name].float()).flatten(1).abs().amax(dim=1)
        step = tensors[name].float().flatten(1).abs().amax(dim=1) / 127
        assert (error <= step / 2 + 1e-7).all()
        assert torch.equal(unpack_rows(pack_rows(unpacked))[name], unpacked[name])  # nothing more is lost


def test_a_packed_snapshot_is_read(write_snapshots: Callable[[object], None], empty_hub_and_assets: Path) -> None:
    write_snapshots([entry(1, 0)])
    tensors = {"blocks.0.token_mixing.fc1.weight": torch.tensor([[1.0, -0.5], [0.0, 0.0]])}
    save_file(pack_rows(tensors), empty_hub_and_assets / "tiny_snapshots/1-0.safetensors")
    (arrays,) = read_snapshot(snapshots_of("mixer_cifar10")[0]).values()
    np.testing.assert_allclose(arrays, [[1, -0.5], [0, 0]], atol=1 / 254)


def test_small_rows_are_off_by_a_fifth_of_their_deviation() -> None:
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(50, 400, generator=generator) * torch.linspace(0, 3, 50)[:, None]
    tensors = {"w": matrix, "stem.weight": torch.randn(3, 3, 4, 4, generator=generator), "b": torch.randn(5)}
    packed = pack_rows(tensors, small=True)
    assert set(packed) == {"w.packed", "w.scale", "stem.weight", "stem.weight.scale", "b"}
    assert packed["w.packed"].numel() < 0.45 * matrix.numel()  # bytes; 8-bit numbers have one each
    unpacked = unpack_rows(packed)
    assert set(unpacked) == set(tensors)
    assert unpacked["w"].shape == matrix.shape
    deviation = matrix.square().mean(dim=1).sqrt()
    assert ((unpacked["w"] - matrix).abs().amax(dim=1) <= (STEP / 2 + 1e-4) * deviation).all()
    assert torch.equal(unpacked["stem.weight"], unpack_rows(pack_rows(tensors))["stem.weight"])


@pytest.mark.parametrize("data", [[], [1, 2, 3], list(lzma.compress(b"12345"))])
def test_small_rows_that_do_not_fit(
    data: list[int], write_snapshots: Callable[[object], None], empty_hub_and_assets: Path, refused: Refused
) -> None:
    write_snapshots([entry(1, 0)])
    packed = {"w.packed": torch.tensor(data, dtype=torch.uint8), "w.scale": torch.ones(2)}
    save_file(packed, empty_hub_and_assets / "tiny_snapshots/1-0.safetensors")
    with refused("The scales in 1-0.safetensors do not fit its weights"):
        read_snapshot(snapshots_of("mixer_cifar10")[0])


def test_a_scale_that_does_not_fit(
    write_snapshots: Callable[[object], None], empty_hub_and_assets: Path, refused: Refused
) -> None:
    write_snapshots([entry(1, 0)])
    packed = pack_rows({"w": torch.ones(2, 3)}) | {"w.scale": torch.ones(4)}
    save_file(packed, empty_hub_and_assets / "tiny_snapshots/1-0.safetensors")
    with refused("The scales in 1-0.safetensors do not fit its weights"):
        read_snapshot(snapshots_of("mixer_cifar10")[0])
