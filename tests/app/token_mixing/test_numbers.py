"""Numbers and maps below the atlas of token-mixing weights: those of the analysis, of the selected unit and patch."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import mixer_viz as mv
from mixer_viz.analysis import overview
from mixer_viz.analysis.token_mixing import jacobian, unit_effect
from mixer_viz.analysis.token_mixing.mixing_matrix import linear_mixing
from mixer_viz.analysis.token_mixing.opposing_pairs import best_opposing_cosine
from mixer_viz.analysis.token_mixing.weights import block_weights, units_of
from mixer_viz.model import MlpMixer
from mixer_viz.ui.token_mixing.results import FACTORS
from tests.app.driving import go, numbers, panel
from tests.app.token_mixing.driving import BLOCK, TOKEN, UNIT, atlas, check, floats, open_page, tables
from tests.made_models import block_of


def frame(app: AppTest, index: int, block: int) -> np.ndarray:
    """One of the maps of "who talks to whom" in one block."""
    grid = panel(app, "talk")["grids"][index]
    return numbers(grid).reshape(grid["frames"], -1)[block]


def percent(texts: list[str]) -> list[float]:
    return [float(text.removesuffix(" %")) for text in texts]


def test_numbers_of_the_unit_are_those_of_the_analysis(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    weights = block_weights(model, BLOCK)
    units = units_of(weights)
    rows = [floats(text.replace("W₁", "").replace("W₂", "")) for text in tables(app)[0].values()]
    wanted = [
        [units.frequency[UNIT]],
        [units.orientation[UNIT], 100 * units.orientation_strength[UNIT]],
        [units.locality[UNIT]],
        [units.norm1[UNIT], units.norm2[UNIT]],
        [5, 100 * units.sparsity1[UNIT], 100 * units.sparsity2[UNIT]][1:],
        [best_opposing_cosine(weights.w1)[UNIT]],
        [units.likeness[UNIT]],
        [weights.b1[UNIT]],
        [unit_effect.unit_effects(model, pixels, BLOCK)[UNIT]],
    ]
    for found, expected, places in zip(rows, wanted, (3, 0, 2, 3, 0, 2, 2, 4, 4), strict=True):
        assert found == pytest.approx(expected, abs=0.51 * 10.0**-places, rel=0.006)
    titles = " ".join(grid["title"] for grid in panel(app, "unit-maps")["grids"])
    assert f"unit {units.partner[UNIT]}" in titles
    assert f"{units.partner_cosine[UNIT]:+.2f}" in panel(app, "unit-maps")["grids"][2]["shape"]


def test_activation_is_that_of_the_unit_on_this_picture(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    wanted = mv.trace(model, pixels).blocks[BLOCK].tokens_hidden[0, :, UNIT]
    np.testing.assert_allclose(numbers(panel(app, "activation")["grids"][0]), wanted, rtol=1e-4, atol=1e-6)


def test_unchanged_means_the_answer_of_the_overview(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    answers = tables(app)[1]
    assert list(answers) == ["class", "unit off", "× 0.5", "unchanged", "× 2", "× 4"]
    assert len(FACTORS) == len(answers) - 1
    first = overview.overview_of(mv.trace(model, pixels))
    go(app, "overview")
    names = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    assert answers["class"] == names["hovertext"]
    assert answers["unchanged"] == names["text"]
    assert percent(answers["unchanged"])[0] == pytest.approx(100 * first.top_probabilities[0], abs=0.051)


def test_switched_off_means_a_model_without_that_column_of_w2(model: MlpMixer, pixels: torch.Tensor) -> None:
    """Of the unit with the largest effect, so that there is something to see."""
    unit = int(np.abs(unit_effect.unit_effects(model, pixels, BLOCK)).argmax())
    app = open_page(block=str(BLOCK + 1), unit=str(unit), image="Cat")
    answers = tables(app)[1]
    names = list(model.config.class_names)
    changed = []
    for title, factor in (("unit off", 0.0), ("× 4", 4.0)):
        other = copy.deepcopy(model)
        with torch.no_grad():
            block_of(other, BLOCK).token_mixing.fc2.weight[:, unit] *= factor
            probabilities = other(pixels)[0].double().softmax(dim=0)
        wanted = [100 * float(probabilities[names.index(name)]) for name in answers["class"]]
        assert percent(answers[title]) == pytest.approx(wanted, abs=0.06)
        changed.append(answers[title] != answers["unchanged"])
    assert any(changed)


def test_who_talks_to_whom_is_of_the_selected_patch(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(token=str(TOKEN), block=str(BLOCK + 1), image="Cat")
    before = panel(app, "atlas")
    for token in (TOKEN, 20):
        app.number_input(key="token").set_value(token).run()
        check(app)
        talk = panel(app, "talk")
        assert (talk["selected"], talk["frame"], len(talk["frames"])) == (token, BLOCK, model.config.num_blocks)
        wanted = jacobian.jacobian_rows(model, mv.trace(model, pixels), token)
        matrix = linear_mixing(block_weights(model, BLOCK))
        np.testing.assert_allclose(frame(app, 1, BLOCK), matrix[token], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(frame(app, 2, BLOCK), matrix[:, token], rtol=1e-5, atol=1e-6)
        for block in range(model.config.num_blocks):
            for index, values in enumerate((wanted.image_in, wanted.image_out, wanted.norm_in, wanted.norm_out), 3):
                np.testing.assert_allclose(frame(app, index, block), values[block], rtol=1e-3, atol=1e-5)
    assert panel(app, "atlas") == before  # Streamlit then sends nothing of it


def test_the_selected_unit_moves_the_mark_and_sends_the_pictures_of_the_rest_unchanged() -> None:
    app = open_page()
    before = {key: panel(app, key) for key in ("talk", "field", "convolution")}
    grids, maps = atlas(app), panel(app, "unit-maps")
    app.number_input(key="unit").set_value(UNIT).run()
    check(app)
    assert panel(app, "atlas")["selected"] == UNIT
    assert atlas(app) == grids
    assert panel(app, "unit-maps") != maps
    assert {key: panel(app, key) for key in before} == before


def test_receptive_field_can_be_averaged() -> None:
    app = open_page(image="Rocket launch")
    alone = panel(app, "field")["grids"][0]
    assert len(alone["notes"]) == alone["frames"] == len(panel(app, "field")["frames"])
    app.toggle(key="average").set_value(True).run()
    check(app)
    assert panel(app, "field")["grids"][0]["values"] != alone["values"]
