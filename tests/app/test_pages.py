"""Both pages with every sample, and each widget changed once."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mixer_viz import load_model
from mixer_viz.analysis.patches import filters_of
from mixer_viz.images.samples import available_samples
from tests.app.driving import PAGES, PANELS, check, crop_of, errors, go, numbers, panel, start, top_class

SAMPLES = [sample.title for sample in available_samples()]


@pytest.mark.parametrize("page", PAGES)
def test_first_visit(page: str) -> None:
    check(start(page), page)


def test_the_cat_is_a_cat(app: AppTest) -> None:
    assert top_class(app) == "cat"


def test_each_sample_on_each_page(app: AppTest) -> None:
    seen = {"overview": [], "patches": []}
    for name in SAMPLES:
        app.selectbox(key="image").select(name).run()
        for page in seen:
            check(go(app, page), page)
            assert app.selectbox(key="image").value == name
            seen[page].append(crop_of(app))
    for crops in seen.values():
        assert len(set(crops)) == len(SAMPLES)
    assert seen["overview"] == seen["patches"]


def test_the_sidebar_stays_over_runs_and_pages(app: AppTest) -> None:
    """Streamlit's older kind of multipage app, which a folder pages/ switches on, would run the bare page from the
    second run on: without a sidebar."""
    for page in ("overview", "patches", "overview"):
        go(app, page)
        for _ in range(3):
            check(app.run(), page)


def test_choices_survive_a_change_of_page(app: AppTest) -> None:
    app.selectbox(key="image").select("Rocket launch").run()
    app.number_input(key="token").set_value(3).run()
    crop = crop_of(app)
    check(go(app, "patches"), "patches")
    assert (app.selectbox(key="image").value, app.number_input(key="token").value) == ("Rocket launch", 3)
    assert crop_of(app) == crop
    app.number_input(key="token").set_value(4).run()
    check(go(app, "overview"), "overview")
    assert app.number_input(key="token").value == 4
    assert panel(app, "front")["selected"] == 4


@pytest.mark.parametrize("page", PAGES)
def test_token_field_moves_the_mark_and_sends_other_panels_unchanged(page: str) -> None:
    app = start(page)
    marked, *others = PANELS[page]
    before = {key: panel(app, key) for key in others if key != "vector-panel"}
    app.number_input(key="token").set_value(11).run()
    check(app, page)
    assert panel(app, marked)["selected"] == 11
    assert {key: panel(app, key) for key in before} == before  # Streamlit then sends nothing of them


def test_position_and_pictures_follow_the_token() -> None:
    app = start("patches")
    before = panel(app, "patch-panel")
    app.number_input(key="token").set_value(11).run()
    after = panel(app, "patch-panel")
    (sentence,) = [text.value for text in app.markdown if "row 1, column 3" in text.value]
    assert "8 × 8" in sentence
    assert before["grids"][1]["photo"] != after["grids"][1]["photo"]
    similarity = numbers(after["grids"][2])
    assert np.argmax(similarity) == 11
    assert similarity[11] == pytest.approx(1)
    strip = numbers(panel(app, "vector-panel")["grids"][1])
    assert np.array_equal(strip, numbers(panel(app, "matrix-panel")["grids"][0])[11 * 128 : 12 * 128])


def test_show_changes_colours_to_lengths(app: AppTest) -> None:
    colours = panel(app, "stages")["grids"]
    assert len(colours) == 17
    assert all(grid["photo"] and grid["opacity"] == 0 for grid in colours)  # values are for hover alone
    app.button_group(key="show").set_value("Length").run()
    lengths = panel(app, "stages")["grids"]
    assert all(grid["values"] and grid["opacity"] == 1 and not grid["photo"] for grid in lengths)
    tokens = numbers(panel(app, "front")["grids"][2]).reshape(64, 128)
    np.testing.assert_allclose(numbers(lengths[0]), np.linalg.norm(tokens, axis=1), rtol=1e-5)
    assert len({(grid["limits"][0][0], grid["limits"][0][1]) for grid in lengths}) == 1
    assert lengths[0]["limits"][0][0] == 0
    assert lengths[0]["limits"][0][1] == pytest.approx(max(numbers(grid).max() for grid in lengths))


def test_filters_are_sorted_as_asked() -> None:
    app = start("patches")
    filters = filters_of(load_model("mixer_cifar10", "cpu"))
    response = numbers(panel(app, "vector-panel")["grids"][1]) - filters.bias
    orders = {
        "Length": np.argsort(-filters.norm, kind="stable"),
        "Frequency": np.argsort(filters.frequency, kind="stable"),
        "Response to this patch": np.argsort(-np.abs(response), kind="stable"),
        "Channel": np.arange(len(filters.norm)),
    }
    pictures = []
    for by, order in orders.items():
        app.button_group(key="filters").set_value(by).run()
        assert errors(app) == []
        (grid,) = panel(app, "filter-panel")["grids"]
        pictures.append(grid["photo"])
        assert [int(text.split(":")[0].removeprefix("channel ")) for text in grid["hover"]] == order.tolist()
    assert len(set(pictures)) == 4


def test_picture_source_can_be_the_camera(app: AppTest) -> None:
    app.button_group(key="picture_source").set_value("Camera").run()
    check(app, "overview")
    assert app.get("camera_input")
    assert [uploader.key for uploader in app.get("file_uploader")] == ["weights_file", "side_file"]


def test_a_drawn_sample_says_what_to_notice(app: AppTest) -> None:
    assert not app.info
    app.selectbox(key="image").select("One bright patch").run()
    (note,) = app.info
    assert "token mixing" in note.value


def test_imports_are_spared_from_garbage_collection() -> None:
    """Streamlit collects after every run, which would search PyTorch's objects each time."""
    st.cache_resource.clear()
    gc.unfreeze()
    start()
    assert gc.get_freeze_count() > 100_000
