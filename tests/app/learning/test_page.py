"""The page on which a network is trained: controls, settings, link, and what remains."""

from __future__ import annotations

import html
import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.data.pictures import _CIFAR10_NAMES
from mixer_viz.training.live.presets import PRESETS
from mixer_viz.ui.learning import data
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


def test_the_link_keeps_what_is_seen_and_loses_the_fields_of_another_part() -> None:
    app = open_page(**SMALL, learn_view="one-step", learn_unit="3", learn_patch="999", learn_speed="slow")
    assert [app.number_input(key=f"learn_{key}").value for key in ("block", "unit", "patch")] == [1, 3, 0]
    assert app.segmented_control(key="learn_speed").value == "slow"
    assert "learn_patch = 999" in app.warning[0].value
    app.segmented_control(key="learn_part").set_value("Film of a finished training").run()
    assert [name for name in app.query_params if name.startswith("learn_")] == ["learn_part"]


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
    app = open_page(**SMALL | {"learn_task": "where"})
    click(app, "learn_start")
    until(app, lambda line: line.startswith("**Done: step 500 of 500"))
    app.run()  # it may have ended between the buttons and the line
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
        (run,) = live_table()._runs.values()
        assert (run.task.name, run.recipe) == (preset.task, preset.recipe)
    assert not any("settings have changed" in note.value for note in app.info)
    app.selectbox(key="learn_seed").select(2).run()
    assert any("settings have changed" in note.value for note in app.info)


def test_another_start_makes_a_new_training_ready_and_the_same_one_keeps_what_is_there() -> None:
    app = open_page(learn_preset="no-mixing")
    click(app, "learn_step")
    until(app, lambda line: "Paused: step 1 " in line)
    (before,) = live_table()._runs.values()
    app.selectbox(key="learn_seed").select(2).run()  # a single setting waits for "Reset"
    assert list(live_table()._runs.values()) == [before]
    app.selectbox(key="learn_seed").select(0).run()
    app.selectbox(key="learn_preset").select(PRESETS["no-mixing"].title).run()
    assert list(live_table()._runs.values()) == [before]
    app.selectbox(key="learn_preset").select(PRESETS["shapes"].title).run()
    until(app, lambda line: "Paused: step 0 " in line)
    (now,) = live_table()._runs.values()
    assert now.recipe == PRESETS["shapes"].recipe
    assert "learn_run" not in app.query_params


def test_every_preset_is_made_of_values_that_can_be_chosen() -> None:
    for preset in PRESETS.values():
        for field in _FIELDS:
            assert values_of(preset)[field.name] in field.options, (preset.name, field.name)


def test_a_link_begins_with_its_settings() -> None:
    app = open_page(**SMALL | {"learn_token_mixer": "pooling", "learn_seed": "3"})
    (run,) = live_table()._runs.values()
    assert (run.recipe.embed_dim, run.recipe.token_mixer, run.recipe.seed) == (16, "pooling", 3)
    assert not [part for part in app.get("bidi_component") if part.proto.id.endswith("-learning_atlas")]
    assert any("another token mixer, so it stays here" in text.value for text in app.caption)
    assert not [button for button in app.button if button.key == "learn_use"]


def test_a_link_with_the_names_of_earlier_versions_still_works() -> None:
    app = open_page(**SMALL | {"learn_task": "Where is it?", "learn_token_mixer": "no mixing"})
    (run,) = live_table()._runs.values()
    assert (run.task.name, run.recipe.token_mixer) == ("where", "identity")
    assert app.selectbox(key="learn_task").value == "where"
    assert not app.warning


def test_a_link_may_name_a_preset_alone() -> None:
    app = open_page(learn_preset="no-mixing")
    (run,) = live_table()._runs.values()
    assert (run.task.name, run.recipe) == (PRESETS["no-mixing"].task, PRESETS["no-mixing"].recipe)
    assert app.selectbox(key="learn_preset").value == PRESETS["no-mixing"].title
    app.selectbox(key="learn_seed").select(2).run()
    assert app.selectbox(key="learn_preset").value == "Settings of your own"


def test_reset_takes_what_the_fields_say_when_it_is_pressed() -> None:
    app = open_page(**SMALL)
    app.selectbox(key="learn_embed_dim").select(32)
    click(app, "learn_reset")  # both arrive together, as from a slow page
    until(app, lambda line: "Paused: step 0" in line)
    (run,) = live_table()._runs.values()
    assert run.recipe.embed_dim == 32


