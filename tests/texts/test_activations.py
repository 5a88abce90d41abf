"""The texts of the activations page carry the numbers of the model and of the picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mixer_viz.analysis.activations.layers import HiddenActivation, HiddenActivations
from mixer_viz.analysis.activations.logit_attribution import LogitAttribution
from mixer_viz.analysis.activations.logit_lens import PatchLogits
from mixer_viz.model import PRESETS
from mixer_viz.texts import activations as texts

STRONGEST = (HiddenActivation(3, 11, 4.25), HiddenActivation(0, 2, -0.1625))
HIDDEN = HiddenActivations(1, "token", np.zeros((6, 20), np.float32), 0.375, STRONGEST)
LOGITS = PatchLogits((), 4, np.zeros((3, 49)), last_mean=2.5000001, logit=2.5)
PARTS = LogitAttribution((), 4, np.zeros((3, 49)), np.zeros(3), constant=-0.25, total=1.00002, logit=1.0)
NUMBERS = {"norm": 12.346, "mean_norm": 11.0, "ratio": 0.42, "cosine": -0.254, "similarity": 0.5, "to_mean": 0.666}


def integers(text: str) -> set[int]:
    return {int(found) for found in re.findall(r"\d+", text)}


@pytest.mark.parametrize("name", ["B/16", "S/32", "L/16"])
def test_layers_are_counted_with_the_embedding(name: str) -> None:
    config = PRESETS[name]
    found = integers(texts.layers_in_words(config))
    assert {2 * config.num_blocks + 1, 0, 1, 2 * config.num_blocks} == found


def table(**changes: float) -> dict[str, str]:
    columns = texts.layer_numbers("block 2 token mixing", **(NUMBERS | changes))
    names, values = columns.values()
    return dict(zip(names, values, strict=True))


def test_layer_table_names_each_number() -> None:
    assert table() == {
        "layer": "block 2 token mixing",
        "length of this patch's token": "12.3",
        "mean length of all tokens": "11",
        "mean cosine between tokens": "+0.50",
        "cosine of this token to the mean token": "+0.67",
        "over all tokens: what the step added, in length": "42 % of what was there",
        "over all tokens: cosine of the added to what was there": "-0.25",
    }


def test_nothing_was_added_to_make_the_embedding() -> None:
    rows = table(ratio=np.nan, cosine=np.nan)
    assert not any("added" in name for name in rows)
    assert "nan" not in " ".join(rows.values())
    assert table(ratio=0.0)["over all tokens: what the step added, in length"].startswith("0 %")


@pytest.mark.parametrize(("mixing", "row"), [("token", "channel"), ("channel", "token")])
def test_rows_of_hidden_activations_are_named_by_what_they_are(mixing: str, row: str) -> None:
    hidden = replace(HIDDEN, mixing=mixing)
    note = texts.hidden_note(hidden)
    assert note.startswith("38 % of the activations are above 0.")
    assert f"+4.25: unit 11 at {row} 3." in note
    assert texts.strongest_table(hidden) == {
        "unit": ["11", "2"],
        row: ["3", "0"],
        "activation": ["+4.250", "-0.163"],
    }


def test_both_sides_and_their_difference_are_printed() -> None:
    mean = texts.mean_closes(LOGITS, "cat")
    assert "mean of the 49 patch logits of cat is 2.50000" in mean
    assert "logit is 2.50000 (difference 1.0e-07)" in mean
    parts = texts.parts_close(PARTS, "cat")
    assert "constant (-0.250): 1.00002" in parts
    assert "logit of cat: 1.00000 (difference 2.0e-05)" in parts


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("make", [texts.mean_closes, texts.parts_close])
def test_a_split_that_does_not_close_is_not_hidden(make: Callable[..., str], sign: int) -> None:
    given = replace(LOGITS, last_mean=2.5 + sign) if make is texts.mean_closes else replace(PARTS, total=1.0 + sign)
    assert "(difference 1.0e+00)" in make(given, "cat")


def test_answers_by_layer_have_a_row_for_each_layer_and_a_column_for_each_class() -> None:
    table = texts.top_classes_by_layer(["cat", "dog"], ["embedding", "one", "two"], [[0.1, 0.2], [0.3, 0.4], [1, 0]])
    assert table == {
        "layer": ["embedding", "one", "two"],
        "cat": ["10.0 %", "30.0 %", "100.0 %"],
        "dog": ["20.0 %", "40.0 %", "0.0 %"],
    }


def test_formulas_are_closed() -> None:
    text = texts.ACTIVATIONS_EQUATION
    assert text.count("$$") % 2 == 0
    assert text.replace("$$", "").count("$") % 2 == 0
    assert text.count(r"\text{") <= text.count("}")
