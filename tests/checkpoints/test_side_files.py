"""Preprocessing and class names that lie beside the weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import Tensor

from mixer_viz.checkpoints import load_model, load_model_bytes, preparation, save_model
from mixer_viz.model import MlpMixer
from tests.checkpoints.checkpoint_files import google_arrays, timm_tensors, write

NAMES = [f"name {index}" for index in range(10)]
FULL = {
    "mean": [0.5, 0.25, 0],
    "std": [1, 2, 3],
    "interpolation": "bilinear",
    "crop_pct": 0.9,
    "class_names": NAMES,
    "gelu": "tanh",
    "image_size": 8,
    "accuracy": 91.2,
}


@pytest.fixture
def weights(tmp_path: Path, loud_model: MlpMixer) -> Path:
    return write(tmp_path / "mixer.pth", timm_tensors(loud_model))


def test_side_file_with_the_same_stem(weights: Path) -> None:
    weights.with_suffix(".json").write_text(json.dumps(FULL))
    config = load_model(weights, "cpu").config
    assert (config.mean, config.std) == ((0.5, 0.25, 0.0), (1.0, 2.0, 3.0))
    assert (config.interpolation, config.crop_pct, config.gelu) == ("bilinear", 0.9, "tanh")
    assert config.class_names == tuple(NAMES)


def test_nobody_says_how_to_prepare(weights: Path) -> None:
    config = load_model(weights, "cpu").config
    assert (config.mean, config.std, config.interpolation, config.crop_pct, config.class_names) == (None,) * 5
    assert config.gelu == "erf"


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_config_json_as_timm_writes_it(weights: Path, where: str) -> None:
    cfg = {"input_size": [3, 8, 8], "interpolation": "bicubic", "crop_pct": 0.875, "mean": [0, 0, 0], "std": [1, 1, 1]}
    names = {
        "label_names": [f"n{index}" for index in range(10)],
        "label_descriptions": {f"n{index}": name for index, name in enumerate(NAMES[:9])},
    }
    content = {"architecture": "mixer", "pretrained_cfg": cfg | (names if where == "inside" else {})}
    weights.with_name("config.json").write_text(json.dumps(content | (names if where == "beside" else {})))
    config = load_model(weights, "cpu").config
    assert (config.mean, config.std) == ((0, 0, 0), (1, 1, 1))
    assert (config.interpolation, config.crop_pct, config.gelu) == ("bicubic", 0.875, "erf")
    assert config.class_names == (*NAMES[:9], "n9")


def test_own_stem_goes_before_config_json(weights: Path) -> None:
    weights.with_suffix(".json").write_text(json.dumps({"crop_pct": 0.5}))
    weights.with_name("config.json").write_text("no JSON at all")
    assert load_model(weights, "cpu").config.crop_pct == 0.5


def test_own_file_needs_no_side_file_and_ignores_its_card(tmp_path: Path, tiny_model: MlpMixer) -> None:
    save_model(tiny_model, tmp_path / "own.safetensors")
    (tmp_path / "own.json").write_text(json.dumps({"name": "own", "mean": [9, 9, 9]}))
    assert load_model(tmp_path / "own.safetensors", "cpu").config == tiny_model.config


def test_side_file_can_correct_the_gelu(weights: Path, loud_model: MlpMixer, pixels: Tensor, tmp_path: Path) -> None:
    exact = load_model(weights, "cpu")(pixels)
    flax = {name: _tensor(value) for name, value in google_arrays(loud_model).items()}
    data = write(tmp_path / "flax.safetensors", flax).read_bytes()
    corrected = load_model_bytes(data, "flax.safetensors", "cpu", b'{"gelu": "erf"}')
    assert corrected.config.gelu == "erf"
    assert corrected(pixels).allclose(exact, rtol=1e-5, atol=1e-5)


def _tensor(array) -> Tensor:  # type: ignore[no-untyped-def]
    from torch import from_numpy

    return from_numpy(array)


@pytest.mark.parametrize(
    ("side_file", "said"),
    [
        ({"image_size": 384}, "say 384 px, but the weights read S = 16 patches of 2 px, so images of 8 px"),
        ({"pretrained_cfg": {"input_size": [3, 224, 224]}}, "say 224 px"),
        ({"class_names": ["a", "b"]}, "2 class names do not fit num_classes=10"),
        ({"class_names": "abcdefghij"}, "'class_names' that comes with these weights must be a list of texts"),
        ({"class_names": list(range(10))}, "'class_names'"),
        ({"mean": 0.5}, "'mean' that comes with these weights must be a list of numbers"),
        ({"mean": [0.5, 0.5]}, "mean has 2 values"),
        ({"mean": [10**400, 0, 0]}, "'mean'"),
        ({"std": [1, 1, 0]}, "must be positive"),
        ({"std": [True, True, True]}, "'std'"),
        ({"crop_pct": "0.9"}, "'crop_pct'"),
        ({"crop_pct": 2}, "crop_pct=2"),
        ({"image_size": 8.0}, "'image_size' that comes with these weights must be a whole number"),
        ({"interpolation": "lanczos"}, "interpolation='lanczos'"),
        ({"gelu": "relu"}, "gelu='relu'"),
        ([1], "not a JSON object"),
    ],
)
def test_side_file_that_does_not_fit(weights: Path, refused, side_file: object, said: str) -> None:
    with refused(said):
        load_model_bytes(weights.read_bytes(), "x.pth", "cpu", json.dumps(side_file).encode())


def test_side_file_that_is_no_json(weights: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000):
        with refused("not valid JSON"):
            load_model_bytes(weights.read_bytes(), "x.pth", "cpu", content)
    monkeypatch.setattr(preparation, "MAX_SIDE_FILE_BYTES", 10)
    weights.with_suffix(".json").write_text(json.dumps(FULL))
    with refused("more than 10 bytes"):
        load_model(weights, "cpu")
