"""Lines of texts in figures: English ones as the standard library breaks them, Chinese ones by their width."""

from __future__ import annotations

import textwrap

import pytest

from mixer_viz.figures.wrapping import filled, width_of, wrapped

ENGLISH = "Who patch 35 listens to in block 3. Picture: a_name_that_is_longer_than_most_lines_are.png and so it breaks"
CHINESE = "每个网络的模块 3 中，图块 35 在听谁（上），以及所有图块（下）。图片：cat.png"


@pytest.mark.parametrize("width", [20, 36, 112])
def test_english_is_broken_between_words(width: int) -> None:
    assert filled(ENGLISH, width) == textwrap.fill(ENGLISH, width)


@pytest.mark.parametrize("width", [12, 30])
def test_chinese_is_broken_anywhere_but_before_a_mark(width: int) -> None:
    lines = wrapped(CHINESE, width)
    assert len(lines) > 1
    assert all(width_of(line) <= width for line in lines)
    assert not any(line.startswith(tuple("，。：）")) for line in lines)
    assert "".join(lines).replace(" ", "") == CHINESE.replace(" ", "")


def test_a_chinese_letter_is_two_wide() -> None:
    assert width_of("图块 35") == 7
    assert wrapped("", 10) == []
