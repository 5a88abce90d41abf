"""A link restores what it names, and a link that names nonsense opens the page all the same."""

from __future__ import annotations

import html

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.driving import check, crop_of, errors, go, made_png, panel, start, upload_picture


def test_link_to_the_overview() -> None:
    app = start(token="7", image="Cup of coffee", show="Length")
    check(app, "overview")
    assert app.selectbox(key="image").value == "Cup of coffee"
    assert app.number_input(key="token").value == 7
    assert app.button_group(key="show").value == "Length"
    assert panel(app, "stages")["grids"][0]["values"]


def test_link_to_the_patches() -> None:
    app = start("patches", token="7", image="Cup of coffee", filters="Channel", model="mixer_cifar10")
    check(app, "patches")
    assert app.selectbox(key="image").value == "Cup of coffee"
    assert app.number_input(key="token").value == 7
    assert app.button_group(key="filters").value == "Channel"
    crop = crop_of(app)
    check(go(app, "overview"), "overview")
    assert crop_of(app) == crop


def test_link_to_a_published_model() -> None:
    name = "mixer_b16_224.miil_in21k_ft_in1k"
    app = start(model=name)
    assert app.selectbox(key="model").value == name
    (sentence,) = errors(app)  # it is not on this computer, and there is no network
    assert name in sentence


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_link_full_of_nonsense(page: str) -> None:
    """Also one to an upload, which only its own visitor has."""
    app = start(
        page, token="9999", image="Your picture", model="Your checkpoint", show="x", filters="<script>", other="1"
    )
    check(app, page)
    plain = start(page)
    for key in ("model", "image"):
        assert app.selectbox(key=key).value == plain.selectbox(key=key).value
    assert app.number_input(key="token").value == plain.number_input(key="token").value


def notes(app: AppTest) -> list[str]:
    return [html.unescape(each.value).replace("\u2060", "") for each in app.warning]


def test_a_link_says_which_of_its_values_are_not_here() -> None:
    app = start(token="9999", show="Nothing", image="Cup of coffee", other="1")
    check(app, "overview")
    (note,) = notes(app)
    assert note == "The link asked for what is not here, so something else is shown: token = 9999; show = Nothing."
    assert len(notes(app.run())) == 1  # as long as the page stays
    assert notes(go(app, "patches")) == []
    assert notes(go(app, "overview")) == []


def test_a_note_shows_what_a_link_says_as_text() -> None:
    (note,) = notes(start(show="<b>[x](http://192.0.2.1)</b>"))
    assert "show = <b>[x](http://192.0.2.1)</b>." in note
    (shown,) = [each.value for each in start(show="[x](http://192.0.2.1)").warning]
    assert "[" not in shown


def test_a_link_that_holds_says_nothing() -> None:
    app = start(token="7", image="Cup of coffee", show="Length", model="mixer_cifar10")
    assert notes(app) == []


def test_a_link_to_an_upload_says_that_it_is_gone() -> None:
    app = start(image="Your picture")
    (note,) = notes(app)
    assert "made with a picture that is not here" in note
    assert len(notes(app.run())) == 1
    assert notes(upload_picture(app, "mine.png", made_png())) == []


@pytest.mark.parametrize("token", ["-1", "1.5", "", "nan"])
def test_link_with_an_impossible_token(token: str) -> None:
    app = start("patches", token=token)
    check(app, "patches")
    assert 0 <= app.number_input(key="token").value <= 63
