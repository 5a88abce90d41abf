"""Markdown of the app in a file: formulas are drawn, and nothing in it runs or is fetched."""

from __future__ import annotations

import pytest

from mixer_viz.texts.from_files import literal
from mixer_viz.ui.teaching.markdown import to_html, to_inline_html

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![picture](https://example.org/a.png)",
    "[link](https://example.org)",
    "[link](javascript:alert(1))",
    '<a href="https://example.org">x</a>',
    "<https://example.org>",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("convert", [to_html, to_inline_html])
def test_nothing_runs_and_nothing_is_fetched(text: str, convert: object) -> None:
    made = convert(text)  # type: ignore[operator]
    assert "<script" not in made
    assert "<img" not in made
    assert "src=" not in made.replace("src=x", "")
    assert 'href="' not in made.replace("&quot;", "")


@pytest.mark.parametrize("name", ["<script>", "a*b*c", "$x$ and $y$", "[x](#y)", "`code`", "a & b"])
def test_a_name_of_a_file_is_shown_as_it_is(name: str) -> None:
    import html

    shown = html.unescape(to_inline_html(f"The class **{literal(name)}** is best."))
    assert shown.replace("\u2060", "") == f"The class <strong>{name}</strong> is best."


def test_formulas_tables_and_places_of_the_page() -> None:
    assert "<mfrac>" in to_html(r"$$\frac{1}{2}$$")
    assert 'display="inline"' in to_html(r"with $W_1$ of it")
    assert "<td>2</td>" in to_html("| a | b |\n|--|--|\n| 1 | 2 |")
    assert '<a href="#one-block">' in to_html("[One block](#one-block)")
    assert to_inline_html(":material/download: Download :blue[now]") == "Download now"


def test_a_formula_that_cannot_be_drawn_is_shown_as_written() -> None:
    assert "\\begin{nothing}" in to_html(r"$$\begin{nothing}$$")
