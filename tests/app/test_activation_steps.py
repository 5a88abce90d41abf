"""Switching off, shuffled patches and the formula on the activations page: widgets, clicks, links, closing sums."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import mixer_viz as mv
from mixer_viz.analysis.ablation import Ablation, logits_with
from mixer_viz.analysis.formula import token_mixing_formula
from mixer_viz.analysis.permutation import random_order, reversed_rows_order, shuffled_prediction, swapped_order
from mixer_viz.checkpoints import available_models, save_model
from mixer_viz.model import MlpMixer
from mixer_viz.model.config import SMALL
from mixer_viz.samples import load_sample
from mixer_viz.ui import ablation_section
from mixer_viz.ui.shuffle_section import Swapped
from tests.app.driving import ROOT, TIMEOUT, errors, numbers, panel, texts, upload_weights

BUNDLED = next(info.name for info in available_models() if info.on_disk)
OFF, SHUFFLED, FORMULA = "Switching off", "Shuffled patches", "Formula"

Make = Callable[..., MlpMixer]


def open_view(view: str, **query: str) -> AppTest:
    """A new visitor who opens a link to one view of the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {"view": view, "image": "Cat", **query}.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("activations")  # what `switch_page` does once a first run has told it the address
    app.run()
    assert errors(app) == []
    return app


def run(app: AppTest) -> AppTest:
    app.run()
    assert errors(app) == []
    return app


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    return mv.load_model(BUNDLED, "cpu")


@pytest.fixture
def pixels(model: MlpMixer) -> torch.Tensor:
    return mv.preprocess(load_sample("cat"), model)


def percent(logits: np.ndarray) -> np.ndarray:
    return 100 * torch.from_numpy(logits).double().softmax(dim=0).numpy()


def tables(app: AppTest) -> list[dict[str, str]]:
    """Probabilities before and after, by class, as printed."""
    return [dict(zip(table.value["class"], table.value["probability"], strict=True)) for table in app.table[:2]]


def printed(model: MlpMixer, logits: np.ndarray) -> dict[str, str]:
    assert model.config.class_names is not None
    values = percent(logits)
    best = np.argsort(-values, kind="stable")[:5].tolist()
    return {model.config.class_names[index]: f"{values[index]:.1f} %" for index in best}


def off_list(app: AppTest) -> str:
    return next(text.value for text in app.markdown if text.value.startswith("Switched off:"))


