"""The activations page: every view, links, and fields that are kept from view to view."""

from __future__ import annotations

import pytest

from mixer_viz.model import MlpMixer
from mixer_viz.ui.activations.residual_stream import ITSELF
from tests.app.activations.driving import CHANNEL, FIELDS, LAYER, SEEN, TOKEN, VIEWS, check, open_page
from tests.app.driving import panel


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
