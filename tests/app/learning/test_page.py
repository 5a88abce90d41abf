"""The page on which a network is trained: controls, settings, link, and what remains."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.training.live.presets import PRESETS
from mixer_viz.ui.learning.settings import _FIELDS, key_of, values_of
from mixer_viz.ui.learning.table import live_table
from tests.app.driving import ROOT, TIMEOUT, errors, panel

SMALL = {"learn_embed_dim": "16", "learn_num_blocks": "1", "learn_batch_size": "8", "learn_steps": "500"}


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in query.items():
        app.query_params[name] = value
    return until(app.switch_page("pages/learning.py").run(), lambda line: "Paused" in line)


def headline(app: AppTest) -> str:
    return next(text.value for text in app.markdown if ": step " in text.value)


def step_of(app: AppTest) -> int:
    return int(headline(app).split("step ")[1].split(" of")[0].replace(",", ""))


def until(app: AppTest, reached: Callable[[str], bool]) -> AppTest:
    """Run the page again, as its fragments do, until its headline says so."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if reached(headline(app)):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError(headline(app))


def click(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


@pytest.fixture(autouse=True)
def _end_trainings() -> object:
    yield
    live_table().close()
    live_table.clear()


def test_start_pause_one_step_and_reset() -> None:
    app = open_page(**SMALL)
    assert errors(app) == []
    assert step_of(app) == 0
    assert panel(app, "learning_atlas")["grids"][1]["title"].endswith("now, step 0")
    click(app, "learn_start")
    until(app, lambda line: "Learning: step" in line and " 0 of" not in line)
    click(app, "learn_pause")
    until(app, lambda line: "Paused" in line)
    paused = step_of(app)
    assert paused > 0
    app.segmented_control(key="learn_view").set_value("One step").run()
    click(app, "learn_step")
    until(app, lambda line: "Paused" in line)
    assert step_of(app) == paused + 1
    assert [grid["title"] for grid in panel(app, "learning_step")["grids"]] == ["Before", "Gradient", "Update", "After"]
    assert any(text.value.startswith("Weight of unit 0 for patch 0: ") for text in app.markdown)
    click(app, "learn_reset")
    until(app, lambda line: "Paused: step 0" in line)
    assert errors(app) == []


def test_the_end_is_told_and_the_network_can_be_opened_everywhere() -> None:
    app = open_page(**SMALL | {"learn_task": "Where is it?"})
    click(app, "learn_start")
    until(app, lambda line: line.startswith("**Done: step 500 of 500"))
    assert app.button(key="learn_start").disabled
    assert any("--data where" in block.value and "--embed-dim 16" in block.value for block in app.code)
    click(app, "learn_use")
    assert app.selectbox(key="model").value == "Your checkpoint"
    app.switch_page("pages/overview.py").run()
    assert errors(app) == []
    assert "bottom right" in " ".join(text.value for text in app.caption)  # the classes that it knows


def test_a_preset_sets_every_field_and_names_what_fails() -> None:
    app = open_page()
    for preset in PRESETS.values():
        app.selectbox(key="learn_preset").select(preset.title).run()
        shown = {field.name: app.selectbox(key=key_of(field.name)).value for field in _FIELDS}
        assert shown == values_of(preset)
        (expected,) = [text.value for text in app.markdown if preset.expect in text.value]
        assert expected.startswith(":material/warning:") == preset.fails
    assert any("settings have changed" in note.value for note in app.info)


def test_every_preset_is_made_of_values_that_can_be_chosen() -> None:
    for preset in PRESETS.values():
        for field in _FIELDS:
            assert values_of(preset)[field.name] in field.options, (preset.name, field.name)


def test_a_link_begins_with_its_settings() -> None:
    app = open_page(**SMALL | {"learn_token_mixer": TOKEN_MIXERS["pooling"].title, "learn_seed": "3"})
    (run,) = live_table()._runs.values()
    assert (run.recipe.embed_dim, run.recipe.token_mixer, run.recipe.seed) == (16, "pooling", 3)
    assert not [part for part in app.get("bidi_component") if part.proto.id.endswith("-learning_atlas")]
    assert any("another token mixer, so it stays here" in text.value for text in app.caption)
