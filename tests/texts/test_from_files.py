"""Text of files is shown as text: nothing in it is markup, and every character can be seen."""

from __future__ import annotations

import html

import pytest

from mixer_viz.figures.common import short_name
from mixer_viz.texts.from_files import MOST_LETTERS, literal, literal_sentence, visible

WORD_JOINER = "\u2060"


def read(shown: str) -> str:
    """What a reader sees of text for Markdown or plotly."""
    return html.unescape(shown).replace(WORD_JOINER, "")


@pytest.mark.parametrize(
    "text",
    [
        "cat",
        "tabby, tabby cat",
        "class 3",
        "T-shirt/top",
        "mixer_b16_224.goog_in21k_ft_in1k",
        "Großer Panda",
        "小熊猫",
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}",
    ],
)
def test_ordinary_names_are_left_alone(text: str) -> None:
    assert visible(text) == literal(text) == literal_sentence(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://192.0.2.1/a.png)",
        "[x](http://192.0.2.1/)",
        "__background__",
        "*a*",
        "`a`",
        "~~a~~",
        "<b>bold</b>",
        "<a href='http://192.0.2.1/'>x</a>",
        "# Title",
        "a | b",
        "$x^2$",
        "%{x}",
        "&lt;b&gt;",
        "\\*a*",
        ":red[a]",
    ],
)
def test_markup_becomes_entities_that_read_as_written(text: str) -> None:
    assert not set("*_[]<>`~#$|{}\\") & set(literal(text).replace("&#", ""))
    assert read(literal(text)) == text
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("http://192.0.2.1/a", "://"),
        ("www.example.org", "www."),
        ("me@example.org", "@e"),
        (":material/home:", ":m"),
        (":smile:", ":s"),
        ("a -> b", "->"),
        ("1. one", "1."),
        ("12) one", "12)"),
        ("- one", "- "),
        ("+ one", "+ "),
    ],
)
def test_what_is_made_of_plain_letters_is_broken_by_nothing_that_is_seen(text: str, broken: str) -> None:
    assert broken not in html.unescape(literal(text))
    assert read(literal(text)) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\n# Title", r"a\n# Title"),
        ("a\r\tb", r"a\r\tb"),
        ("\ud800", r"\ud800"),
        ("a\x00\x1b[1m", r"a\x00\x1b[1m"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("a\u2028b\u2060", r"a\u2028b\u2060"),
        ("\ue000", r"\ue000"),
        ("  a  ", "a"),
    ],
)
def test_every_character_can_be_seen_on_one_line(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert read(literal(text)) == seen
    literal(text).encode("utf-8")


def test_long_text_is_cut() -> None:
    assert visible("x" * 1_000_000) == "x" * MOST_LETTERS + "…"
    assert len(literal_sentence("x" * 1_000_000)) < 1_100


def test_short_names_do_not_cut_through_an_entity() -> None:
    assert short_name(literal("*" * 30), 5) == 4 * "&#42;" + "…"
    assert short_name(literal("**, b"), 5) == 2 * "&#42;"
