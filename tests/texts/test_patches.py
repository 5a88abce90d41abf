"""The texts of the Patch tokenization page carry the numbers of the model that is shown."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from mixer_viz.model.costs import patch_size_options
from mixer_viz.texts import patches as texts
from tests.texts.test_overview import B16, numbers


def test_embedding_equation_has_b16s_sizes() -> None:
    text = texts.embedding_equation(B16)
    assert {224, 16, 196, 768} <= numbers(text)
    assert text.count("$$") == 2
    odd = replace(B16, embed_dim=1000, patch_size=8)
    assert r"C \times 3P^2 = 1000 \times 192" in texts.embedding_equation(odd)


@pytest.mark.parametrize("token", [0, 13, 14, 100, 195])
def test_patch_position_names_the_pixels_of_that_patch(token: int) -> None:
    """Cut from a picture of token numbers, the named pixels are that token's and no other's."""
    text = texts.patch_position(B16, token)
    row, column, top, bottom, left, right = (
        int(found)
        for found in re.search(
            r"row (\d+), column (\d+) .*pixels (\d+) to (\d+) down, (\d+) to (\d+) across", text
        ).groups()
    )
    picture = np.kron(np.arange(196).reshape(14, 14), np.ones((16, 16), int))
    assert row * 14 + column == token
    assert set(picture[top : bottom + 1, left : right + 1].ravel().tolist()) == {token}
    assert (bottom - top, right - left) == (15, 15)
    assert f"{row} × 14 + {column} = {token}" in text


def test_patch_size_table_marks_the_own_size_and_counts_as_the_model_does() -> None:
    options = patch_size_options(B16)
    table = texts.patch_size_table(options)
    assert len({len(column) for column in table.values()}) == 1
    (own,) = [index for index, option in enumerate(options) if option.is_own]
    assert [("this model" in text) for text in table["P"]] == [index == own for index in range(len(options))]
    assert table["tokens S"][own] == "14 × 14 = 196"
    assert table["numbers per patch"][own] == "768"
    assert table["token-mixing parameters"][own] == f"{12 * (2 * 196 * 384 + 384 + 196):,}"


def test_other_sizes_names_s_and_hidden_width() -> None:
    assert {196, 224, 384} <= numbers(texts.other_sizes(B16))


def test_rebuilding_tells_what_is_lost() -> None:
    lossless, lossy = texts.rebuilding(48, 48, 128, 1e-8), texts.rebuilding(30, 48, 30, 0.25)
    assert "nothing of a patch is lost" in lossless
    assert "18 are lost" in lossy
    assert "0.25" in lossy
