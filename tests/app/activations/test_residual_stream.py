"""Residual stream and prediction on the activations page: curves, comparisons, and sums that close."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

import mixer_viz as mv
from mixer_viz.analysis.activations import logit_attribution, logit_lens, residual_stream, similarity
from mixer_viz.analysis.overview import overview_of
from mixer_viz.checkpoints import bundled, save_model
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.trace import stages_of
from mixer_viz.ui.activations.residual_stream import ITSELF
from tests.app.activations.driving import LAYER, SEEN, TOKEN, check, floats, heights, open_page, sentence, traces
from tests.app.driving import errors, numbers, panel

Make = Callable[..., MlpMixer]


def test_curves_of_the_residual_stream(traced: Trace) -> None:
    app = open_page(view="Residual stream", **SEEN)
    written, drift = residual_stream.residual_stream(traced), similarity.token_drift(traced)
    ratio, cosine = (heights(trace) for trace in traces(app, "written"))
    np.testing.assert_allclose(ratio, written.ratio, rtol=1e-3)
    np.testing.assert_allclose(cosine, written.cosine, rtol=1e-3, atol=1e-4)
    mean, to_mean = (heights(trace) for trace in traces(app, "drift"))
    np.testing.assert_allclose(mean, drift.mean_similarity, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(to_mean, drift.to_mean.mean(axis=1), rtol=1e-3, atol=1e-4)
    alike, cka = panel(app, "similarity")["grids"]
    wanted = similarity.token_similarity(traced, LAYER)
    np.testing.assert_allclose(numbers(alike), wanted.ravel(), atol=1e-3)
    np.testing.assert_allclose(numbers(cka), similarity.cka_between_stages(traced).ravel(), atol=1e-3)


def test_layers_can_be_compared_with_those_of_another_picture(model: MlpMixer, traced: Trace) -> None:
    app = open_page(view="Residual stream", compared="Rocket launch")
    check(app, "Residual stream")
    assert "Cat" not in app.selectbox(key="compared").options  # the picture itself is the first entry
    own, across = panel(app, "similarity")["grids"][1:]
    other = mv.trace(model, mv.preprocess(load_sample("rocket"), model))
    wanted = similarity.cka_between_stages(traced, other)
    assert "Rocket launch" in across["title"]
    found = numbers(across).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert np.abs(found - numbers(own).reshape(wanted.shape)).max() > 0.05
    assert across["hover"][1] == f"embedding and block 1 token mixing: CKA {wanted[0, 1]:.3f}"
    app.selectbox(key="image").select("Rocket launch").run()  # now it would be compared with itself
    check(app, "Residual stream")
    assert app.selectbox(key="compared").value == ITSELF
    assert len(panel(app, "similarity")["grids"]) == 2


def made_assets(make_model: Make, folder: Path, **changes: dict[str, int]) -> dict[str, MlpMixer]:
    models = {}
    for name, settings in changes.items():
        models[name] = make_model(**settings)
        save_model(models[name], folder / f"{name}.safetensors")
        card = {"name": name, "description": name, "accuracy": None, "accuracy_note": "not measured"}
        (folder / f"{name}.json").write_text(json.dumps(card))
    return models


@pytest.mark.own_caches
def test_layers_can_be_compared_with_those_of_another_model_of_the_same_s(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = made_assets(make_model, tmp_path, deep={"num_blocks": 3}, wide={"embed_dim": 9}, fine={"patch_size": 1})
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    app = open_page(model="deep", view="Residual stream", compared="model wide")
    check(app, "Residual stream")
    across = panel(app, "similarity")["grids"][2]
    assert (across["rows"], across["columns"]) == (7, 5)
    deep, wide = (mv.trace(net, mv.preprocess(load_sample("cat"), net)) for net in (models["deep"], models["wide"]))
    np.testing.assert_allclose(numbers(across), similarity.cka_between_stages(deep, wide).ravel(), atol=1e-3)
    app.selectbox(key="compared").select("model fine").run()
    check(app, "Residual stream")
    assert len(panel(app, "similarity")["grids"]) == 2
    (refusal,) = [text.value for text in app.caption if "only layers with the same patches" in text.value]
    assert re.search(r"fine cuts the picture into 64 patches and this model into 16:", refusal)


@pytest.mark.own_caches
def test_model_to_compare_with_that_cannot_be_loaded_is_one_sentence(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = made_assets(make_model, tmp_path, good={}, broken={})
    tensors = {name: tensor for name, tensor in models["broken"].state_dict().items() if name != "head.bias"}
    (tmp_path / "broken.safetensors").write_bytes(save(tensors, {"config": models["broken"].config.to_json()}))
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    app = open_page(model="good", view="Residual stream", compared="model broken")
    (message,) = errors(app)
    assert "head.bias" in message
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    app.selectbox(key="compared").select(ITSELF).run()
    check(app, "Residual stream")


def test_answer_at_every_layer(model: MlpMixer, traced: Trace) -> None:
    app = open_page(view="Prediction", **SEEN)
    probabilities = logit_lens.logit_lens(model, traced).probabilities
    names = model.config.class_names
    assert names is not None
    best = np.argsort(-probabilities[-1], kind="stable")[:5].tolist()
    lines = traces(app, "depth-answers")
    assert [line["name"] for line in lines] == [names[index] for index in best]
    for line, index in zip(lines, best, strict=True):
        np.testing.assert_allclose(heights(line), 100 * probabilities[:, index], rtol=1e-3, atol=1e-3)
    table = app.table[0].value
    assert table["layer"].tolist() == [stage.name for stage in stages_of(model.config)]
    for index in best:
        printed = [float(text.removesuffix(" %")) for text in table[names[index]]]
        assert printed == pytest.approx(100 * probabilities[:, index], abs=0.051)
    first = overview_of(traced)
    assert printed_last(table, names[best[0]]) == pytest.approx(100 * first.top_probabilities[0], abs=0.051)


def printed_last(table: Any, name: str) -> float:
    return float(table[name].iloc[-1].removesuffix(" %"))


@pytest.mark.parametrize("place", [0, 2])
def test_both_sums_close_on_the_logit_of_the_model(place: int, model: MlpMixer, traced: Trace) -> None:
    app = open_page(view="Prediction", **SEEN)
    app.selectbox(key="class_followed").select_index(place).run()
    check(app, "Prediction")
    target = int(torch.argsort(-traced.logits[0], stable=True)[place])
    logit = float(model(traced.pixels)[0, target])
    name = model.config.class_names[target]  # type: ignore[index]
    mean, stated, difference = floats(sentence(app, "At the last layer this is exact").split(f"of {name} is")[1])[:3]
    assert (mean, stated) == (pytest.approx(logit, abs=1e-4), pytest.approx(logit, abs=1e-4))
    assert difference < 1e-4
    closing = sentence(app, "Sum of all parts and the constant")
    constant, total, stated, difference = floats(closing.replace(name, ""))
    parts = heights(traces(app, "parts")[0])
    assert parts.sum() + constant == pytest.approx(total, abs=1e-3)
    assert (total, stated) == (pytest.approx(logit, abs=1e-4), pytest.approx(logit, abs=1e-4))
    assert difference < 1e-4
    _, says, wrote = panel(app, "class-maps")["grids"]
    stages = len(stages_of(model.config))
    assert numbers(says).reshape(stages, -1)[-1].mean() == pytest.approx(logit, abs=1e-3)
    np.testing.assert_allclose(numbers(wrote).reshape(stages, -1).mean(axis=1), parts, atol=1e-3)
    wanted = logit_attribution.logit_attribution(model, traced, target)
    np.testing.assert_allclose(parts, wanted.parts, rtol=1e-3, atol=1e-3)
    assert name in says["title"]
    assert (panel(app, "class-maps")["selected"], panel(app, "class-maps")["frame"]) == (TOKEN, LAYER)
