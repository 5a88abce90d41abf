"""Files as other people's training scripts leave them: the same logits, or the true reason why not."""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import types
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mixer_viz.checkpoints import CheckpointError, load_model, load_model_bytes, save_model
from mixer_viz.model import MlpMixer
from tests.checkpoints import reference_mixers
from tests.checkpoints.checkpoint_files import google_arrays, timm_tensors, write
from tests.checkpoints.test_namings import as_tanh, assert_same_logits

Refused = Callable[[str], AbstractContextManager[None]]
SIZES = (8, 2, 6, 3, 5, 7, 10)  # no two axes alike


def said_of(model: MlpMixer) -> tuple[str, ...]:
    """What the loader remarks, but for the grid, which none of these files says."""
    return tuple(remark for remark in model.remarks if "does not say the shape" not in remark)


def loud(model: nn.Module) -> nn.Module:
    """Large random weights: a swapped part shows in the logits."""
    torch.manual_seed(4)
    for parameter in model.eval().requires_grad_(False).parameters():
        parameter.copy_(torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("prefix", ["", "model.", "state_dict.net."])
@pytest.mark.parametrize("repository", reference_mixers.ALL)
def test_the_same_logits_under_other_names(tmp_path: Path, pixels: Tensor, repository: str, prefix: str) -> None:
    theirs = loud(reference_mixers.ALL[repository](*SIZES))
    state = {prefix + name: value for name, value in theirs.state_dict().items()}
    ours = load_model(write(tmp_path / "x.pth", state), "cpu")
    torch.testing.assert_close(ours(pixels), theirs(pixels), rtol=2e-5, atol=2e-5)
    assert (ours.config.num_blocks, ours.config.tokens_mlp_dim, ours.config.channels_mlp_dim) == (3, 5, 7)
    assert said_of(ours) == ()
    save_model(ours, tmp_path / "own.safetensors")  # with the eps of their LayerNorms
    assert torch.equal(load_model(tmp_path / "own.safetensors", "cpu")(pixels), ours(pixels))


def before_linen(name: str, around: str, counted: bool) -> str:
    """flax's names of a Mixer before linen; children of a block by their own numbers, or counted through."""
    places = {"LayerNorm_0": 0, "token_mixing": 1, "LayerNorm_1": 2, "channel_mixing": 3}
    name = name.replace("MixerBlock_", f"{around}encoderblock_")
    if counted:
        for child, place in places.items():
            kind = "LayerNorm" if child.startswith("LayerNorm") else "MlpBlock"
            name = name.replace(f"/{child}/", f"/{kind}_{place}/")
    return name.replace("pre_head_layer_norm", f"{around}encoder_norm") if around else name


@pytest.mark.parametrize(("around", "counted"), [("", False), ("Mixer/", True), ("Transformer/", False)])
def test_big_vision_before_linen(
    tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, around: str, counted: bool
) -> None:
    arrays = {before_linen(name, around, counted): value for name, value in google_arrays(loud_model).items()}
    assert "encoderblock_1" in " ".join(arrays)
    np.savez(tmp_path / "x.npz", **{f"opt/target/{name}": value for name, value in arrays.items()})
    assert_same_logits(load_model(tmp_path / "x.npz", "cpu"), as_tanh(loud_model), pixels)


def test_relatives_are_refused_for_what_they_are(tmp_path: Path, refused: Refused) -> None:
    no_last_norm = reference_mixers.Jaketae(16, 6, 10).state_dict()
    with refused("a Mixer without the last LayerNorm (as in jaketae/mlp-mixer)"):
        load_model(write(tmp_path / "x.pth", no_last_norm), "cpu")
    class_token = reference_mixers.Omihub777(*SIZES, cls=True).state_dict()
    with refused("a Mixer with a class token, which the paper's Mixer does not have"):
        load_model(write(tmp_path / "x.pth", class_token), "cpu")
    without = dict(reference_mixers.Rishikksh20(*SIZES).state_dict())
    del without["layer_norm.weight"], without["layer_norm.bias"]
    with refused("have no last LayerNorm"):
        load_model(write(tmp_path / "x.pth", without), "cpu")


def changed(model: MlpMixer) -> dict[str, Tensor]:
    return {name: value + 1 for name, value in timm_tensors(model).items()}


@pytest.mark.parametrize(
    ("raw", "averaged"),
    [
        ("state_dict", "state_dict_ema"),
        ("model", "model_ema"),
        ("state_dict", "ema_state_dict"),
        ("model_state_dict", "ema"),
        ("model", "ema_model"),
    ],
)
def test_averaged_weights_go_before_raw_ones(
    tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, raw: str, averaged: str
) -> None:
    other, mine = changed(loud_model), timm_tensors(loud_model)
    wrapped = {"module." + name: value for name, value in mine.items()}
    for content in (
        {raw: other, averaged: mine},
        {averaged: wrapped, raw: other, "epoch": 3},
        {raw: other, averaged: {"module": mine, "decay": 0.999}},
    ):
        torch.save(content, tmp_path / "x.pth")
        model = load_model(tmp_path / "x.pth", "cpu")
        assert torch.equal(model(pixels), loud_model(pixels))
        (said,) = said_of(model)
        assert f"'{averaged}'" in said
        assert "EMA" in said
    for nothing in (None, {}):
        torch.save({raw: mine, averaged: nothing}, tmp_path / "x.pth")
        model = load_model(tmp_path / "x.pth", "cpu")
        assert torch.equal(model(pixels), loud_model(pixels))
        assert said_of(model) == ()


class Settings(argparse.Namespace):
    pass


def test_what_training_scripts_keep_beside_the_weights(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    beside = {
        "args": argparse.Namespace(lr=1e-3, data=Path("/data"), model="mixer", betas=(0.9, 0.99), none=None),
        "more": types.SimpleNamespace(a=1),
        "history": collections.defaultdict(list, {"loss": [1.0, 2.0]}),
        "queue": collections.deque([1, 2], maxlen=3),
        "milestones": collections.Counter([1, 1, 2]),
        "seen": {1, 2},
        "out": PurePosixPath("/out"),
        "best": np.float64(76.5),
        "count": np.int64(3),
        "curve": np.arange(3.0),
        "when": datetime.datetime(2024, 1, 2, 3),
        "version": torch.__version__,
        "rng": torch.get_rng_state(),
        "bytes": b"abc",
    }
    for new_format in (True, False):
        content = {"state_dict": timm_tensors(loud_model), **beside}
        torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
        model = load_model(tmp_path / "x.pth", "cpu")
        assert torch.equal(model(pixels), loud_model(pixels))
        assert said_of(model) == ("Not a part of the network and ignored: 'rng'.",)


def test_other_classes_are_not_let_in(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    for stranger in (Settings(lr=1), print, np.random.default_rng(0), loud_model):
        torch.save({"state_dict": timm_tensors(loud_model), "args": stranger}, tmp_path / "x.pth")
        with refused("could run code ("):
            load_model(tmp_path / "x.pth", "cpu")


@pytest.mark.parametrize("name", ["last.pth.tar", "x.ckpt", "pytorch_model.bin", "weights", "x.PTH", "x.safetensors"])
def test_a_file_is_read_by_its_content(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, name: str) -> None:
    plain = timm_tensors(loud_model)
    for written in ("x.safetensors", "x.npz", "x.pt"):
        data = write(tmp_path / f"w{Path(written).suffix}", plain).read_bytes()
        (tmp_path / name).write_bytes(data)
        assert torch.equal(load_model(tmp_path / name, "cpu")(pixels), loud_model(pixels))
        assert torch.equal(load_model(str(tmp_path / name), "cpu")(pixels), loud_model(pixels))
        assert torch.equal(load_model_bytes(data, name, "cpu")(pixels), loud_model(pixels))


@pytest.mark.parametrize(
    "prefix",
    ["net.", "backbone.", "encoder.", "mixer.", "network.", "student.", "teacher.", "ema_model.", "weights.", "best."],
)
def test_one_prefix_before_the_whole_network(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor, prefix: str) -> None:
    for state in (timm_tensors(loud_model), dict(loud_model.state_dict())):
        tensors = {prefix + name: value for name, value in state.items()}
        for path in (tmp_path / "x.safetensors", tmp_path / "x.pth"):
            model = load_model(write(path, tensors | {"criterion.weight": torch.ones(10)}), "cpu")
            assert torch.equal(model(pixels), loud_model(pixels))
            assert "ignored: 'criterion.weight'." in said_of(model)[-1]


def test_what_lies_beside_the_network_is_named(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    plain = timm_tensors(loud_model)
    beside = {"criterion.weight": torch.ones(10), "train_acc.tp": torch.ones(3), "train_acc.fp": torch.ones(3)}
    for prefix in ("", "model."):
        tensors = {prefix + name: value for name, value in plain.items()} | beside
        model = load_model(write(tmp_path / "x.pth", tensors), "cpu")
        assert torch.equal(model(pixels), loud_model(pixels))
        assert said_of(model) == ("Not a part of the network and ignored: 'criterion.weight', 'train_acc'.",)
    arrays = {f"params/{name}": value for name, value in google_arrays(loud_model).items()}
    np.savez(tmp_path / "x.npz", rng=np.array([1, 2], dtype=np.uint32), note=np.array(["a", "b"]), **arrays)
    model = load_model(tmp_path / "x.npz", "cpu")
    assert_same_logits(model, as_tanh(loud_model), pixels)
    assert said_of(model) == ("Not a part of the network and ignored: 'rng'.",)


def test_moments_of_an_optimiser_are_no_network(tmp_path: Path, loud_model: MlpMixer, pixels: Tensor) -> None:
    arrays = google_arrays(loud_model)
    state = {f"params/{name}": value for name, value in arrays.items()}
    state |= {f"opt_state/0/{moment}/{name}": value + 1 for moment in ("mu", "nu") for name, value in arrays.items()}
    np.savez(tmp_path / "x.npz", **state)
    assert_same_logits(load_model(tmp_path / "x.npz", "cpu"), as_tanh(loud_model), pixels)


def test_several_networks_are_not_guessed_among(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    plain = timm_tensors(loud_model)
    both = {f"{who}.{name}": value for who in ("student", "teacher") for name, value in plain.items()}
    with refused("holds several networks ('student', 'teacher')"):
        load_model(write(tmp_path / "x.pth", both), "cpu")
    model = load_model(write(tmp_path / "x.pth", plain | both), "cpu")  # of the one that is not within another
    assert torch.equal(model.head.weight, loud_model.head.weight)


def test_shards_folders_and_programs(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    plain = timm_tensors(loud_model)
    shard = write(tmp_path / "model-00001-of-00002.safetensors", plain)
    with refused("part 1 of 2 of a model that was saved in several files"):
        load_model(shard, "cpu")
    with refused("part 1 of 2"):
        load_model_bytes(shard.read_bytes(), shard.name, "cpu")
    part = {name: value for name, value in plain.items() if "blocks.1" in name or name.startswith("head")}
    with refused("a part of several (shards)"):
        load_model(write(tmp_path / "half.safetensors", part), "cpu")
    with refused("is a folder, not a file; give the path of the weight file in it, such as 'half.safetensors'"):
        load_model(tmp_path, "cpu")
    with refused("is a folder"):
        load_model(str(tmp_path), "cpu")
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as program:
        for name in ("data.pkl", "code/__torch__/x.py", "constants.pkl", "version"):
            program.writestr(f"x/{name}", b"\x80\x02}.")
    with refused("a TorchScript file, a program with its own code"):
        load_model(tmp_path / "x.pt", "cpu")


def test_side_files_are_named(tmp_path: Path, loud_model: MlpMixer, refused: Refused) -> None:
    path = write(tmp_path / "x.pth", timm_tensors(loud_model))
    config = tmp_path / "config.json"
    for content, said in (
        ('{"std": 0.02}', "The entry 'std' in 'config.json', beside the weights, must be a list of numbers"),
        ("{", "The file 'config.json' beside the weights is not valid JSON"),
        ('{"crop_pct": 2}', "The settings in 'config.json' beside these weights do not fit them"),
    ):
        config.write_text(content)
        with refused(said):
            load_model(path, "cpu")
    config.write_text(json.dumps({"architecture": "mixer", "hidden": 3}))
    assert "Nothing in 'config.json' was used" in load_model(path, "cpu").remarks[-1]
    (remark,) = said_of(load_model_bytes(path.read_bytes(), "x.pth", "cpu", b'{"labels": []}'))
    assert remark.startswith("Nothing in the side file was used, as it has none of the entries mean, std,")


@pytest.mark.parametrize("value", [1e30, 3e38])
def test_weights_whose_answer_cannot_be_finite(tmp_path: Path, loud_model: MlpMixer, value: float) -> None:
    tensors = timm_tensors(loud_model) | {"head.weight": torch.full((10, 6), value)}
    with pytest.raises(CheckpointError, match=r"head\.weight contains values as large as .*not finite"):
        load_model(write(tmp_path / "x.pth", tensors), "cpu")
