"""Whatever is chosen is in the link, as short technical values; and the link brings all of it back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.driving import PAGES, ROOT, TIMEOUT, errors

SHORT = re.compile(r"[a-z0-9_.,-]+")
NOT_IN_LINKS = {"picture_source", "mixing_file_block", "class_search"}
FIRST: dict[str, list[dict[str, str]]] = {
    "overview": [{}],
    "patches": [{}],
    "token_mixing": [{}],
    "activations": [
        {"view": each} for each in ("layers", "channels", "stream", "prediction", "off", "shuffled", "formula")
    ],
    "compared": [{"part": each} for each in ("photo", "costs", "swapped", "reordered")],
}
ALL = [(page, link) for page, links in FIRST.items() for link in links]


def opened(page: str, link: dict[str, Any]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in link.items():
        app.query_params[name] = value
    if page != "overview":
        app.switch_page(PAGES.get(page, f"pages/{page}.py"))
    app.run()
    assert errors(app) == []
    return app


def choices(app: AppTest) -> dict[str, Any]:
    widgets = [*app.button_group, *app.selectbox, *app.toggle, *app.number_input, *app.slider, *app.multiselect]
    return {each.key: each.value for each in widgets if each.key not in NOT_IN_LINKS | set(for_teachers(app))}


def for_teachers(app: AppTest) -> list[str]:
    """Fields from which a link is made, which are not of the page."""
    return [each.key for each in [*app.button_group, *app.multiselect] if each.key.startswith("teach_")]


def choose_others(app: AppTest, fixed: dict[str, str]) -> None:
    """Something else in every field."""
    for group in [*app.button_group, *app.selectbox]:
        if group.key not in NOT_IN_LINKS | set(fixed) | {"model", *for_teachers(app)} and len(group.options) > 1:
            group.set_value(next(each for each in reversed(group.options) if each != group.value))
    for toggle in app.toggle:
        toggle.set_value(not toggle.value)
    for field in [*app.number_input, *app.slider]:
        if field.key not in NOT_IN_LINKS:
            field.set_value(3 if field.value != 3 else 2)
    for several in [each for each in app.multiselect if each.key not in for_teachers(app)]:
        several.set_value([several.options[0], several.options[2]])
    app.run()
    assert errors(app) == []


@pytest.mark.parametrize(("page", "link"), ALL, ids=["-".join([page, *link.values()]) for page, link in ALL])
def test_every_choice_is_in_the_link(page: str, link: dict[str, str]) -> None:
    app = opened(page, link)
    choose_others(app, link)
    values = [each for value in app.query_params.values() for each in ([value] if isinstance(value, str) else value)]
    assert len(values) > len(link)
    assert [each for each in values if not SHORT.fullmatch(each)] == []
    assert choices(opened(page, dict(app.query_params))) == choices(app)


def test_what_is_switched_off_and_swapped_is_in_the_link() -> None:
    app = opened("activations", {"view": "off", "off": "unit", "off_at": "3", "off_number": "17"})
    app.button(key="off_keep").click().run()
    app.number_input(key="off_number").set_value(4).run()
    assert app.query_params["off_more"] == "unit.3.zero.17"
    again = opened("activations", dict(app.query_params))
    assert [each.value for each in again.markdown if "Switched off" in each.value] == [
        each.value for each in app.markdown if "Switched off" in each.value
    ]
    swapped = opened("activations", {"view": "shuffled", "swaps": "2-50,50-7"})
    assert swapped.session_state["swaps"] == ((2, 50), (50, 7))


@pytest.mark.parametrize(
    "link",
    [
        {"view": "shuffled", "swaps": "2-64"},
        {"view": "shuffled", "swaps": "2-3-4"},
        {"view": "off", "off_more": "unit.0.zero.1"},
        {"view": "off", "off_more": "patch.1.zero.1"},
        {"view": "off", "off_more": "unit.1.zero.1.2"},
        {"view": "off", "off_more": "unit.1.zero.99999"},
    ],
)
def test_impossible_clicks_of_a_link_are_told(link: dict[str, str]) -> None:
    app = opened("activations", link)
    (name,) = set(link) - {"view"}
    assert [each.value for each in app.warning if f"{name} = " in each.value.replace("\\", "")] != []
    assert name not in app.query_params


def test_a_link_of_an_earlier_version_becomes_one_of_today() -> None:
    app = opened("activations", {"view": "Shuffled patches", "patch_order": "Rows reversed", "image": "Cup of coffee"})
    assert dict(app.query_params) == {"view": "shuffled", "patch_order": "reversed", "image": "coffee"}


def test_choices_of_another_page_leave_the_address_and_come_back() -> None:
    app = opened("patches", {"token": "9", "filters": "index"})
    app.query_params.clear()  # as the browser does
    app.switch_page("pages/token_mixing.py").run()
    assert app.query_params.get("token") == "9"
    assert "filters" not in app.query_params
    app.query_params.clear()
    app.switch_page("pages/patches.py").run()
    assert app.button_group(key="filters").value == "Channel"


def test_the_first_patch_is_in_the_middle_half_of_the_picture() -> None:
    for image in ("cat", "dog"):
        app = opened("overview", {"image": image})
        row, column = divmod(app.number_input(key="token").value, 8)
        assert 2 <= row < 6
        assert 2 <= column < 6
        assert "token" not in app.query_params
        app.selectbox(key="image").select_index(2).run()  # nobody has chosen a patch: another picture has its own
        assert "token" not in app.query_params


def test_another_model_keeps_the_place_not_the_number() -> None:
    from mixer_viz.ui.widgets.selection import same_place

    assert same_place(0, (8, 8), (14, 14)) == 0
    assert same_place(63, (8, 8), (14, 14)) == 195
    assert same_place(36, (8, 8), (14, 14)) == 7 * 14 + 7  # row 4 and column 4 of 8
    assert same_place(16, (1, 17), (1, 25)) == 24


def test_what_nobody_has_chosen_begins_anew_on_another_page() -> None:
    model = {"model": "mixer_everyday"}  # whose units are most worth a look in a block that is not the first
    first = opened("token_mixing", model).number_input(key="block").value
    app = opened("overview", model)
    assert app.number_input(key="block").value == 1 != first
    assert app.switch_page("pages/token_mixing.py").run().number_input(key="block").value == first
    app = opened("overview", model)
    app.number_input(key="block").set_value(2).run()
    assert app.switch_page("pages/token_mixing.py").run().number_input(key="block").value == 2