def test_half_block_is_off_at_once_and_both_answers_are_printed(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(OFF, off_at="block 2 channel mixing")
    wanted = [printed(model, logits_with(model, pixels, each)) for each in ([], Ablation("branch", 4))]
    assert tables(app) == wanted
    assert off_list(app) == "Switched off: all that block 2 channel mixing adds, to zero."
    changes = app.table[1].value["change"].tolist()
    before, after = (percent(logits_with(model, pixels, each)) for each in ([], Ablation("branch", 4)))
    top = int(after.argmax())
    assert changes[0] == f"{after[top] - before[top]:+.1f} points"


@pytest.mark.parametrize(
    ("what", "kind", "at", "stage", "last"),
    [
        ("Patch", "token", "embedding", 0, 63),
        ("Channel", "channel", "block 3 token mixing", 5, 127),
        ("Hidden unit", "unit", "block 1 token mixing", 1, SMALL.tokens_mlp_dim - 1),
        ("Hidden unit", "unit", "block 8 channel mixing", 16, SMALL.channels_mlp_dim - 1),
    ],
)
def test_everything_else_can_be_switched_off_too(
    what: str, kind: Any, at: str, stage: int, last: int, model: MlpMixer, pixels: torch.Tensor
) -> None:
    app = open_view(OFF, off=what, off_at=at, off_number="5", off_to="Mean")
    assert app.number_input(key="off_number").max == last
    assert tables(app)[1] == printed(model, logits_with(model, pixels, Ablation(kind, stage, 5, "mean")))


def test_fields_follow_when_the_kind_has_fewer_places() -> None:
    app = open_view(OFF, off="Hidden unit", off_at="block 1 channel mixing", off_number="255")
    app.button_group(key="off").set_value("Patch")
    run(app)
    assert app.number_input(key="off_number").value == 63
    app.selectbox(key="off_at").select("embedding")
    run(app)
    assert "patch 63 of the embedding" in off_list(app)
    app.button_group(key="off").set_value("Half-block")
    run(app)
    assert app.selectbox(key="off_at").value == "block 1 token mixing"


def test_list_grows_to_a_handful_and_is_cleared(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(OFF)
    off = [Ablation("branch", 1)]
    for stage in range(2, 2 + ablation_section.MAX_MORE):
        app.button(key="off_keep").click()
        run(app)
        assert tables(app)[1] == printed(model, logits_with(model, pixels, off))
        app.selectbox(key="off_at").select_index(stage - 1)
        run(app)
        off.append(Ablation("branch", stage))
    assert tables(app)[1] == printed(model, logits_with(model, pixels, off))
    assert app.button(key="off_keep").disabled
    app.button(key="off_clear").click()
    run(app)
    assert tables(app)[1] == printed(model, logits_with(model, pixels, off[-1]))
    assert app.button(key="off_clear").disabled


def test_list_of_another_model_is_left_behind(make_model: Make, tmp_path: Path) -> None:
    app = open_view(OFF, off_at="block 8 token mixing")
    app.button(key="off_keep").click()
    run(app)
    upload_weights(app, "mine.safetensors", checkpoint(make_model(), tmp_path))
    assert errors(app) == []
    assert off_list(app) == "Switched off: all that block 1 token mixing adds, to zero."


def checkpoint(model: MlpMixer, folder: Path) -> bytes:
    save_model(model, folder / "mine.safetensors")
    return (folder / "mine.safetensors").read_bytes()


def alone(app: AppTest) -> list[Any] | None:
    found = [part for part in app.get("plotly_chart") if part.proto.id.endswith("-each-alone")]
    return json.loads(found[0].proto.spec)["data"] if found else None


def test_every_half_block_alone(model: MlpMixer, pixels: torch.Tensor) -> None:
    bars = alone(open_view(OFF))
    assert bars is not None
    before = percent(logits_with(model, pixels, []))
    top = int(before.argmax())
    for mixing, trace in enumerate(bars):
        values = np.frombuffer(base64.b64decode(trace["y"]["bdata"]), trace["y"]["dtype"])
        stages = range(1 + mixing, 17, 2)
        wanted = [percent(logits_with(model, pixels, Ablation("branch", stage)))[top] - before[top] for stage in stages]
        assert values == pytest.approx(wanted, abs=1e-3)


def test_large_models_work_it_out_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation_section, "_SLOW_MULTIPLY_ADDS", 1)
    app = open_view(OFF)
    assert alone(app) is None
    app.button(key="each_alone").click()
    run(app)
    assert alone(app) is not None
    app.selectbox(key="off_at").select_index(3)  # what was worked out stays
    assert alone(run(app)) is not None
    app.selectbox(key="image").select_index(1)  # another picture has to be asked for anew
    assert alone(run(app)) is None


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
        assert values == [2, 15, 5, 4]
        assert "tanh" in texts(app)
    else:
        assert "name unknown" in app.table[0].value["class"][0]


def test_swaps_come_on_top_of_the_chosen_order_and_can_be_undone(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_view(SHUFFLED)
    # What two clicks and a third one leave behind; the clicks themselves need a browser.
    app.session_state["_swapped_patches"] = Swapped(("As it is", 0, 64), ((2, 50), (50, 7)), first=9)
    run(app)
    order = swapped_order(swapped_order(np.arange(64), 2, 50), 50, 7)
    assert tables(app)[1] == printed(model, shuffled_prediction(model, pixels, order).shuffled_logits)
    assert panel(app, "shuffled")["selected"] == 9
    assert panel(app, "shuffled")["grids"][0]["shape"] == "3 of 64 patches moved"
    app.button(key="swap_undo").click()
    run(app)
    assert panel(app, "shuffled")["selected"] == -1
    assert panel(app, "shuffled")["grids"][0]["shape"] == "2 of 64 patches moved"
    app.button_group(key="patch_order").set_value("Rows reversed")  # another order begins without them
    run(app)
    assert app.button(key="swap_undo").disabled
    assert panel(app, "shuffled")["grids"][0]["hover"][0] == "place 0 shows patch 56"
