"""Another network beside the chosen one, on every page that has it: what is drawn, and what is said to differ."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import mixer_viz as mv
from mixer_viz.analysis.activations.layers import channel_maps
from mixer_viz.analysis.activations.logit_lens import logit_lens, patch_logits
from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.patches import filter_order, filters_of
from mixer_viz.checkpoints import save_model
from mixer_viz.checkpoints.coarse import network_of
from mixer_viz.checkpoints.snapshots import snapshots_of
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.ui.beside import NOTHING, layer_beside
from tests.app.driving import BUNDLED, ROOT, TIMEOUT, chart, errors, numbers, panel, panel_is_there, upload_weights

OTHER = "mixer_everyday"
ADDRESSES = {"patches": "patches", "activations": "activations", "attribution": "attribution"}


def open_page(page: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app._page_hash = calc_hash(ADDRESSES[page])
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info])


@pytest.fixture(scope="module")
def other() -> MlpMixer:
    return mv.load_model(OTHER, "cpu")


@pytest.fixture(scope="module")
def theirs(other: MlpMixer) -> Trace:
    return mv.trace(other, mv.preprocess(load_sample("cat"), other))


def test_nothing_stands_beside_at_first() -> None:
    app = open_page()
    assert app.selectbox(key="beside").value == NOTHING
    assert "Beside it:" not in words(app)
    assert not panel_is_there(app, "beside-atlas-0")


def test_overview_shows_both_answers_and_both_atlases(theirs: Trace, other: MlpMixer) -> None:
    app = open_page(beside=OTHER, image="Cat")
    assert errors(app) == []
    found = probabilities(theirs.logits[0].double().numpy())
    shown = chart(app, "beside-classes-1")
    best = np.argsort(-found, kind="stable")[:5]
    assert shown["hovertext"] == [other.config.class_names[index] for index in best]
    assert chart(app, "beside-classes-0")["hovertext"] == chart(app, "classes")["hovertext"]
    assert panel(app, "beside-atlas-1")["grids"][0]["count"] == other.config.tokens_mlp_dim
    told = words(app)
    assert f"Beside it: {OTHER.replace('_', '&#95;')}" in told or f"Beside it: {OTHER}" in told
    assert "16 × 16 patches" in told
    assert "chooses among 24 classes" in told
    assert "the same are: bird, cat, dog, frog" in told
    app.selectbox(key="beside").select(NOTHING).run()
    assert "Beside it:" not in words(app)


def test_patches_show_the_filters_of_both(model: MlpMixer, other: MlpMixer) -> None:
    app = open_page("patches", beside=OTHER)
    assert errors(app) == []
    for place, each in enumerate((model, other)):
        (grid,) = panel(app, f"beside-filters-{place}")["grids"]
        found = filters_of(each)
        first = int(filter_order(found, "frequency")[0])
        assert grid["count"] == each.config.embed_dim
        assert grid["hover"][0].startswith(f"channel {first}: length {found.norm[first]:.3g}")


@pytest.mark.parametrize("quantity", ["Length", "Channel", "Class", "Likeness"])
def test_the_same_layer_of_both_networks(quantity: str, other: MlpMixer, theirs: Trace) -> None:
    app = open_page("activations", beside=OTHER, image="Cat", quantity=quantity.lower(), layer="4", channel="7")
    assert errors(app) == []
    grids = [panel(app, f"beside-layer-{place}")["grids"][0] for place in (0, 1)]
    assert (grids[0]["rows"], grids[1]["rows"]) == (8, 16)
    if quantity == "Channel":
        assert np.allclose(numbers(grids[1]).reshape(-1, 16, 16), channel_maps(theirs, 7), atol=1e-6)
        assert "not the same channel" in words(app)
    if quantity == "Class":
        index = other.config.class_names.index("cat")
        wanted = patch_logits(other, theirs, index).values
        assert np.allclose(numbers(grids[1]), wanted.ravel(), atol=1e-5)
    if quantity != "Likeness":
        at = panel(app, "beside-layer-1")["frame"]
        assert at == layer_beside(4, mv.load_model(BUNDLED, "cpu").config, other.config)


def test_the_other_views_of_the_activations(other: MlpMixer, theirs: Trace) -> None:
    app = open_page("activations", beside=OTHER, image="Cat", view="channels", layer="4")
    assert errors(app) == []
    assert panel(app, "beside-channels")["grids"][0]["count"] == other.config.embed_dim
    app = open_page("activations", beside=OTHER, image="Cat", view="prediction")
    assert errors(app) == []
    lens = logit_lens(other, theirs).probabilities
    best = int(lens[-1].argmax())
    shown = chart(app, "beside-lens-1")
    assert shown["name"] == other.config.class_names[best]
    app = open_page("activations", beside=OTHER, image="Cat", view="stream")
    assert errors(app) == []
    assert chart(app, "beside-written")


def wait(app: AppTest, key: str) -> None:
    for _ in range(300):
        if panel_is_there(app, key):
            return
        time.sleep(0.1)
        app.run()
    raise AssertionError(f"{key} did not come")


def test_the_same_method_on_both_networks(other: MlpMixer, theirs: Trace) -> None:
    app = open_page("attribution", beside=OTHER, image="Cat", methods="patch_logits,input_x_gradient")
    wait(app, "beside-map-1")
    assert errors(app) == []
    target = other.config.class_names.index("cat")
    found = mv.attribute(other, theirs.pixels, target, "patch_logits").patch_map
    (grid,) = panel(app, "beside-map-0")["grids"]
    assert np.allclose(numbers(grid), found.ravel(), atol=1e-5)
    logit = float(theirs.logits[0, target])
    assert f"**{logit:+.3g}**" in words(app)


def test_a_class_that_the_other_network_lacks_is_told() -> None:
    app = open_page("attribution", beside=OTHER, image="Cat", methods="patch_logits", target="0", against="1")
    wait(app, "beside-map-0")
    assert "has no class airplane, so its own top answer is explained" in words(app)
    assert "has no class automobile to compare with" in words(app)


def test_a_moment_of_the_training_answers_or_says_that_it_was_not_kept(model: MlpMixer, pixels: torch.Tensor) -> None:
    moments = snapshots_of(BUNDLED)
    kept = next(each for each in moments if each.coarse_accuracy is not None)
    app = open_page(beside=f"stage-{kept.stage}-epoch-{kept.epoch}", image="Cat")
    assert errors(app) == []
    network = network_of(kept, model.config)
    assert network is not None
    best = int(network(pixels.cpu())[0].argmax())
    assert chart(app, "beside-classes-1")["hovertext"][0] == model.config.class_names[best]
    assert "Kept in few bits" in words(app)
    assert "a unit has the same number in both" in words(app)
    without = next(each for each in moments if network_of(each, model.config) is None)
    app.selectbox(key="beside").select(without.label).run()
    assert errors(app) == []
    assert "only token mixing and filters were kept" in words(app)


def test_the_visitors_own_checkpoint_may_stand_beside(make_model: object, tmp_path: object) -> None:
    path = tmp_path / "mine.safetensors"  # type: ignore[operator]
    mine = make_model(num_classes=3, class_names=("a", "b", "c"))  # type: ignore[operator]
    save_model(mine, path)
    app = upload_weights(open_page(image="Cat"), "mine.safetensors", path.read_bytes())
    app.run()  # the browser has sent back what it was given
    app.selectbox(key="model").select(BUNDLED).run()
    assert "Your checkpoint" in app.selectbox(key="beside").options
    app.selectbox(key="beside").select("Your checkpoint").run()
    assert errors(app) == []
    assert set(chart(app, "beside-classes-1")["hovertext"]) == {"a", "b", "c"}
    assert "none of them the same" in words(app)


@pytest.mark.parametrize("blocks", [(4, 8), (8, 4), (3, 5), (1, 12)])
def test_layers_that_lie_as_deep(blocks: tuple[int, int], make_model: object) -> None:
    first, second = (make_model(num_blocks=count).config for count in blocks)  # type: ignore[operator]
    found = [layer_beside(layer, first, second) for layer in range(1 + 2 * blocks[0])]
    assert found[0] == 0
    assert found[1::2] == sorted(found[1::2])
    assert found[2::2] == sorted(found[2::2])
    assert all(layer % 2 == at % 2 for layer, at in enumerate(found) if layer)
    assert max(found) <= 2 * blocks[1]
