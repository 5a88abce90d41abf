"""The config of a compared network: round trips, and every refusal in one sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest

from mixer_viz.model import TOKEN_MIXERS, MetaFormerConfig
from tests.model.made_metaformers import SIZES, config_of


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_a_config_survives_json(name: str) -> None:
    config = config_of(name, kernel_size=5, permutation="pixels", permutation_seed=9)
    assert MetaFormerConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token_mixer": "magic"}, "token_mixer='magic' must be one of mlp, attention"),
        ({"permutation": "rows"}, "permutation='rows' must be one of none"),
        ({"token_mixer": "attention", "num_heads": 4}, "embed_dim=26 is not a multiple of num_heads=4"),
        ({"num_heads": 0}, "num_heads=0 must be a whole number of at least 1"),
        ({"kernel_size": 3.0}, "kernel_size=3.0 must be a whole number"),
        ({"permutation_seed": -1}, "permutation_seed=-1 must be a whole number of at least 0"),
        ({"token_mixer": "convolution", "kernel_size": 4}, "kernel_size=4 must be odd and at least 3"),
        ({"token_mixer": "pooling", "kernel_size": 1}, "kernel_size=1 must be odd and at least 3"),
        (
            {"token_mixer": "shift", "sizes": dataclasses.replace(SIZES, embed_dim=11)},
            "embed_dim=11 must be at least 12",
        ),
    ],
)
def test_a_config_that_makes_no_sense(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(config_of("mlp"), **changes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "not a JSON object"),
        (json.dumps({"sizes": {}, "colour": 1}), "unknown entries: colour"),
        (json.dumps({"sizes": {"embed_dim": 3}}), "incomplete"),
    ],
)
def test_a_stored_config_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MetaFormerConfig.from_json(text)
