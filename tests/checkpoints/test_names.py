"""What there is to load by name, and the bundled models."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from torch import Tensor

from mixer_viz.checkpoints import ModelInfo, available_models, load_model, save_model
from mixer_viz.model import MlpMixer

B16 = "mixer_b16_224.goog_in21k_ft_in1k"
MIIL = "mixer_b16_224.miil_in21k_ft_in1k"


def test_bundled_models_come_first(bundled_model: MlpMixer, empty_hub_and_assets: Path) -> None:
    save_model(bundled_model, empty_hub_and_assets / "no_card.safetensors")
    models = available_models()
    assert models[0] == ModelInfo(
        name="mixer_cifar10",
        source="bundled",
        description="small Mixer",
        accuracy=90.5,
        accuracy_note="10 000 test images",
        num_parameters=sum(parameter.numel() for parameter in bundled_model.parameters()),
        on_disk=True,
    )
    assert [model.source for model in models] == ["bundled"] + ["timm"] * 6


def test_the_one_to_begin_with_comes_first(
    bundled_model: MlpMixer, empty_hub_and_assets: Path, card: dict[str, object]
) -> None:
    save_model(bundled_model, empty_hub_and_assets / "later.safetensors")
    (empty_hub_and_assets / "later.json").write_text(json.dumps(card | {"name": "later", "is_first": True}))
    save_model(bundled_model, empty_hub_and_assets / "a.safetensors")
    (empty_hub_and_assets / "a.json").write_text(json.dumps(card | {"name": "a", "is_first": "yes"}))
    names = [info.name for info in available_models() if info.source == "bundled"]
    assert names == ["later", "a", "mixer_cifar10"]


def test_published_models_show_measured_accuracy_and_exact_sizes() -> None:
    found = {model.name: (model.accuracy, model.num_parameters, model.on_disk) for model in available_models()}
    # 59 880 472 and 208 196 168 are the numbers of the original code's own tests for 1000 classes.
    assert found == {
        B16: (76.616, 59_880_472, False),
        MIIL: (82.314, 59_880_472, False),
        "mixer_l16_224.goog_in21k_ft_in1k": (72.084, 208_196_168, False),
        "mixer_b16_224.goog_in21k": (None, 59_111_472 + 769 * 21843, False),
        "mixer_b16_224.miil_in21k": (None, 59_111_472 + 769 * 11221, False),
        "mixer_l16_224.goog_in21k": (None, 207_171_168 + 1025 * 21843, False),
    }
    assert all(("timm" in model.accuracy_note) == (model.accuracy is not None) for model in available_models())


def test_model_in_the_hubs_cache_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = {("timm/" + MIIL, "model.safetensors"): "somewhere/model.safetensors"}
    not_there = huggingface_hub.file_download._CACHED_NO_EXIST
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *key: cached.get(key, not_there))
    assert [model.name for model in available_models() if model.on_disk] == [MIIL]


def test_bundled_model_by_name(bundled_model: MlpMixer, pixels: Tensor) -> None:
    loaded = load_model("mixer_cifar10", "cpu")
    assert loaded.config == bundled_model.config
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.head.weight, bundled_model.head.weight.half().float())
    torch.testing.assert_close(loaded(pixels), bundled_model(pixels), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("change", [{"name": None}, {"accuracy": "90 %"}, {"accuracy": True}, {"description": ""}])
def test_broken_card(bundled_model: MlpMixer, empty_hub_and_assets: Path, card: dict, refused, change: dict) -> None:
    (empty_hub_and_assets / "mixer_cifar10.json").write_text(json.dumps(card | change))
    with refused(f"'{next(iter(change))}'"):
        available_models()


def test_unknown_name_lists_what_there_is(bundled_model: MlpMixer, refused) -> None:
    with refused("'mixer_b32_224'; choose one of mixer_cifar10, mixer_b16_224.goog_in21k_ft_in1k, "):
        load_model("mixer_b32_224", "cpu")


def test_device_without_enough_memory(bundled_model: MlpMixer, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> MlpMixer:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(MlpMixer, "to", full)
    with refused("not enough free memory"):
        load_model("mixer_cifar10", "cpu")
