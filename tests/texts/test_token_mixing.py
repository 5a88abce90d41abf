"""The texts of the token-mixing page carry the numbers of the model and of the unit that is shown."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from mixer_viz.analysis.token_mixing.weights import MixingWeights, units_of
from mixer_viz.model import PRESETS
from mixer_viz.texts import token_mixing as texts

B16, H14 = PRESETS["B/16"], PRESETS["H/14"]
FACTORS = (0.0, 0.5, 1.0, 2.0)


def numbers(text: str) -> set[int]:
    return {int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)}


def made_units(units: int = 5) -> MixingWeights:
    random = np.random.default_rng(0)
    shapes = ((units, 16), (units,), (16, units), (16,))
    return MixingWeights(*(random.normal(size=shape).astype(np.float32) for shape in shapes), grid=(4, 4))


def test_units_in_words_tells_the_number_of_units_from_that_of_patches() -> None:
    text = texts.units_in_words(B16)
    assert {384, 196, 14} <= numbers(text)
    assert text.index("384") < text.index("196")  # 384 units, each with 196 weights
    assert {640, 256, 16} <= numbers(texts.units_in_words(H14))


def test_equation_has_b16s_sizes_and_explains_s_and_hidden_width() -> None:
    text = texts.mixing_equation(B16, 2)
    words = " ".join(text.split())
    assert r"D_S \times S = 384 \times 196" in words
    assert r"S \times D_S = 196 \times 384" in words
    assert "C = 768" in words
    assert "block 3" in words
    assert 384 * 196 in numbers(words)
    assert text.count("$$") == 2
    assert text.replace("$$", "").count("$") % 2 == 0


@pytest.mark.parametrize("units", [15, 16, 17])
def test_equal_sizes_are_called_chance(units: int) -> None:
    config = replace(B16, image_size=64, tokens_mlp_dim=units)  # S = 16
    assert ("by chance" in texts.mixing_equation(config, 0)) == (units == 16)


def test_summary_counts_pairs_of_two() -> None:
    weights = made_units(7)
    w1 = weights.w1.copy()
    w1[3], w1[6] = -2 * w1[0], -w1[5] + 0.01
    units = units_of(replace(weights, w1=w1))
    text = texts.block_summary("own.pth", 2, units, distinct=6)
    assert text.startswith("**own.pth, block 3:**")
    assert re.search(r"\b4 of 7 units", text)
    assert re.search(r"\b6 are distinct", text)
    assert f"{units.frequency.mean():.3f}" in text


def test_unit_table_has_the_numbers_of_that_unit() -> None:
    units = units_of(made_units())
    for unit in (0, 4):
        table = texts.unit_table(units, unit, -0.5, 0.125, -2.5, "cat")
        rows = dict(zip(table["of this unit"], table["value"], strict=True))
        found = [float(text) for value in rows.values() for text in re.findall(r"(?<!W)[-+]?\d[\d.]*", value)]
        wanted = [
            *(units.frequency[unit], units.orientation[unit], 100 * units.orientation_strength[unit]),
            *(units.locality[unit], units.norm1[unit], units.norm2[unit]),
            *(100 * units.sparsity1[unit], 100 * units.sparsity2[unit]),
            *(-0.5, units.likeness[unit], 0.125, -2.5),
        ]
        assert found == pytest.approx(wanted, abs=0.5, rel=0.02)
        assert any("cat" in name for name in rows)


def test_scaled_table_has_a_column_for_each_factor() -> None:
    probabilities = np.array([[0.1, 0.7, 0.2], [0.2, 0.5, 0.3], [0.25, 0.25, 0.5], [0.05, 0.05, 0.9]])
    table = texts.scaled_table(["a", "b", "c"], probabilities, FACTORS, [2, 0])
    assert table == {
        "class": ["c", "a"],
        "unit off": ["20.0 %", "10.0 %"],
        "× 0.5": ["30.0 %", "20.0 %"],
        "unchanged": ["50.0 %", "25.0 %"],
        "× 2": ["90.0 %", "5.0 %"],
    }


def test_largest_change_is_that_of_the_unit_switched_off() -> None:
    probabilities = np.array([[0.1, 0.7, 0.2], [0.9, 0.0, 0.1], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])
    assert "**b** most: by +45.00 points" in texts.largest_change(probabilities, FACTORS, "abc")
    probabilities[0] = [0.25, 0.2, 0.55]
    assert re.search(r"\*\*[bc]\*\* most: by [-+]5\.00 points", texts.largest_change(probabilities, FACTORS, "abc"))
    probabilities[0] = [0.25004, 0.24998, 0.49998]
    assert "no probability" in texts.largest_change(probabilities, FACTORS, "abc")


def test_depth_note_says_which_start_it_is() -> None:
    real, drawn = texts.depth_note(True), texts.depth_note(False)
    assert ("snapshot" in real, "drawn anew" in real) == (True, False)
    assert ("snapshot" in drawn, "drawn anew" in drawn) == (False, True)


def test_field_notes_are_in_percent_and_say_where_there_is_no_gradient() -> None:
    area = np.array([[0.02, 0.1, 0.5], [np.nan, np.nan, np.nan]])
    assert texts.field_notes(area) == ("20 % in 2 % · 50 % in 10 % · 99 % in 50 %", "no gradient")


def test_convolution_note_prints_each_null_value_of_this_size() -> None:
    text = texts.convolution_note({"best kernel": 0.16, "identity": 0.004})
    assert "best kernel 16 %, identity 0.4 %" in text
    assert text.count("$") % 2 == 0


def test_limits_name_what_the_measures_use() -> None:
    assert "cosine -0.7" in texts.limits()
    assert "this checkpoint alone" in " ".join(texts.limits().split())
    assert "12 blocks" in texts.listening_note(12)
