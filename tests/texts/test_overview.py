"""The texts of the Overview page carry the numbers of the model that is shown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mixer_viz.model import PRESETS, MixerConfig
from mixer_viz.model.costs import costs
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


def test_block_shapes_names_tokens_channels_and_grid() -> None:
    assert {196, 768, 14} <= numbers(texts.block_shapes(B16))


def test_known_classes(tiny_config: MixerConfig) -> None:
    few = texts.known_classes(tiny_config)
    assert all(name in few for name in tiny_config.class_names)
    many = texts.known_classes(
        replace(tiny_config, num_classes=1000, class_names=tuple(f"name {index}" for index in range(1000)))
    )
    assert "1,000" in many
    assert "name 1" not in many
    assert "does not name" in texts.known_classes(replace(tiny_config, class_names=None))


def test_a_picture_that_fits_no_class_is_told_plainly() -> None:
    assert texts.what_it_shows(None, "cat") == ""
    assert "None of its classes" in texts.what_it_shows([], "cat")
    assert texts.what_it_shows(["deer"], "deer") == "The picture shows: **deer**. The answer is right."
    assert texts.what_it_shows(["building", "landscape"], "boat").endswith(
        "**building and landscape**. The answer is wrong."
    )


def test_how_sure_is_compared_with_what_is_usual() -> None:
    usual = (0.2, 0.6, 1.0)
    assert texts.how_sure(None, usual) == texts.how_sure(0.5, None) == ""
    assert "**80 %** after calibration, surer than for 75 % of its" in texts.how_sure(0.8, usual)
    assert "**40 %** after calibration, less sure than for 75 % of its" in texts.how_sure(0.4, usual)
    assert texts.how_sure(0.8, usual).endswith("about that share of the answers with such a number is right.")
    assert texts.how_sure(0.8, usual, ["cat"]) == texts.how_sure(0.8, usual)


def test_how_sure_says_nothing_of_a_picture_that_fits_no_class() -> None:
    told = texts.how_sure(0.95, (0.2, 0.6, 1.0), [])
    assert "**95 %**" in told
    assert told.endswith("This one shows none of them, so the number says nothing here.")
