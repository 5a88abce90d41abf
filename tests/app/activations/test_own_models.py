"""Own checkpoints on the activations page: clamping, extreme sizes, class names."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from safetensors.torch import save

from mixer_viz.model import MlpMixer
from mixer_viz.ui.activations.layers import QUANTITIES
from tests.app.activations.driving import FIELDS, VIEWS, check, heights, open_page, traces
from tests.app.driving import upload_weights

Make = Callable[..., MlpMixer]


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
    kept = last | {"channel": 0}  # channels have no place that another model would have, too
    fields = {*FIELDS[view], "channel"} if view in ("Layers", "Channels") else FIELDS[view]
    for key in fields:
        field = app.number_input(key=key)
        assert (field.value, field.max) == (kept[key], last[key])


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
        assert all(re.fullmatch(r"\d+: class \d+", option) for option in app.selectbox(key="class_followed").options)
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
