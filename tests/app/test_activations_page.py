"""The activations page: every view, links, clamping, and numbers that are those of the analysis."""

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
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import mixer_viz as mv
from mixer_viz.analysis import activations, channel_effect, depth_prediction, logit_parts, residual, similarity
from mixer_viz.analysis.overview import overview_of, stages_of
from mixer_viz.checkpoints import available_models, bundled, save_model
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.samples import load_sample
from mixer_viz.ui.activation_channels import ORDERS
from mixer_viz.ui.activation_layers import QUANTITIES
from mixer_viz.ui.activation_stream import ITSELF
from tests.app.driving import ROOT, TIMEOUT, errors, numbers, panel, upload_weights

BUNDLED = next(info.name for info in available_models() if info.on_disk)
# Of each view: panels and charts that must be there.
VIEWS = {
    "Layers": ("strip", "large", "vectors", "hidden"),
    "Channels": ("channel-atlas", "channel-strip"),
    "Residual stream": ("similarity", "written", "drift"),
    "Prediction": ("class-maps", "depth-answers", "parts"),
    "Switching off": ("each-alone",),
    "Shuffled patches": ("shuffled",),
    "Formula": ("formula-norm", "formula-first", "formula-second"),
}
FIELDS = {
    "Layers": ("layer", "token"),
    "Channels": ("layer", "channel"),
    "Residual stream": ("layer",),
    "Prediction": ("layer", "token"),
}
LAYER, TOKEN, CHANNEL = 3, 9, 17
SEEN = {"layer": str(LAYER), "token": str(TOKEN), "channel": str(CHANNEL)}

Make = Callable[..., MlpMixer]


