"""Sentences are said in the language of whoever is looking, and what is kept for everybody is English."""

from __future__ import annotations

import gettext
import pickle
import threading

import pytest

from mixer_viz import language
from mixer_viz.language import messages, noted, sentence_of_error, shown, speaking, tr


class Shouting(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return message.upper().replace("{COUNT", "{count").replace("{REASON}", "{reason}")


@pytest.fixture(autouse=True)
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chinese is loud English here."""
    real = messages.catalogue
    monkeypatch.setattr(messages, "catalogue", lambda name: Shouting() if name == "zh" else real(name))


def test_nobody_in_particular_reads_english() -> None:
    assert tr("a {count:,} b", count=1234) == "a 1,234 b"
    assert language.current() == "en"


def test_speaking_holds_for_the_block() -> None:
    with speaking("zh"):
        assert tr("a {count:,} b", count=1234) == "A 1,234 B"
        with speaking("en"):
            assert tr("a") == "a"
        assert tr("a") == "A"
    assert tr("a") == "a"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError, match="there is no language 'tlh'"), speaking("tlh"):
        pass


def test_braces_mean_nothing_without_values() -> None:
    assert tr(r"$\frac{1}{2}$") == r"$\frac{1}{2}$"
    assert noted(r"$\frac{1}{2}$") == r"$\frac{1}{2}$"


def test_a_noted_sentence_is_english_until_it_is_shown() -> None:
    sentence = noted("file {count} is empty", count=3)
    assert sentence == "file 3 is empty" and isinstance(sentence, str)
    with speaking("zh"):
        assert (shown(sentence), tr(sentence), str(sentence)) == (
            "FILE 3 IS EMPTY",
            "FILE 3 IS EMPTY",
            "file 3 is empty",
        )


def test_what_was_not_noted_is_shown_as_it_is() -> None:
    with speaking("zh"):
        assert shown("name of a file") == "name of a file"


def test_a_reason_inside_of_a_sentence_is_said_in_the_same_language() -> None:
    inner = ValueError(noted("row {count} is bad", count=2))
    outer = noted("cannot read: {reason}", reason=inner)
    assert outer == "cannot read: row 2 is bad"
    with speaking("zh"):
        assert shown(outer) == "CANNOT READ: ROW 2 IS BAD"


def test_an_error_is_said_in_the_language_of_whoever_is_looking() -> None:
    with speaking("zh"):
        assert sentence_of_error(ValueError(noted("bad"))) == "BAD"
        assert sentence_of_error(ValueError("bad")) == "bad"
        assert sentence_of_error(OSError(2, "bad")) == "[Errno 2] bad"


def test_a_noted_sentence_goes_to_another_process() -> None:
    sentence = noted("cannot read: {reason}", reason=noted("row {count} is bad", count=2))
    back = pickle.loads(pickle.dumps(sentence))
    assert back == sentence
    with speaking("zh"):
        assert shown(back) == "CANNOT READ: ROW 2 IS BAD"
    assert pickle.loads(pickle.dumps(noted("{reason}", reason=ValueError("x")))) == "x"


def test_what_is_kept_for_everybody_is_in_nobodys_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language.speaker, "STRICT", False)
    with speaking("zh"):
        with language.for_everybody():
            assert tr("a") == "a"
        assert tr("a") == "A"
    monkeypatch.setattr(language.speaker, "STRICT", True)
    with language.for_everybody(), pytest.raises(AssertionError, match="kept for everybody"):
        tr("a")
    with language.for_everybody():
        assert noted("a") == "a"


def test_each_thread_has_a_language_of_its_own() -> None:
    both = threading.Barrier(2, timeout=10)
    said = {}

    def visit(name: str) -> None:
        with speaking(name):
            both.wait()
            said[name] = tr("a")
            both.wait()

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("en", "zh")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {"en": "a", "zh": "A"}


@pytest.mark.parametrize(
    ("wish", "answer"),
    [("zh-CN", "zh"), ("zh", "zh"), ("zh_Hans_CN", "zh"), ("en-GB", "en"), ("fr", "en"), ("", "en"), (None, "en")],
)
def test_a_browsers_wish_has_a_nearest_language(wish: str | None, answer: str) -> None:
    assert language.nearest(wish) == answer
