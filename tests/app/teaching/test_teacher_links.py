"""A teacher's link: what it hides is not sent at all, and what it locks stays as it is, whichever way it is tried."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.ui.teaching.restrictions import MOST_LETTERS
from tests.app.driving import PAGES, errors, go, made_picture, panel, panel_is_there, start, texts, upload_picture
from tests.made_images import encode


def headings(app: AppTest) -> list[str]:
    return [each.value for each in app.subheader]


def folded(app: AppTest) -> list[str]:
    return [each.label for each in app.expander]


def downloads(app: AppTest) -> list[str]:
    return [each.key for each in app.get("download_button")]


def test_hidden_sections_are_not_sent() -> None:
    app = start(t_hide="through-blocks,one-block-slowly,in-the-formula")
    assert errors(app) == []
    assert headings(app) == ["One vector, then the classes"]
    assert "In the formula" not in folded(app)
    assert "What these pictures do not prove" in folded(app)
    assert panel_is_there(app, "front")
    assert panel_is_there(app, "pooled")
    assert not panel_is_there(app, "stages")
    assert not panel_is_there(app, "block-player")
    assert not any(each.key in ("show", "block", "channel") for each in [*app.number_input, *app.button_group])
    assert "#through-8-blocks" not in texts(app)  # the list of contents does not lead there


def test_a_section_inside_of_what_runs_by_itself_stays_hidden_when_it_runs_again() -> None:
    app = start("patches", t_hide="the-learned-patch-embedding-filters")
    assert not panel_is_there(app, "filter-panel")
    app.number_input(key="token").set_value(3).run()
    assert errors(app) == []
    assert panel_is_there(app, "patch-panel")
    assert not panel_is_there(app, "filter-panel")


def test_a_hidden_sidebar_leaves_model_and_picture_as_the_link_has_them() -> None:
    app = start(t_hide="sidebar", image="astronaut")
    assert errors(app) == []
    assert not app.sidebar.selectbox
    assert not app.get("file_uploader")
    assert app.session_state["image"] != start().session_state["image"]


def test_other_pages_and_downloads_are_hidden() -> None:
    PAGES["token_mixing"] = "pages/token_mixing.py"
    open_one = start("token_mixing")
    assert open_one.get("page_link")
    assert downloads(open_one)
    app = start("token_mixing", t_hide="pages,downloads")
    assert errors(app) == []
    assert not app.get("page_link")
    assert downloads(app) == []
    assert not [each for each in app.button if each.key == "teach_make"]  # a report is a download as well


def test_only_what_is_free_can_be_changed() -> None:
    app = start(t_free="show", token="5")
    assert errors(app) == []
    fields = {each.key: each for each in [*app.number_input, *app.selectbox, *app.button_group]}
    assert {key for key, each in fields.items() if not each.disabled} == {"show", "lang"}  # a language is always free
    assert app.number_input(key="token").value == 5
    assert panel(app, "front")["locked"]
    app.button_group(key="show").set_value("Length").run()
    assert app.button_group(key="show").value == "Length"


@pytest.mark.parametrize("key", ["token", "block"])
def test_a_locked_field_stays_even_when_a_browser_sends_another_value(key: str) -> None:
    app = start(t_free="show", token="5", block="3")
    before = app.number_input(key=key).value
    field = app.number_input(key=key)
    field.proto.disabled = False  # as one does who edits the page in the browser
    field.set_value(before + 1).run()
    assert app.number_input(key=key).value == before
    app.session_state[key] = before + 1  # what a click on a picture does
    app.run()
    assert app.number_input(key=key).value == before


def test_a_locked_picture_stays_when_another_is_uploaded() -> None:
    app = start(t_free="token")
    before = app.selectbox(key="image").value
    app.file_uploader(key="picture_file").proto.disabled = False
    upload_picture(app, "mine.png", encode(made_picture(), "PNG"))
    assert errors(app) == []
    assert app.selectbox(key="image").value == before


def test_it_holds_on_the_other_pages_and_ends_when_it_is_left() -> None:
    app = start(t_free="show", t_hide="from-pixels-to-a-token", token="5")
    go(app, "patches")
    assert app.number_input(key="token").disabled
    assert "From pixels to a token" not in headings(app)
    assert app.query_params["t_hide"] == "from-pixels-to-a-token"
    app.button(key="teach_leave").click().run()
    assert errors(app) == []
    assert not app.number_input(key="token").disabled
    assert "From pixels to a token" in headings(app)
    assert not [key for key in app.query_params if key.startswith("t_")]
    assert not [each for each in app.button if each.key == "teach_leave"]


def test_the_task_is_shown_as_text_and_bounded() -> None:
    app = start(t_task="<script>alert(1)</script> **bold** " + "x" * 5_000)
    (line,) = [each.value for each in app.markdown if each.value.startswith("**A teacher's link:**")]
    assert "<script>" not in line
    assert "**bold**" not in line
    assert len(line) < 2 * MOST_LETTERS


@pytest.mark.parametrize("value", ["<script>", "../../etc", "," * 5_000, "\x00", "é", "no-such-part,nothing"])
def test_hostile_links_change_nothing(value: str) -> None:
    app = start(t_hide=value)
    assert errors(app) == []
    assert len(headings(app)) == 3
    assert len(app.sidebar.selectbox) == 2


def test_two_visitors_do_not_share_a_link() -> None:
    one, other = start(t_free="show"), start()
    one.run()
    assert one.number_input(key="token").disabled
    other.run()
    assert not other.number_input(key="token").disabled


def test_the_maker_offers_this_pages_fields_and_parts() -> None:
    app = start()
    hide = app.multiselect(key="teach_hide")
    assert {"Through 8 blocks", "Glossary", "The other pages"} - {"Glossary"} <= set(hide.options)
    app.button_group(key="teach_way").set_value("Only what I choose").run()
    assert any("Patch (0 to" in label for label in app.multiselect(key="teach_free").options)
    app.multiselect(key="teach_free").set_value(["token"])
    app.multiselect(key="teach_hide").set_value(["one-block-slowly", "sidebar"])
    app.text_area(key="teach_task").set_value("  Look & see ").run()
    assert errors(app) == []
    assert panel(app, "teach_link")["add"] == {
        "t_task": "Look & see",
        "t_free": "token",
        "t_hide": "one-block-slowly,sidebar",
    }


def test_buttons_that_explain_a_class_are_locked_with_it() -> None:
    PAGES["attribution"] = "pages/attribution.py"
    buttons = [each for each in start("attribution", t_free="token").button if each.key.startswith("target_")]
    assert len(buttons) == 5
    assert all(each.disabled for each in buttons)
    free = start("attribution", t_free="target")
    assert not any(each.disabled for each in free.button if each.key.startswith("target_"))


def test_swapped_patches_are_locked_and_can_be_left_free() -> None:
    PAGES["activations"] = "pages/activations.py"
    link = {"view": "shuffled", "swaps": "2-50"}
    locked = start("activations", t_free="view", **link)
    assert locked.button(key="swap_clear").disabled
    locked.session_state["swaps"] = ()  # what the button does
    locked.run()
    assert locked.query_params["swaps"] == "2-50"
    free = start("activations", t_free="swaps", **link)
    free.button(key="swap_clear").click().run()
    assert errors(free) == []
    assert "swaps" not in free.query_params
    maker = start("activations", **link)
    maker.button_group(key="teach_way").set_value("Only what I choose").run()
    assert "Which patches are swapped" in maker.multiselect(key="teach_free").options


def test_the_maker_says_that_an_upload_cannot_travel() -> None:
    app = start()
    assert not any("a link cannot carry it" in each.value for each in app.info)
    upload_picture(app, "mine.png", encode(made_picture(), "PNG"))
    app.run()
    assert any("a link cannot carry it" in each.value for each in app.info)


def test_a_task_keeps_its_lines() -> None:
    app = start("patches", t_task="Find the eye.\n\n![x](http://there)\nThen write.")
    (line,) = [each.value for each in app.markdown if each.value.startswith("**A teacher's link:**")]
    first, second, third = line.split("  \n")
    assert first == "**A teacher's link:** Find the eye."
    assert "](http" not in second
    assert third == "Then write."
