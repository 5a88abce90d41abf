"""Layers and channels on the activations page: pictures and tables with the numbers of the analysis."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.activations import layers, logit_attribution, logit_lens, residual_stream, similarity
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.trace import stages_of
from mixer_viz.ui.activations.channels import ORDERS
from mixer_viz.ui.activations.layers import QUANTITIES
from tests.app.activations.driving import CHANNEL, LAYER, SEEN, TOKEN, check, floats, open_page, sentence
from tests.app.driving import numbers, panel


def rows(app: AppTest, index: int = 0) -> dict[str, str]:
    """A table of two columns."""
    table = app.table[index].value
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1], strict=True))


def wanted_maps(quantity: str, model: MlpMixer, traced: Trace, top: int) -> np.ndarray:
    if quantity == "Channel":
        return layers.channel_maps(traced, CHANNEL)
    if quantity == "Class":
        return logit_lens.patch_logits(model, traced, top).values
    return layers.token_norms(traced)


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


@pytest.mark.parametrize("layer", [0, LAYER, LAYER + 1])
def test_table_of_a_layer_has_the_numbers_of_the_analysis(layer: int, traced: Trace) -> None:
    app = open_page(layer=str(layer), token=str(TOKEN))
    check(app)
    found = rows(app)
    stream, drift = residual_stream.residual_stream(traced), similarity.token_drift(traced)
    norms = layers.token_norms(traced)[layer].ravel()
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
    wanted = layers.patch_vectors(traced, TOKEN)
    np.testing.assert_allclose(numbers(grid).reshape(wanted.shape), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layer", [0, 1, LAYER, LAYER + 1, -1])
def test_hidden_activations_are_of_the_step_that_leads_to_the_layer(layer: int, traced: Trace) -> None:
    last = 2 * traced.config.num_blocks
    layer = layer % (last + 1)
    app = open_page(layer=str(layer))
    check(app)
    name = stages_of(traced.config)[max(layer, 1)].name
    assert f"**{name}**" in sentence(app, "After the GELU")
    result = layers.hidden_activations(
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
    statistics = layers.channel_statistics(traced, LAYER)
    effects = logit_attribution.channel_effects(model, traced, LAYER, top)
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
    wanted = layers.stage_maps(traced, LAYER).reshape(len(peaks), -1)[grid["ids"]]
    assert (np.abs((levels - 128.0) / 127 * peaks - wanted) <= peaks / 254 * 1.01 + 1e-4).all()


def test_one_channel_through_all_layers(traced: Trace) -> None:
    app = open_page(view="Channels", **SEEN)
    for channel in (CHANNEL, 0):
        app.number_input(key="channel").set_value(channel).run()
        check(app, "Channels")
        assert f"Channel {channel} through" in sentence(app, "through all layers")
        strip = panel(app, "channel-strip")
        assert (strip["selected"], strip["marks"]) == (LAYER, "layer")
        for grid, values in zip(strip["grids"], layers.channel_maps(traced, channel), strict=True):
            np.testing.assert_allclose(numbers(grid), values.ravel(), rtol=1e-3, atol=1e-4)
