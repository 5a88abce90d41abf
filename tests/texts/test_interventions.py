"""The texts of switched-off parts, shuffled patches and the formula in numbers say what the arrays say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mixer_viz.analysis.activations.ablation import Ablation
from mixer_viz.analysis.activations.formula import TokenMixingFormula, layer_norm_step, token_mixing_formula
from mixer_viz.model import MixerConfig, MlpMixer, trace
from mixer_viz.model.trace import stages_of
from mixer_viz.texts import interventions as intervention_texts
from mixer_viz.texts.formula import numbers, token_mixing
from tests.made_models import random_model, random_pixels

NAMES = ["cat", "dog", "ship", "car", "frog", "owl"]
BEFORE = np.array([0.5, 0.3, 0.1, 0.05, 0.04, 0.01])
AFTER = np.array([0.1, 0.25, 0.5, 0.05, 0.04, 0.06])


def test_answer_table_has_the_five_best_and_how_they_change() -> None:
    table = intervention_texts.answer_table(NAMES, AFTER, BEFORE, AFTER)
    assert table["class"] == ["ship", "dog", "cat", "owl", "car"]
    assert table["probability"] == ["50.0 %", "25.0 %", "10.0 %", "6.0 %", "5.0 %"]
    assert table["change"] == ["+40.0 points", "-5.0 points", "-40.0 points", "+5.0 points", "0.0 points"]
    assert intervention_texts.answer_table(NAMES, BEFORE, BEFORE, AFTER)["class"] == NAMES[:5]


def test_change_sentence_names_the_largest_change_and_the_new_answer() -> None:
    after = AFTER + np.array([-0.02, 0.02, 0, 0, 0, 0])
    assert intervention_texts.change_sentence(NAMES, BEFORE, after) == (
        "Largest change: **cat**, from 50.0 % to 8.0 % (-42.0 points). The answer was **cat** and is now **ship**."
    )
    kept = intervention_texts.change_sentence(NAMES, BEFORE, BEFORE + np.array([0.02, -0.02, 0, 0, 0, 0]))
    assert kept.endswith("The answer stays **cat**.")


def test_a_change_too_small_to_print_is_called_so() -> None:
    assert intervention_texts.change_sentence(NAMES, BEFORE, BEFORE + 1e-4).startswith("No probability changes")


@pytest.mark.parametrize(
    ("ablation", "text"),
    [
        (Ablation("branch", 3), "all that block 2 token mixing adds, to zero"),
        (Ablation("token", 0, 7), "patch 7 of the embedding, to zero"),
        (Ablation("channel", 4, 2, "mean"), "channel 2 after block 2 channel mixing, to its mean"),
        (Ablation("unit", 1, 4, "mean"), "unit 4 of block 1 token mixing, to its mean"),
    ],
)
def test_every_kind_has_a_name(ablation: Ablation, text: str, tiny_config: MixerConfig) -> None:
    assert intervention_texts.ablation_name(ablation, [stage.name for stage in stages_of(tiny_config)]) == text


def test_each_alone_names_the_strongest_and_counts_the_quiet() -> None:
    text = intervention_texts.each_alone_sentence(["first", "second", "third"], np.array([0.2, -0.4, 0.009]), "cat")
    assert "**second** matters most for cat: -40.0 points" in text
    assert "For 1 of the 3 half-blocks" in text


def test_identity_prints_both_sides_and_the_gap() -> None:
    logits = np.array([1.0, 3.0])
    text = intervention_texts.identity_sentence(logits, logits + 2e-5, 2.1e-5, "cat")
    assert "3.00002 with permuted weights" in text
    assert "3.00000 for the picture" in text
    assert "all 2 classes: 2.1e-05" in text


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (0.5, False, "0.5"),
        (0.5, True, "+0.5"),
        (-1.5e-7, True, r"-1.5 \cdot 10^{-7}"),
        (123456.0, False, r"1.235 \cdot 10^{5}"),
        (0.0, True, "+0"),
    ],
)
def test_numbers_for_latex(value: float, signed: bool, text: str) -> None:
    assert numbers.tex(value, signed) == text


def test_negative_factors_stand_in_brackets() -> None:
    assert (numbers.bracketed(-2.0), numbers.bracketed(2.0)) == ("(-2)", "2")


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    config = MixerConfig(
        image_size=8, patch_size=2, embed_dim=6, num_blocks=2, tokens_mlp_dim=5, channels_mlp_dim=7, num_classes=10
    )
    return random_model(config)


@pytest.fixture(scope="module")
def step(model: MlpMixer) -> TokenMixingFormula:
    return token_mixing_formula(model, trace(model, random_pixels(model.config)), 1, 7, 3, 4)


def equations(text: str) -> list[str]:
    return re.findall(r"^\$\$(.*)\$\$$", text, re.MULTILINE)


def terms(equation: str) -> list[float]:
    """The numbers on the right-hand side that carries this image's values: all but the symbols."""
    tail = re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", equation)
    return [float(found) for found in re.findall(r"(?<![\w_^{])[-+]?\d[\d.]*(?:e-?\d+)?", tail)]


def test_every_equation_stands_in_one_line(model: MlpMixer, step: TokenMixingFormula) -> None:
    # A second line would make Markdown read the first one as something else.
    norm = layer_norm_step(model, trace(model, random_pixels(model.config)), 1, 7)
    texts = [
        token_mixing.formula_in_words(model.config, 1, 7, 3),
        token_mixing.norm_step(norm, 3),
        token_mixing.first_step(step),
        *(token_mixing.gelu_step(step, gelu) for gelu in ("erf", "tanh")),
        token_mixing.second_step(step),
        token_mixing.closing_step(step),
    ]
    for text in texts:
        assert len(equations(text)) == 1
        assert text.count("$$") == 2
        assert text.replace("$$", "").count("$") % 2 == 0


def test_norm_step_has_the_numbers_of_the_patch_and_channel(model: MlpMixer) -> None:
    norm = layer_norm_step(model, trace(model, random_pixels(model.config)), 1, 7)
    (equation,) = equations(token_mixing.norm_step(norm, 3))
    assert numbers.tex(norm.values[3]) in equation
    assert numbers.tex(norm.deviation) in equation
    assert equation.endswith(f"= {numbers.tex(norm.result[3])}")


def test_sums_close_in_print(step: TokenMixingFormula) -> None:
    for text, end in (
        (token_mixing.first_step(step), step.preactivation),
        (token_mixing.second_step(step), step.branch),
    ):
        (equation,) = equations(text)
        total, bias, result = terms(equation.split("=", 1)[1])[-3:]
        assert total + bias == pytest.approx(result, rel=2e-3)
        assert result == pytest.approx(end, rel=1e-3)


def test_closing_prints_both_sides_and_the_difference(step: TokenMixingFormula) -> None:
    text = token_mixing.closing_step(step)
    assert text.count(f"**{step.stored:.7g}**") == 2  # in float64 both sides print alike
    assert f"Difference: **{step.difference:.1e}**" in text
    skip, branch, result = terms(equations(text)[0].split("=", 1)[1])
    assert skip + branch == pytest.approx(result, rel=1e-3)


def test_largest_terms_are_in_order_of_size() -> None:
    weights, values = np.array([1.0, -4.0, 2.0, 0.1]), np.array([1.0, 1.0, -1.0, 1.0])
    text = numbers.largest_terms(weights, values, weights * values, "patch")
    assert [int(found) for found in re.findall(r"patch (\d+):", text)] == [1, 2, 0]
    assert r"$2 \cdot (-1) = -2$" in text
