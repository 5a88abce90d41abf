from __future__ import annotations

import dataclasses
import json

import pytest

from mixer_viz.model import MixerConfig

SIZES = {
    "image_size": 8,
    "patch_size": 2,
    "embed_dim": 6,
    "num_blocks": 2,
    "tokens_mlp_dim": 5,
    "channels_mlp_dim": 7,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patch_size": 3}, ["image_size=8", "patch_size=3"]),
        ({"patch_size": 16}, ["image_size=8", "patch_size=16"]),
        ({"embed_dim": 0}, ["embed_dim=0", "at least 1"]),
        ({"num_blocks": -2}, ["num_blocks=-2", "at least 1"]),
        ({"tokens_mlp_dim": 5.0}, ["tokens_mlp_dim=5.0", "whole number"]),
        ({"channels_mlp_dim": True}, ["channels_mlp_dim=True", "whole number"]),
        ({"num_classes": "10"}, ["num_classes='10'", "whole number"]),
        ({"gelu": "relu"}, ["gelu='relu'", "erf", "tanh"]),
        ({"interpolation": "lanczos"}, ["interpolation='lanczos'", "bicubic"]),
        ({"mean": (0.5, 0.5)}, ["mean has 2", "in_channels=3"]),
        ({"std": (0.5,) * 4}, ["std has 4", "in_channels=3"]),
        ({"mean": (0.5, float("nan"), 0.5)}, ["mean=", "nan", "finite"]),
        ({"std": (0.5, 0.0, 0.5)}, ["std=(0.5, 0.0, 0.5)", "positive"]),
        ({"crop_pct": 1.5}, ["crop_pct=1.5", "at most 1"]),
        ({"crop_pct": 0.0}, ["crop_pct=0.0", "above 0"]),
        ({"num_classes": 3, "class_names": ("cat", "dog")}, ["2 class names", "num_classes=3"]),
        ({"num_classes": 3, "class_names": "cat"}, ["class_names", "texts"]),
        ({"num_classes": 2, "class_names": ("cat", 7)}, ["class_names", "texts"]),
    ],
)
def test_clashing_values_are_named_in_the_message(change: dict, words: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        MixerConfig(**{**SIZES, **change})
    for word in words:
        assert word in str(caught.value)


def test_derived_sizes(tiny_config: MixerConfig) -> None:
    assert (tiny_config.grid_size, tiny_config.num_patches, tiny_config.patch_dim) == (4, 16, 12)


def test_config_is_frozen_and_hashable(tiny_config: MixerConfig) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny_config.embed_dim = 7  # type: ignore[misc]
    assert len({tiny_config, dataclasses.replace(tiny_config)}) == 1


@pytest.mark.parametrize("complete", [True, False])
def test_json_round_trip(tiny_config: MixerConfig, complete: bool) -> None:
    config = tiny_config if complete else MixerConfig(**SIZES, gelu="tanh")
    restored = MixerConfig.from_json(config.to_json())
    assert restored == config
    assert hash(restored) == hash(config)  # lists became tuples again


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{'image_size': 8}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[8, 2]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "incomplete"),
        (json.dumps({**SIZES, "learning_rate": 1, "dropout": 0}), "unknown entries: dropout, learning_rate"),
        (json.dumps({**SIZES, "patch_size": 3}), "image_size=8 is not a multiple of patch_size=3"),
        (json.dumps({**SIZES, "embed_dim": "6"}), "embed_dim='6' must be a whole number"),
        (json.dumps({**SIZES, "mean": 0.5}), "wrong type"),
        (json.dumps({**SIZES, "mean": ["a", "b", "c"]}), "wrong type"),
        (json.dumps({**SIZES, "mean": [10**400, 0, 0]}), "must be finite"),
        (json.dumps({**SIZES, "crop_pct": "all"}), "wrong type"),
        (json.dumps({**SIZES, "crop_pct": float("nan")}), "crop_pct=nan"),
        (json.dumps({**SIZES, "num_classes": 2, "class_names": [["cat"], ["dog"]]}), "class_names"),
    ],
)
def test_bad_json_raises_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MixerConfig.from_json(text)
