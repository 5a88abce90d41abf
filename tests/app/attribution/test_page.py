"""The Attributions page: the maps of its first look, another class, another baseline, how they are drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mixer_viz.analysis.attribution.baselines import BASELINES, baseline_pixels
from mixer_viz.figures.attribution.maps import PIXEL_PERCENTILE
from mixer_viz.model import MlpMixer
from mixer_viz.texts.attribution import BASELINE_NAMES
from mixer_viz.ui.attribution import metrics, results
from mixer_viz.ui.widgets.errors import UNEXPECTED
from tests.app.attribution.driving import (
    ABLATION,
    GRADIENTS,
    PATCH_LOGITS,
    check,
    explained,
    finish,
    map_of,
    open_done,
    open_page,
    real,
    shows,
)
from tests.app.driving import errors, numbers, panel


@pytest.fixture(autouse=True)
def no_long_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They have tests of their own."""
    monkeypatch.setattr(metrics, "_QUICK_MULTIPLY_ADDS", {"cpu": 0.0})
    monkeypatch.setattr(metrics, "_QUICK_ON_GPU", 0.0)
    yield


def test_first_look_shows_three_maps_of_the_top_answer(model: MlpMixer, top: int) -> None:
    app = finish(open_page())
    check(app, 3)
    titles = [PATCH_LOGITS, GRADIENTS, ABLATION]
    assert [map_of(app, place)["title"] for place in range(3)] == titles
    for place, title in enumerate(titles):
        assert shows(app, place, real(model, top, title))
    assert explained(app) == [model.config.class_names[top]]


def test_another_class_by_its_button_and_from_the_list(model: MlpMixer) -> None:
    names = list(model.config.class_names)
    app = open_done(PATCH_LOGITS, ABLATION)
    second = app.button(key="target_1").label.rsplit(" ", 2)[0]
    app.button(key="target_1").click()
    finish(app.run())
    assert app.selectbox(key="target").value == second
    assert explained(app) == [second]
    for place, title in enumerate((PATCH_LOGITS, ABLATION)):
        assert shows(app, place, real(model, names.index(second), title))
    best = [app.button(key=f"target_{place}").label.rsplit(" ", 2)[0] for place in range(5)]
    other = next(name for name in names if name not in best)
    app.selectbox(key="target").select(other)
    finish(app.run())
    assert explained(app) == []  # not among the five best
    assert shows(app, 0, real(model, names.index(other), PATCH_LOGITS))
    app.button(key="target_0").click()
    finish(app.run())
    assert app.selectbox(key="target").value == "the top answer"


def test_against_another_class(model: MlpMixer, top: int) -> None:
    app = open_done(PATCH_LOGITS, ABLATION)
    app.selectbox(key="against").select("dog")
    check(finish(app.run()), 2)
    dog = model.config.class_names.index("dog")
    for place, title in enumerate((PATCH_LOGITS, ABLATION)):
        wanted = real(model, top, title, against=dog)
        assert shows(app, place, wanted)
        assert not np.allclose(wanted.patch_map, real(model, top, title).patch_map, atol=0.005)
    assert any("minus the logit of dog" in text.value for text in app.markdown)


def test_a_class_against_itself_is_said_and_left_out(model: MlpMixer, top: int) -> None:
    app = open_done(PATCH_LOGITS)
    assert not app.warning
    app.selectbox(key="against").select(model.config.class_names[top])
    check(finish(app.run()), 1)
    (warning,) = app.warning
    assert "against itself is always zero" in warning.value
    assert shows(app, 0, real(model, top, PATCH_LOGITS))


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline(name: str, model: MlpMixer, top: int) -> None:
    app = open_done(ABLATION, PATCH_LOGITS, baseline=BASELINE_NAMES[name], seed="5")
    check(app, 2)
    assert shows(app, 0, real(model, top, ABLATION, baseline=name, seed=5))
    assert shows(app, 1, real(model, top, PATCH_LOGITS))


