"""Terms are explained in one sentence each, and every tooltip finds its terms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mixer_viz.model.wording import in_parameters
from mixer_viz.texts.glossary import TERMS, explained

ROOT = Path(__file__).parents[2]


def test_every_term_of_a_tooltip_is_in_the_list() -> None:
    asked = [
        argument.value
        for path in (ROOT / "pages").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "explained"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    ]
    assert len(asked) > 15
    assert set(asked) <= set(TERMS)
    with pytest.raises(KeyError):
        explained("Attention head")


def test_meanings_are_short_sentences() -> None:
    for term, meaning in TERMS.items():
        assert meaning.endswith("."), term
        assert len(meaning) < 130, term


def test_small_models_have_more_than_no_parameters() -> None:
    assert in_parameters(935_050) == "0.94 M parameters"
    assert in_parameters(1_234) == "1,234 parameters"