def open_page(**query: str) -> AppTest:
    """A new visitor who opens a link to the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {"image": "Cat", **query}.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("activations")  # what `switch_page` does once a first run has told it the address
    return app.run()


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    return mv.load_model(BUNDLED, "cpu")


@pytest.fixture(scope="module")
def traced(model: MlpMixer) -> Trace:
    return mv.trace(model, mv.preprocess(load_sample("cat"), model))


@pytest.fixture(scope="module")
def top(traced: Trace) -> int:
    return int(traced.logits[0].argmax())


def check(app: AppTest, view: str = "Layers") -> None:
    """The view is there, to the last line of the page, and without an error."""
    assert errors(app) == []
    assert (app.button_group(key="view").value or "Layers") == view  # an empty link presses no button
    for key in VIEWS[view]:
        assert key in shown(app)
    for other in set(VIEWS) - {view}:
        assert not shown(app) & set(VIEWS[other])
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    keys = {f"activations-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}


def shown(app: AppTest) -> set[str]:
    """The keys of all pictures and charts."""
    return {part.proto.id.split("-", 2)[2] for kind in ("bidi_component", "plotly_chart") for part in app.get(kind)}


def traces(app: AppTest, key: str) -> list[dict[str, Any]]:
    (found,) = [part for part in app.get("plotly_chart") if part.proto.id.endswith(f"-{key}")]
    data: list[dict[str, Any]] = json.loads(found.proto.spec)["data"]
    return data


def heights(trace: dict[str, Any]) -> np.ndarray:
    """The y of a plotly trace."""
    if isinstance(trace["y"], dict):
        return np.frombuffer(base64.b64decode(trace["y"]["bdata"]), trace["y"]["dtype"])
    return np.array(trace["y"], dtype=float)


def rows(app: AppTest, index: int = 0) -> dict[str, str]:
    """A table of two columns."""
    table = app.table[index].value
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1], strict=True))


def floats(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)]


def sentence(app: AppTest, words: str) -> str:
    (found,) = [text.value for text in app.markdown if words in text.value]
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_runs(view: str) -> None:
    app = open_page(view=view, **SEEN)
    check(app, view)
    check(app.run(), view)
    for key in FIELDS.get(view, ()):
        assert app.number_input(key=key).value == int(SEEN[key])


def test_first_visit_begins_with_the_last_layer(model: MlpMixer) -> None:
    app = open_page()
    check(app)
    assert app.number_input(key="layer").value == 2 * model.config.num_blocks
    assert panel(app, "large")["frame"] == panel(app, "strip")["selected"] == 2 * model.config.num_blocks
    assert app.button_group(key="quantity").value == "Length"


@pytest.mark.parametrize("key", ["view", "quantity", "channels"])
@pytest.mark.parametrize("value", ["", "<script>", "nothing"])
def test_link_with_a_choice_that_is_not_there(key: str, value: str) -> None:
    view = "Channels" if key == "channels" else "Layers"
    check(open_page(**({"view": view} | {key: value})), view)


def test_link_full_of_nonsense() -> None:
    app = open_page(layer="99", token="-3", channel="x", own_scales="maybe", compared="<script>", quantity="Channel")
    check(app)
    assert app.toggle(key="own_scales").value is False
    app.button_group(key="view").set_value("Residual stream").run()
    check(app, "Residual stream")
    assert app.selectbox(key="compared").value == ITSELF


def wanted_maps(quantity: str, model: MlpMixer, traced: Trace, top: int) -> np.ndarray:
    if quantity == "Channel":
        return activations.channel_maps(traced, CHANNEL)
    if quantity == "Class":
        return depth_prediction.patch_logits(model, traced, top).values
    return activations.token_norms(traced)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_strip_and_enlarged_map_show_the_quantity(quantity: str, model: MlpMixer, traced: Trace, top: int) -> None:
    app = open_page(quantity=quantity, **SEEN)
    check(app)
    wanted = wanted_maps(quantity, model, traced, top).reshape(1 + 2 * model.config.num_blocks, -1)
    strip, large = panel(app, "strip"), panel(app, "large")
    assert (strip["selected"], strip["marks"], large["selected"], large["marks"]) == (LAYER, "layer", TOKEN, "token")
    assert [grid["ids"] for grid in strip["grids"]] == [[stage] for stage in range(len(wanted))]
    assert strip["stacks"] == [1] + [2] * model.config.num_blocks
    for grid, values in zip(strip["grids"], wanted, strict=True):
        np.testing.assert_allclose(numbers(grid), values, rtol=1e-3, atol=1e-4)
        assert (grid["photo"] is not None) == (quantity == "Likeness")
    enlarged = numbers(large["grids"][1])
    if quantity == "Likeness":  # colours of one layer, without a player: they are no values on a scale
        np.testing.assert_allclose(enlarged, wanted[LAYER], rtol=1e-3, atol=1e-4)
        assert large["grids"][1]["photo"] == strip["grids"][LAYER]["photo"]
        assert large["frames"] == []
    else:
        np.testing.assert_allclose(enlarged.reshape(wanted.shape), wanted, rtol=1e-3, atol=1e-4)
        assert (large["frame"], large["frames"]) == (LAYER, [stage.name for stage in stages_of(model.config)])
    assert any(field.key == "channel" for field in app.number_input) == (quantity == "Channel")


def test_each_layer_on_its_own_scale() -> None:
    for view, key in (("Layers", "strip"), ("Channels", "channel-strip")):
        limits = []
        for own in ("false", "true"):
            app = open_page(view=view, own_scales=own, **SEEN)
            check(app, view)
            assert app.toggle(key="own_scales").value == (own == "true")
            limits.append({tuple(grid["limits"][0]) for grid in panel(app, key)["grids"]})
        assert len(limits[0]) == 1
        assert len(limits[1]) > 1


def test_link_restores_what_it_names() -> None:
    link = {"quantity": "Channel", "own_scales": "true", "image": "Cup of coffee", **SEEN}
    app = open_page(**link)
    check(app)
    assert [app.number_input(key=key).value for key in SEEN] == [LAYER, TOKEN, CHANNEL]
    assert app.button_group(key="quantity").value == "Channel"
    assert app.toggle(key="own_scales").value is True
    assert app.selectbox(key="image").value == "Cup of coffee"
    app = open_page(view="Residual stream", compared="Rocket launch", **SEEN)
    check(app, "Residual stream")
    assert app.selectbox(key="compared").value == "Rocket launch"
    app = open_page(view="Channels", channels="Effect on the class", **SEEN)
    check(app, "Channels")
    assert app.button_group(key="channels").value == "Effect on the class"


def test_fields_of_the_link_are_kept_from_view_to_view() -> None:
    """Views that show a field, with one between them that does not."""
    app = open_page(quantity="Channel", **SEEN)
    for view in ("Residual stream", "Layers", "Channels", "Prediction", "Channels", "Shuffled patches", "Layers"):
        app.button_group(key="view").set_value(view).run()
        check(app, view)
    assert [app.number_input(key=key).value for key in ("layer", "token")] == [LAYER, TOKEN]


@pytest.mark.parametrize("layer", [0, LAYER, LAYER + 1])
def test_table_of_a_layer_has_the_numbers_of_the_analysis(layer: int, traced: Trace) -> None:
    app = open_page(layer=str(layer), token=str(TOKEN))
    check(app)
    found = rows(app)
    stream, drift = residual.residual_stream(traced), similarity.token_drift(traced)
    norms = activations.token_norms(traced)[layer].ravel()
    wanted = {
        "length of this patch's token": norms[TOKEN],
        "mean length of all tokens": norms.mean(),
        "mean cosine between tokens": drift.mean_similarity[layer],
        "cosine of this token to the mean token": drift.to_mean[layer, TOKEN],
    }
    if layer:
        wanted["over all tokens: what the step added, in length"] = 100 * stream.ratio[layer]
        wanted["over all tokens: cosine of the added to what was there"] = stream.cosine[layer]
    assert found.pop("layer") == stages_of(traced.config)[layer].name
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        precise = 0.51 if "%" in found[name] else 0.006
        assert floats(found[name])[0] == pytest.approx(value, abs=precise, rel=0.006)


def test_vector_of_the_patch_at_every_layer(traced: Trace) -> None:
    app = open_page(**SEEN)
    vectors = panel(app, "vectors")
    (grid,) = vectors["grids"]
    assert (vectors["marks"], grid["select"], grid["coarse"]) == ("layer", "row", False)
    wanted = activations.patch_vectors(traced, TOKEN)
    np.testing.assert_allclose(numbers(grid).reshape(wanted.shape), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layer", [0, 1, LAYER, LAYER + 1, -1])
def test_hidden_activations_are_of_the_step_that_leads_to_the_layer(layer: int, traced: Trace) -> None:
    last = 2 * traced.config.num_blocks
    layer = layer % (last + 1)
    app = open_page(layer=str(layer))
    check(app)
    name = stages_of(traced.config)[max(layer, 1)].name
    assert f"**{name}**" in sentence(app, "After the GELU")
    result = activations.hidden_activations(
        traced, (max(layer, 1) - 1) // 2, "channel" if name.endswith("channel mixing") else "token"
    )
    (grid,) = panel(app, "hidden")["grids"]
    wanted = result.values.ravel()
    step = np.abs(wanted).max() / 255 if grid["coarse"] else 0
    np.testing.assert_allclose(numbers(grid), wanted, rtol=1e-3, atol=step * 1.01 + 1e-4)
    (note,) = [text.value for text in app.caption if "are above 0" in text.value]
    assert floats(note)[0] == pytest.approx(100 * result.active_share, abs=0.51)
    strongest = app.table[1].value
    assert [int(unit) for unit in strongest["unit"]] == [entry.unit for entry in result.strongest]
    row = "channel" if result.mixing == "token" else "token"
    assert [int(place) for place in strongest[row]] == [entry.row for entry in result.strongest]
    assert [float(value) for value in strongest["activation"]] == pytest.approx(
        [entry.value for entry in result.strongest], abs=6e-4
    )


def test_channels_are_sorted_as_asked(model: MlpMixer, traced: Trace, top: int) -> None:
    app = open_page(view="Channels", **SEEN)
    statistics = activations.channel_statistics(traced, LAYER)
    effects = channel_effect.channel_effects(model, traced, LAYER, top)
    keys = {
        "Variance": statistics.variance,
        "Length": statistics.norm,
        "Effect on the class": np.abs(effects),
        "Number": -np.arange(model.config.embed_dim),
    }
    seen = []
    for order in ORDERS:
        app.button_group(key="channels").set_value(order).run()
        check(app, "Channels")
        atlas = panel(app, "channel-atlas")
        assert (atlas["selected"], atlas["marks"]) == (CHANNEL, "channel")
        (grid,) = atlas["grids"]
        ranked = keys[order][grid["ids"]]
        assert (np.diff(ranked) <= 1e-6 * np.abs(ranked).max()).all()
        assert sorted(grid["ids"]) == list(range(model.config.embed_dim))
        for channel, text in zip(grid["ids"], grid["hover"], strict=True):
            numbers_of_channel = floats(text)
            assert numbers_of_channel[0] == channel
            wanted = [values[channel] for values in (statistics.mean, statistics.variance, statistics.norm, effects)]
            assert numbers_of_channel[1:] == pytest.approx(wanted, rel=0.006, abs=1e-6)
        seen.append(tuple(grid["ids"]))
    assert len(set(seen)) == len(ORDERS)


def test_atlas_tiles_are_the_channels_of_the_layer(traced: Trace) -> None:
    (grid,) = panel(open_page(view="Channels", **SEEN), "channel-atlas")["grids"]
    peaks = np.frombuffer(base64.b64decode(grid["peaks"]), "<f4")[:, None]
    levels = np.frombuffer(base64.b64decode(grid["values"]), np.uint8).reshape(len(peaks), -1)
    wanted = activations.stage_maps(traced, LAYER).reshape(len(peaks), -1)[grid["ids"]]
    assert (np.abs((levels - 128.0) / 127 * peaks - wanted) <= peaks / 254 * 1.01 + 1e-4).all()


def test_one_channel_through_all_layers(traced: Trace) -> None:
    app = open_page(view="Channels", **SEEN)
    for channel in (CHANNEL, 0):
        app.number_input(key="channel").set_value(channel).run()
        check(app, "Channels")
        assert f"Channel {channel} through" in sentence(app, "through all layers")
        strip = panel(app, "channel-strip")
        assert (strip["selected"], strip["marks"]) == (LAYER, "layer")
        for grid, values in zip(strip["grids"], activations.channel_maps(traced, channel), strict=True):
            np.testing.assert_allclose(numbers(grid), values.ravel(), rtol=1e-3, atol=1e-4)


def test_curves_of_the_residual_stream(traced: Trace) -> None:
    app = open_page(view="Residual stream", **SEEN)
    written, drift = residual.residual_stream(traced), similarity.token_drift(traced)
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
    probabilities = depth_prediction.predict_at_depth(model, traced).probabilities
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
    wanted = logit_parts.logit_parts(model, traced, target)
    np.testing.assert_allclose(parts, wanted.parts, rtol=1e-3, atol=1e-3)
    assert name in says["title"]
    assert (panel(app, "class-maps")["selected"], panel(app, "class-maps")["frame"]) == (TOKEN, LAYER)


def own_file(model: MlpMixer) -> bytes:
    return save(dict(model.state_dict()), {"config": model.config.to_json()})


@pytest.mark.parametrize("view", FIELDS)
def test_selection_beyond_the_new_models_last_is_clamped(view: str, make_model: Make, model: MlpMixer) -> None:
    config = model.config
    ends = {"layer": 2 * config.num_blocks, "token": config.num_patches - 1, "channel": config.embed_dim - 1}
    app = open_page(view=view, quantity="Channel", **{key: str(value) for key, value in ends.items()})
    check(app, view)
    upload_weights(app, "own.safetensors", own_file(make_model()))
    check(app, view)
    last = {"layer": 4, "token": 15, "channel": 5}
    fields = {*FIELDS[view], "channel"} if view in ("Layers", "Channels") else FIELDS[view]
    for key in fields:
        field = app.number_input(key=key)
        assert (field.value, field.max) == (last[key], last[key])


def test_a_channel_that_the_new_model_lacks_harms_no_other_quantity(make_model: Make, model: MlpMixer) -> None:
    """The field is not on the page then, so nothing has clamped it."""
    app = open_page(quantity="Channel", channel=str(model.config.embed_dim - 1))
    app.button_group(key="quantity").set_value("Length").run()
    upload_weights(app, "own.safetensors", own_file(make_model()))
    check(app)
    app.button_group(key="quantity").set_value("Channel").run()
    check(app)
    assert app.number_input(key="channel").value <= 5


@pytest.mark.parametrize("view", VIEWS)
def test_own_checkpoint_without_class_names(view: str, make_model: Make) -> None:
    model = make_model(class_names=None, num_classes=3)
    app = upload_weights(open_page(view=view), "own.safetensors", own_file(model))
    check(app, view)
    if view == "Prediction":
        assert len(app.selectbox(key="class_followed").options) == 3
        assert all("name unknown" in option for option in app.selectbox(key="class_followed").options)
        assert len(traces(app, "depth-answers")) == 3


@pytest.mark.parametrize("changes", [{"num_classes": 1}, {"patch_size": 8}, {"num_blocks": 1}, {"embed_dim": 1}])
def test_own_checkpoint_of_extreme_sizes(changes: dict[str, int], make_model: Make) -> None:
    """A single class, patch, block or channel."""
    app = open_page()
    upload_weights(app, "own.safetensors", own_file(make_model(class_names=None, **changes)))
    for view in VIEWS:
        app.button_group(key="view").set_value(view).run()
        check(app, view)
    app.button_group(key="view").set_value("Layers").run()
    for quantity in QUANTITIES:
        app.button_group(key="quantity").set_value(quantity).run()
        check(app)


def test_two_classes_of_one_name_are_both_shown(make_model: Make) -> None:
    """ImageNet has two cranes."""
    model = make_model(class_names=("crane", "crane", "cat"), num_classes=3)
    app = upload_weights(open_page(view="Prediction"), "own.safetensors", own_file(model))
    check(app, "Prediction")
    lines = traces(app, "depth-answers")
    assert len(lines) == 3
    assert sum(heights(line)[-1] for line in lines) == pytest.approx(100, abs=0.01)
    printed = app.table[0].value.iloc[-1].tolist()[1:]
    assert sum(float(text.removesuffix(" %")) for text in printed) == pytest.approx(100, abs=0.2)


def test_class_name_with_markup_is_text(make_model: Make) -> None:
    names = ("a $x$ b", "<b>bold</b>", "*star*")
    app = upload_weights(
        open_page(view="Prediction"), "own.safetensors", own_file(make_model(class_names=names, num_classes=3))
    )
    check(app, "Prediction")
    assert len(traces(app, "depth-answers")) == 3