def test_settings_that_would_keep_the_computer_too_long_are_refused_before_anything_starts() -> None:
    app = open_page(**SMALL)
    (before,) = live_table()._runs.values()
    for name, value in {"patch_size": 2, "embed_dim": 128, "num_blocks": 4, "batch_size": 128}.items():
        app.selectbox(key=key_of(name)).select(value).run()
    (sentence,) = errors(app)
    assert sentence.startswith("A step of these settings has ")
    assert app.button(key="learn_reset").disabled
    assert list(live_table()._runs.values()) == [before]


def folder(**classes: int) -> list[tuple[str, bytes, str]]:
    """So many pictures of each class, each class with a colour of its own."""
    files = []
    for label, (name, count) in enumerate(classes.items()):
        for number in range(count):
            data = io.BytesIO()
            Image.new("RGB", (40, 30), (200 * label, 10 * number, 90)).save(data, "PNG")
            files.append((f"mine/{name}/{number}.png", data.getvalue(), "image/png"))
    return files


def test_a_folder_of_ones_own_is_learned_from() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in (SMALL | {"learn_task": "folder"}).items():
        app.query_params[name] = value
    app.switch_page("pages/learning.py").run()
    assert errors(app) == []
    assert not [button for button in app.button if button.key == "learn_start"]  # nothing to learn from yet
    app.file_uploader(key="labelled_folder").set_value(folder(red_ones=15, dark=12)).run()
    until(app, lambda line: "Paused" in line)
    (run,) = live_table()._runs.values()
    assert run.task.class_names == ("dark", "red_ones")
    assert (len(run.task.train[1]), len(run.task.test[1])) == (21, 6)  # a fifth of each class, rounded up
    click(app, "learn_start")
    until(app, lambda line: "Learning: step" in line and " 0 of" not in line)
    click(app, "learn_pause")
    until(app, lambda line: "Paused" in line)
    assert any("--data DIR" in block.value for block in app.code)
    assert errors(app) == []


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ({"cats": 20}, "This folder has one class, &#39;cats&#39;"),
        ({"cats": 20, "dogs": 3}, "Class &#39;dogs&#39; has 3 readable pictures"),
        ({"cats": 5, "dogs": 5}, "8 pictures to learn from do not fill a batch of 16"),
    ],
)
def test_a_folder_from_which_nothing_can_be_learned_says_so(classes: dict[str, int], sentence: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in (SMALL | {"learn_task": "folder", "learn_batch_size": "16"}).items():
        app.query_params[name] = value
    app.switch_page("pages/learning.py").run()
    app.file_uploader(key="labelled_folder").set_value(folder(**classes)).run()
    (said,) = errors(app)
    assert sentence in said or html.unescape(sentence) in html.unescape(said)
    assert not live_table()._runs


def test_cifar10_is_offered_where_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("train", "test"):
        for label, name in enumerate(_CIFAR10_NAMES):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(8):
                Image.new("RGB", (32, 32), (25 * label, number, 0)).save(tmp_path / part / name / f"{number}.png")
    monkeypatch.setenv("MIXER_VIZ_DATA", str(tmp_path))
    for kept in (data._cifar10_root, data._cifar10):
        kept.clear()
    try:
        app = open_page(**SMALL | {"learn_task": "cifar10"})
        (run,) = live_table()._runs.values()
        assert (run.task.name, run.task.class_names) == ("cifar10", _CIFAR10_NAMES)
        assert app.selectbox(key="learn_task").options == [*DRAWN_TASKS, "cifar10", "folder"]
        assert not app.selectbox(key="learn_augmentation").disabled
        assert (run.recipe.crop, run.recipe.flip) == ("pad", True)
    finally:
        for kept in (data._cifar10_root, data._cifar10):
            kept.clear()


def test_a_page_that_is_reloaded_goes_on_with_its_training() -> None:
    app = open_page(**SMALL)
    click(app, "learn_start")
    until(app, lambda line: "Learning: step" in line and " 0 of" not in line)
    click(app, "learn_pause")
    until(app, lambda line: "Paused" in line)
    app.run()
    (run,) = live_table()._runs.values()
    assert run.name in app.query_params["learn_run"]
    again = open_page(**SMALL, learn_run=run.name)
    assert list(live_table()._runs.values()) == [run]
    assert step_of(again) == step_of(app) > 0
    click(again, "learn_reset")
    until(again, lambda line: "Paused: step 0" in line)
    assert "learn_run" not in again.query_params
