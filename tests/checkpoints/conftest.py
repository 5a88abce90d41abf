from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mixer_viz.checkpoints import CheckpointError, bundled, hub, save_model
from mixer_viz.model import MixerConfig, MlpMixer


@pytest.fixture(autouse=True)
def empty_hub_and_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees this computer's Hub cache or the real assets; returns the assets folder in their place."""
    assets = tmp_path / "assets"
    assets.mkdir()
    monkeypatch.setattr(bundled, "ASSETS_DIR", assets)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(hub, "_check_network", lambda: None)
    return assets


@pytest.fixture
def loud_model(tiny_config: MixerConfig) -> MlpMixer:
    """Large weights in every tensor, norms included: a swapped norm or a wrong GELU shows in the logits."""
    torch.manual_seed(1)
    plain = replace(tiny_config, mean=None, std=None, interpolation=None, crop_pct=None, class_names=None)
    model = MlpMixer(plain).eval().requires_grad_(False)  # torch's kernels round differently where gradients are kept
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter))
    return model


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """`with refused("part of the sentence"):` the block raises CheckpointError with exactly one sentence."""

    @contextmanager
    def check(part: str):  # type: ignore[no-untyped-def]
        with pytest.raises(CheckpointError, match=re.escape(part)) as caught:
            yield
        sentence = str(caught.value)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert ". " not in sentence
        assert caught.value.__cause__ is not None or caught.value.__context__ is None

    return check


@pytest.fixture
def card() -> dict[str, object]:
    """The model card of `bundled_model`."""
    return {
        "name": "mixer_cifar10",
        "description": "small Mixer",
        "accuracy": 90.5,
        "accuracy_note": "10 000 test images",
    }


@pytest.fixture
def bundled_model(empty_hub_and_assets: Path, tiny_model: MlpMixer, card: dict[str, object]) -> MlpMixer:
    """A tiny model in half precision with its card in the assets folder; returns it in full precision."""
    save_model(tiny_model, empty_hub_and_assets / "mixer_cifar10.safetensors", torch.float16)
    (empty_hub_and_assets / "mixer_cifar10.json").write_text(json.dumps(card))
    return tiny_model
