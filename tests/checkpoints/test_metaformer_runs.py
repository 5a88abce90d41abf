"""The card of the compared networks: its runs in order, and a sentence for whatever is wrong in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from mixer_viz.checkpoints.metaformer import load_metaformer, save_metaformer
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun, metaformer_card, metaformer_runs
from mixer_viz.model import MetaFormer, MetaFormerConfig, MixerConfig

Refused = Callable[[str], AbstractContextManager[None]]


ENTRY: dict[str, Any] = {
    "name": "shift-0",
    "token_mixer": "shift",
    "permutation": "none",
    "seed": 0,
    "channels_mlp_dim": 7,
    "parameters": 1234,
    "multiply_adds": 56789,
    "accuracy": 61.5,
    "accuracies": [40, 61.25],
    "images_per_second": 700.5,
    "seconds": 300,
    "train_losses": [2.0, 1.5],
}


@pytest.fixture
def write_card(empty_hub_and_assets: Path, tiny_config: MixerConfig) -> Callable[[object], Path]:
    folder = empty_hub_and_assets / "compared"
    sizes = dataclasses.replace(tiny_config, embed_dim=12)
    network = MetaFormer(MetaFormerConfig(sizes=sizes, token_mixer="shift"))

    def write_runs(runs: object) -> Path:
        folder.mkdir(exist_ok=True)
        save_metaformer(network, folder / "shift-0.safetensors", torch.float16)
        (folder / "compared.json").write_text(json.dumps({"hardware": "two cores", "runs": runs}))
        return folder

    return write_runs


def test_without_a_card_there_are_no_runs() -> None:
    assert metaformer_card() == {}
    assert metaformer_runs() == []


def test_runs_come_in_the_order_of_the_card_with_their_weights(write_card: Callable[[object], Path]) -> None:
    folder = write_card([ENTRY | {"name": "shift-1", "seed": 1}, ENTRY | {"file": "shift-0.safetensors"}])
    second, first = metaformer_runs()
    assert (second.name, second.path) == ("shift-1", None)
    assert first == MetaFormerRun(
        name="shift-0",
        token_mixer="shift",
        permutation="none",
        seed=0,
        channels_mlp_dim=7,
        parameters=1234,
        multiply_adds=56789,
        accuracy=61.5,
        accuracies=(40, 61.25),
        images_per_second=700.5,
        seconds=300,
        path=folder / "shift-0.safetensors",
    )
    assert first.path is not None
    assert load_metaformer(first.path, "cpu").metaformer_config.token_mixer == first.token_mixer
    assert metaformer_card()["hardware"] == "two cores"


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ({}, "no list of entries as 'runs'"),
        ([1], "no list of entries as 'runs'"),
        ([ENTRY | {"accuracy": "high"}], "no number as 'accuracy'"),
        ([ENTRY | {"seed": True}], "no whole number as 'seed'"),
        ([ENTRY | {"parameters": 1.5}], "no whole number as 'parameters'"),
        ([ENTRY | {"token_mixer": None}], "no text as 'token_mixer'"),
        ([ENTRY | {"token_mixer": "mamba"}], "gives 'mamba' as 'token_mixer' of a run"),
        ([ENTRY | {"permutation": "patches"}], "gives 'patches' as 'permutation' of a run"),
        ([ENTRY, ENTRY | {"permutation": "x" * 200}], f"gives '{80 * 'x'}' as 'permutation' of a run"),
        ([ENTRY | {"accuracies": [1, None]}], "no list of numbers as 'accuracies'"),
        ([ENTRY | {"file": "lost.safetensors"}], "lists 'lost.safetensors', which is not beside it"),
        ([ENTRY | {"file": "../compared/shift-0.safetensors"}], "which is not beside it"),
        ([ENTRY | {"file": 3}], "which is not beside it"),
    ],
)
def test_a_card_with_a_wrong_entry(
    runs: object, words: str, write_card: Callable[[object], Path], refused: Refused
) -> None:
    write_card(runs)
    with refused(words):
        metaformer_runs()
