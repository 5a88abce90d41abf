"""The language belongs to a visit: to its link, its choice in the sidebar, or its browser's wish."""

from __future__ import annotations

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from mixer_viz.language import speaking
from tests.app.driving import PAGES, errors, start

MODEL = {"en": "Model", "zh": "模型"}


def language_of(app: AppTest) -> str:
    """Which language the sidebar is in."""
    assert errors(app) == []
    return {label: language for language, label in MODEL.items()}[app.selectbox(key="model").label]


def labels(app: AppTest) -> set[str]:
    return {expander.label for expander in app.expander}


def run(app: AppTest, before: str) -> AppTest:
    """What a browser sends that shows the page in the language `before`: AppTest forms the options' texts here."""
    with speaking(before):
        return app.run()


def choose(app: AppTest, before: str, name: str) -> AppTest:
    """Choose another language in the sidebar."""
    app.button_group(key="lang").set_value(name)
    return run(app, before)


def test_a_link_says_it() -> None:
    assert language_of(start(lang="zh")) == "zh"
    assert language_of(start(lang="en")) == "en"
    assert language_of(start()) == "en"


def test_two_visitors_have_two_languages_at_once() -> None:
    chinese, english = start(lang="zh"), start()
    for _ in range(2):
        for app, language in ((chinese, "zh"), (english, "en")):
            app.number_input(key="token").set_value(app.number_input(key="token").value - 1)
            assert language_of(run(app, language)) == language
    assert "术语表" in labels(chinese) and "Glossary" not in labels(chinese)
    assert "Glossary" in labels(english) and "术语表" not in labels(english)
    assert language_of(run(chinese.switch_page(PAGES["patches"]), "zh")) == "zh"
    assert language_of(run(english.switch_page(PAGES["patches"]), "en")) == "en"


def test_the_sidebar_changes_it_and_the_link_says_so() -> None:
    app = start()
    choose(app, "en", "中文")
    assert language_of(app) == "zh" and app.query_params["lang"] == "zh"
    choose(app, "zh", "English")
    assert language_of(app) == "en" and "lang" not in app.query_params


def test_what_was_chosen_stays_as_it_was() -> None:
    app = start(token="7", show="length", image="coffee")
    choose(app, "en", "中文")
    assert app.number_input(key="token").value == 7 and app.button_group(key="show").value == "Length"
    assert app.query_params["show"] == "length" and app.query_params["image"] == "coffee"
    assert app.selectbox(key="image").value == "Cup of coffee"
    assert "一杯咖啡" in app.selectbox(key="image").options
    choose(app, "zh", "English")
    assert app.number_input(key="token").value == 7 and app.selectbox(key="image").value == "Cup of coffee"


def test_fields_are_given_their_choices_in_the_other_words() -> None:
    """The browser sends what a field shows: without this it would send the words of before, which say nothing now."""
    app = start(token="7", show="length", image="coffee")
    run(app, "en")
    fields = [app.selectbox(key="image"), app.button_group(key="show")]
    assert not any(field.proto.set_value for field in fields)
    choose(app, "en", "中文")
    for field in (app.selectbox(key="image"), app.button_group(key="show")):
        assert field.proto.set_value, field.key


def test_at_first_the_browser_wishes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContextProxy, "locale", "zh-CN")
    app = start()
    assert language_of(app) == "zh" and "lang" not in app.query_params
    choose(app, "zh", "English")
    assert language_of(app) == "en" and app.query_params["lang"] == "en"
    assert language_of(start(lang="en")) == "en"


def test_a_language_that_is_not_there_is_english() -> None:
    app = start(lang="tlh")
    assert language_of(app) == "en"
    assert any("lang = tlh" in warning.value for warning in app.warning)
