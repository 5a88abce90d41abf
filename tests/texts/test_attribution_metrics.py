"""The texts on how far to trust a map carry the numbers of the checks."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mixer_viz.texts import attribution_metrics as texts
from mixer_viz.texts.attribution_metrics import Metrics
from tests.texts.made_attributions import CURVES, NOT_IN_LOGITS, PLAIN


@pytest.mark.parametrize(("seconds", "words"), [(7.4, "about 7 s"), (600.0, "about 10 min")])
def test_words_of_the_button_for_long_checks(seconds: float, words: str) -> None:
    text = texts.ask_for("Curves", ["one", "other"], seconds)
    assert text == f"Work out curves of one, other: {words}"


def rows_of(table: dict[str, list[str]], title: str) -> dict[str, str]:
    return dict(zip(table["measure"], table[title], strict=True))


def test_quality_table_with_curves_alone() -> None:
    table = texts.metrics_table([Metrics("one", PLAIN, CURVES, None), Metrics("other", NOT_IN_LOGITS, None, None)])
    one, other = rows_of(table, "one"), rows_of(table, "other")
    assert one["deletion area (lower is better)"] == "0.375"
    assert one["insertion area (higher is better)"] == "0.500"
    where = table["measure"].index("deletion area of random orders")
    assert table["one"][where] == "0.550 ± 0.050"
    assert one["sum of all values"] == "+1.5000"
    assert one["gap"] == "0.0e+00 (0.0 %)"
    assert one["passes forward, backward"] == "1,052, 50"
    assert one["steady under noise"] == "not yet"
    assert other["sum of all values"] == "not in logits"
    assert other["deletion area (lower is better)"] == "not yet"


def test_two_maps_of_one_title_are_two_columns() -> None:
    table = texts.metrics_table([Metrics("one", PLAIN, None, None), Metrics("one", NOT_IN_LOGITS, None, None)])
    assert len(table) == 3


def test_lines_of_the_file_have_one_header() -> None:
    header, lines = texts.metrics_rows(
        [Metrics("one", PLAIN, CURVES, None), Metrics("other", NOT_IN_LOGITS, None, None)], {"model": "tiny"}
    )
    first, second = (dict(zip(header, line, strict=True)) for line in lines)
    assert (first["deletion_area"], second["deletion_area"]) == (pytest.approx(0.375), None)
    assert first["random_deletion_area"] == pytest.approx(0.55)
    assert (first["random_deletion_std"], first["random_orders"]) == (pytest.approx(0.05), 2)
    assert [first["model"], second["model"]] == ["tiny", "tiny"]
    assert first["noise_rank_correlation"] is None
    assert (first["parameters"], first["gap"]) == ("steps 50, baseline mean", 0.0)


def test_agreement_names_the_extremes() -> None:
    names = ["a", "b", "c"]
    matrix = np.array([[1, 0.9, -0.2], [0.9, 1, 0.1], [-0.2, 0.1, 1]])
    text = texts.agreement_sentence(matrix, names)
    assert "**a** and **b** agree most (rank correlation +0.90)" in text
    assert re.search(r"\*\*a\*\* and\s\*\*c\*\* least \(-0\.20\)", text)
    two = texts.agreement_sentence(matrix[:2, :2], names[:2])
    assert "+0.90" in two
    assert "least" not in two
    nothing = texts.agreement_sentence(np.full((2, 2), np.nan), names[:2])
    assert "constant" in nothing
