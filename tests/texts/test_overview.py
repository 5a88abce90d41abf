"""The texts carry the numbers of the model that is shown."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from mixer_viz.model import PRESETS, MixerConfig
from mixer_viz.model.costs import costs, patch_size_options
from mixer_viz.texts import overview as texts

B16 = PRESETS["B/16"]


def numbers(text: str) -> set[int]:
    return {int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)}


def test_equation_has_b16s_sizes() -> None:
    text = texts.mixer_equation(B16)
    assert {12, 196, 768, 384, 3072, 1000} <= numbers(text)
    assert r"S \times C = 196 \times" in text
    words = " ".join(text.split())
    assert r"D_S \times S = 384 \times 196" in words
    assert r"D_C \times C = 3072 \times 768" in words
    displayed = [line for line in text.splitlines() if "$$" in line]
    assert [line.count("$$") for line in displayed] == [2, 2]  # each on one line, or it is not drawn
    assert text.count("$$") == 4
    assert text.count("$") % 2 == 0


def test_equation_tells_the_two_gelus_apart() -> None:
    assert texts.mixer_equation(replace(B16, gelu="erf")) != texts.mixer_equation(replace(B16, gelu="tanh"))


def test_embedding_equation_has_b16s_sizes() -> None:
    text = texts.embedding_equation(B16)
    assert {224, 16, 196, 768} <= numbers(text)
    assert text.count("$$") == 2
    odd = replace(B16, embed_dim=1000, patch_size=8)
    assert r"C \times 3P^2 = 1000 \times 192" in texts.embedding_equation(odd)


def test_cost_table_of_b16_closes() -> None:
    table = texts.cost_table(costs(B16))
    assert len({len(column) for column in table.values()}) == 1
    parameters = [int(text.replace(",", "")) for text in table["parameters"]]
    assert parameters[-1] == sum(parameters[:-1]) == 59_880_472
    assert dict(zip(table["part"], parameters, strict=True))["patch embedding"] == 768 * 768 + 768
    operations = [int(text.replace(",", "")) for text in table["multiply-adds per image"]]
    assert operations[-1] == sum(operations[:-1])
    for name in ("share", "share "):
        shares = [float(text.removesuffix(" %")) for text in table[name]]
        assert shares[-1] == 100
        assert sum(shares[:-1]) == pytest.approx(100, abs=0.3)


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
    assert {196, 768, 14} <= numbers(texts.block_shapes(B16))


def test_rebuilding_tells_what_is_lost() -> None:
    lossless, lossy = texts.rebuilding(48, 48, 128, 1e-8), texts.rebuilding(30, 48, 30, 0.25)
    assert "nothing of a patch is lost" in lossless
    assert "18 are lost" in lossy
    assert "0.25" in lossy


def test_known_classes(tiny_config: MixerConfig) -> None:
    few = texts.known_classes(tiny_config)
    assert all(name in few for name in tiny_config.class_names)
    many = texts.known_classes(
        replace(tiny_config, num_classes=1000, class_names=tuple(f"name {index}" for index in range(1000)))
    )
    assert "1,000" in many
    assert "name 1" not in many
    assert "does not name" in texts.known_classes(replace(tiny_config, class_names=None))
