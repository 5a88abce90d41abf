"""Switching off on the activations page: both answers, the list of what is off, every half-block alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.activations.ablation import Ablation, logits_with
from mixer_viz.model import MlpMixer
from mixer_viz.model.config import SMALL
from mixer_viz.ui.activations import ablation
from mixer_viz.ui.compute import speed
from tests.app.activations.interventions_driving import OFF, checkpoint, open_view, percent, printed, run, tables
from tests.app.driving import errors, upload_weights

Make = Callable[..., MlpMixer]


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
    for stage in range(2, 2 + ablation.MAX_MORE):
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
    monkeypatch.setattr(speed, "MOST_UNASKED", 0.0)
    app = open_view(OFF)
    assert alone(app) is None
    app.button(key="each_alone").click()
    run(app)
    assert alone(app) is not None
    app.selectbox(key="off_at").select_index(3)  # what was worked out stays
    assert alone(run(app)) is not None
    app.selectbox(key="image").select_index(1)  # another picture has to be asked for anew
    assert alone(run(app)) is None
