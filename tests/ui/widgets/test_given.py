"""Values that a page gives to its fields, and browsers that do not know them yet."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.ui.widgets import given


def page() -> None:
    import streamlit as st

    from mixer_viz.ui.compute.waiting import timed_page
    from mixer_viz.ui.widgets.given import give, hold

    with timed_page("a page"):
        st.button("give", key="give", on_click=give, args=("letter", "b"))
        hold("letter")
        st.selectbox("Letter", ["a", "b", "c"], key="letter")


def late(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the browser sends from now on was sent this much after the run before."""
    now = given.time.monotonic()
    monkeypatch.setattr(given, "last_run_ended", lambda: now - seconds)


def given_app() -> AppTest:
    app = AppTest.from_function(page).run()
    assert app.selectbox(key="letter").value == "a"
    app.button(key="give").click().run()
    assert app.selectbox(key="letter").value == "b"
    return app


def test_an_older_message_does_not_undo_it() -> None:
    app = given_app()
    assert app.selectbox(key="letter").select("a").run().selectbox(key="letter").value == "b"


def test_a_later_choice_of_the_old_value_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    app = given_app()
    late(4.0, monkeypatch)
    monkeypatch.setattr(given.time, "monotonic", lambda base=given.time.monotonic: base() + 5.0)
    app.session_state["_given"]["letter"] = given._Given("b", ("a",), 0.0)  # drawn long ago
    assert app.selectbox(key="letter").select("a").run().selectbox(key="letter").value == "a"
    assert "letter" not in app.session_state["_given"]


def test_what_the_browser_has_sent_back_may_be_changed_at_once() -> None:
    app = given_app().run()
    assert app.selectbox(key="letter").select("a").run().selectbox(key="letter").value == "a"


def test_another_value_is_a_choice_at_once() -> None:
    app = given_app()
    assert app.selectbox(key="letter").select("c").run().selectbox(key="letter").value == "c"
    assert app.selectbox(key="letter").select("a").run().selectbox(key="letter").value == "a"


def test_a_run_that_was_broken_off_after_drawing_it_told_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    app = given_app()
    monkeypatch.setattr(given, "last_run_ended", lambda: 0.0)
    assert app.selectbox(key="letter").select("a").run().selectbox(key="letter").value == "b"
