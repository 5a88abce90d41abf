"""Shuffled patches and the formula on the activations page: widgets, clicks, closing sums; own checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.activations.formula import token_mixing_formula
from mixer_viz.analysis.activations.permutation import (
    random_order,
    reversed_rows_order,
    shuffled_prediction,
    swapped_order,
)
from mixer_viz.model import MlpMixer
from tests.app.activations.interventions_driving import (
    FORMULA,
    OFF,
    SHUFFLED,
    checkpoint,
    open_view,
    printed,
    run,
    tables,
)
from tests.app.driving import errors, numbers, panel, texts, upload_weights

Make = Callable[..., MlpMixer]


@pytest.mark.parametrize("order", ["As it is", "Rows reversed", "Random"])
def test_shuffled_answers_and_identity(order: str, model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(SHUFFLED, patch_order=order, seed="7")
    chosen = {"As it is": np.arange(64), "Rows reversed": reversed_rows_order(8), "Random": random_order(64, 7)}[order]
    result = shuffled_prediction(model, pixels, chosen)
    assert tables(app) == [printed(model, result.logits), printed(model, result.shuffled_logits)]
    gap = float(re.search(r"Largest difference over all 10 classes: ([\d.e+-]+)\.", texts(app))[1])
    assert gap < 1e-4
    moved = int((chosen != np.arange(64)).sum())
    (grid,) = panel(app, "shuffled")["grids"]
    assert grid["shape"] == f"{moved} of 64 patches moved"
    assert "trained" in texts(app)


def test_formula_ends_at_the_stored_activation(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(FORMULA, block="3", token="9", channel="17", unit="100")
    step = token_mixing_formula(model, mv.trace(model, pixels), 2, 9, 17, 100)
    difference = float(re.search(r"Difference: \*\*([\d.e+-]+)\*\*", texts(app))[1])
    assert difference < 1e-4
    assert f"**{step.stored:.7g}**" in texts(app)
    column, weights, products = panel(app, "formula-first")["grids"]
    assert numbers(weights) == pytest.approx(step.w1_row)
    assert numbers(products) == pytest.approx(step.products1, abs=1e-6)
    assert numbers(column) == pytest.approx(step.normed, abs=1e-5)
    hidden, row, written = panel(app, "formula-second")["grids"]
    assert numbers(hidden) * numbers(row) == pytest.approx(numbers(written), abs=1e-5)
    assert (panel(app, "formula-norm")["selected"], panel(app, "formula-second")["selected"]) == (9, 100)


@pytest.mark.parametrize(
    ("number", "key", "weights"),
    [
        ("Token mixing", "formula-first", "weight of W₁"),
        ("Token mixing", "formula-second", "weight of W₂"),
        ("Channel mixing", "number-channel", "weight of W₃"),
        ("Channel mixing", "number-unit", "weight of W₄"),
        ("Head", "number-channel", "weight of the head"),
    ],
)
def test_the_weights_of_a_formula_are_named_after_their_matrix(number: str, key: str, weights: str) -> None:
    grids = panel(open_view(FORMULA, number=number), key)["grids"]
    assert [grid["label"] for grid in grids if grid["title"] == "× weight"] == [weights]


def test_formula_follows_its_fields() -> None:
    app = open_view(FORMULA)
    for key, value, word in (("block", 8, "block 8"), ("token", 63, "t = 63"), ("channel", 127, "c = 127")):
        app.number_input(key=key).set_value(value)
        run(app)
        assert word in texts(app)
    app.number_input(key="unit").set_value(127)
    run(app)
    assert "Row 127 of $W_1$" in texts(app)


@pytest.mark.parametrize("view", [OFF, SHUFFLED, FORMULA])
def test_own_checkpoint_without_class_names_and_with_fewer_of_everything(
    view: str, make_model: Make, tmp_path: Path
) -> None:
    fields = {"block": "8", "token": "63", "channel": "127", "unit": "127"}
    app = open_view(view, **(fields if view == FORMULA else {"off_at": "block 8 channel mixing"}))
    model = make_model(class_names=None, gelu="tanh")
    upload_weights(app, "mine.safetensors", checkpoint(model, tmp_path))
    assert errors(app) == []
    run(app)
    if view == FORMULA:
        values = [app.number_input(key=key).value for key in ("block", "token", "channel", "unit")]
        assert values[:3] == [2, 15, 0]  # the place of block and patch; channels and units have none
        assert 0 <= values[3] < model.config.tokens_mlp_dim
        assert "tanh" in texts(app)
    else:
        assert re.fullmatch(r"class \d+", app.table[0].value["class"][0])


def test_swaps_come_on_top_of_the_chosen_order_and_can_be_undone(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(SHUFFLED)
    # What two clicks and a third one leave behind; the clicks themselves need a browser.
    app.session_state["swaps"], app.session_state["_swap_first"] = ((2, 50), (50, 7)), 9
    run(app)
    order = swapped_order(swapped_order(np.arange(64), 2, 50), 50, 7)
    assert tables(app)[1] == printed(model, shuffled_prediction(model, pixels, order).shuffled_logits)
    assert panel(app, "shuffled")["selected"] == 9
    assert panel(app, "shuffled")["grids"][0]["shape"] == "3 of 64 patches moved"
    assert app.query_params["swaps"] == "2-50,50-7"
    app.button(key="swap_undo").click()
    run(app)
    assert panel(app, "shuffled")["selected"] == -1
    assert panel(app, "shuffled")["grids"][0]["shape"] == "2 of 64 patches moved"
    app.button_group(key="patch_order").set_value("Rows reversed")  # another order begins without them
    run(app)
    assert app.button(key="swap_undo").disabled
    assert panel(app, "shuffled")["grids"][0]["hover"][0] == "place 0 shows patch 56"