def test_what_the_network_says_of_the_baseline_alone(model: MlpMixer, pixels: torch.Tensor, top: int) -> None:
    app = open_done(PATCH_LOGITS, baseline="Black")
    with torch.no_grad():
        answer = model(baseline_pixels(model.config, pixels, "black", 0))[0].softmax(dim=0)
    (text,) = [each.value for each in app.caption if each.value.startswith("The baseline alone, plain black")]
    best = int(answer.argmax())
    assert f"the network says **{model.config.class_names[best]}**, {100 * float(answer[best]):.0f} %" in text


def test_no_method_is_answered_with_a_hint() -> None:
    app = open_done(PATCH_LOGITS)
    app.multiselect(key="methods").set_value([])
    app.run()
    assert errors(app) == []
    assert [hint.value for hint in app.info] == ["Choose at least one method to see its map."]
    assert not any("-map-" in part.proto.id for part in app.get("bidi_component"))
    app.multiselect(key="methods").set_value([ABLATION])
    check(finish(app.run()), 1)
    assert not app.info


def limits(*values: np.ndarray, positive: bool = False) -> list[float]:
    size = max(float(np.maximum(each, 0).max() if positive else np.abs(each).max()) for each in values)
    return [0.0 if positive else -size, size]


def test_scales_and_signs(model: MlpMixer, top: int) -> None:
    app = open_done(PATCH_LOGITS, ABLATION, scale="Shared")
    values = [real(model, top, title).patch_map for title in (PATCH_LOGITS, ABLATION)]

    def shown() -> list[list[float]]:
        return [map_of(app, place)["limits"][0] for place in range(2)]

    assert shown() == [pytest.approx(limits(*values), rel=1e-3)] * 2
    app.button_group(key="sign").set_value("Positive only").run()
    assert shown() == [pytest.approx(limits(*values, positive=True), rel=1e-3)] * 2
    app.button_group(key="map_scale").set_value("Each its own").run()
    assert shown() == [pytest.approx(limits(each, positive=True), rel=1e-3) for each in values]
    app.button_group(key="sign").set_value("Both signs").run()
    assert shown() == [pytest.approx(limits(each), rel=1e-3) for each in values]
    assert shown()[0] != pytest.approx(shown()[1], rel=0.01)
    for place, each in enumerate(values):  # drawing changes no value
        np.testing.assert_allclose(numbers(map_of(app, place)), each, atol=1e-3)


def test_pixel_level_and_opacity(model: MlpMixer, top: int) -> None:
    app = open_done(
        GRADIENTS, ABLATION, integrated_gradients_steps="4", level="Pixels", scale="Each its own", opacity="30"
    )
    check(app, 2)
    side = model.config.patch_size
    by_pixel = real(model, top, GRADIENTS, steps=4).pixel_map
    by_patch = real(model, top, ABLATION).patch_map.reshape((model.config.grid_size,) * 2)
    spread = np.kron(by_patch, np.ones((side, side))) / side**2
    for place, wanted in enumerate((by_pixel, spread)):
        grid = map_of(app, place)
        size = float(np.abs(wanted).max())
        np.testing.assert_allclose(numbers(grid), wanted.ravel(), atol=1e-3 * size)
        assert grid["limits"][0][1] == pytest.approx(np.percentile(np.abs(wanted), PIXEL_PERCENTILE), rel=1e-2)
        assert (grid["rows"], grid["pick_side"], grid["opacity"]) == (model.config.image_size, side, 0.3)
    app.button_group(key="level").set_value("Patches").run()
    assert map_of(app, 0)["rows"] == model.config.grid_size
    assert panel(app, "map-photo")["grids"][0]["pick_side"] == 1


@pytest.mark.own_caches
def test_a_map_that_broke_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(results, "attribute", broken)
        app = open_page(methods=[PATCH_LOGITS])
        while app.get("progress"):
            app.run()
    (message,) = [error.value for error in app.error]
    assert message.endswith(UNEXPECTED)
    assert len([error.value for error in app.run().error]) == 1  # asking for the page again is no other try
    app.button(key="retry_map_0").click().run()
    finish(app)
    check(app, 1)
