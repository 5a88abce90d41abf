"""The texts of the Attributions page carry the numbers of the attribution."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest

from mixer_viz.analysis.attribution_baselines import BASELINES
from mixer_viz.analysis.attribution_deletion import Curves
from mixer_viz.analysis.attribution_result import Attribution
from mixer_viz.analysis.attribution_table import methods_for
from mixer_viz.ui import formulas_attribution as formulas
from mixer_viz.ui.formulas_attribution import Quality
from tests.conftest import TINY

VALUES = np.array([0.5, -0.25, 1.0, 0.25])
PLAIN = Attribution(
    method="integrated_gradients",
    target=3,
    against=None,
    baseline="mean",
    seed=7,
    precision="float32",
    parameters={"steps": 50},
    pixel_values=None,
    pixel_map=None,
    patch_map=VALUES,
    in_logits=True,
    score=2.0,
    baseline_score=0.5,
    expected=1.5,
    seconds=0.25,
    forward_passes=1052,
    backward_passes=50,
)
COUNTS = np.array([0, 2, 4])
CURVES = Curves(
    order=np.array([2, 0, 3, 1]),
    counts=COUNTS,
    deletion_logits=np.zeros((3, 10)),
    insertion_logits=np.zeros((3, 10)),
    deletion=np.array([1.0, 0.25, 0.0]),
    insertion=np.array([0.0, 0.5, 1.0]),
    random_deletion=np.array([[1.0, 0.5, 0.0], [1.0, 0.7, 0.0]]),
    random_insertion=np.array([[0.0, 0.2, 1.0], [0.0, 0.4, 1.0]]),
    measure="probability",
    baseline="mean",
    forward_passes=18,
)


def changed(**values: Any) -> Attribution:
    return dataclasses.replace(PLAIN, **values)


NOT_IN_LOGITS = changed(method="saliency", in_logits=False, expected=None, baseline=None, parameters={})


def test_every_method_and_baseline_has_its_words() -> None:
    table = methods_for(TINY)
    assert set(formulas.DOES_NOT_SAY) == set(table)
    assert all(text.startswith("It does not ") and text.endswith(".") for text in formulas.DOES_NOT_SAY.values())
    assert set(formulas.BASELINE_NAMES) == set(BASELINES)
    for baseline in BASELINES:
        assert formulas.baseline_sentence(baseline, "cat", 0.3, "cat", 0.3)


def test_note_of_the_sum() -> None:
    assert formulas.sum_note(PLAIN) == "sum +1.500 of +1.500"
    assert formulas.sum_note(changed(expected=None)) == "sum +1.500"
    assert formulas.sum_note(NOT_IN_LOGITS) == "not in logits"


def test_warnings_only_where_there_is_something_to_warn_of() -> None:
    assert formulas.warnings_of(PLAIN) == []
    assert formulas.warnings_of(changed(expected=None)) == []
    assert formulas.warnings_of(changed(expected=1.5 * 0.95)) == []
    (zero,) = formulas.warnings_of(changed(patch_map=np.zeros(4)))
    assert zero.startswith("This map is zero")
    (gap,) = formulas.warnings_of(changed(expected=2.0))
    assert "+1.50 and should to +2.00: 25 % of it" in gap
    assert "more steps" in gap
    (most,) = formulas.warnings_of(changed(expected=-0.5, parameters={"samples": 9}))
    assert "more than all of it" in most
    assert "more samples" in most
    (other,) = formulas.warnings_of(changed(expected=2.0, parameters={}))
    assert "another baseline" in other


def test_what_the_baseline_is_answered_with() -> None:
    same = formulas.baseline_sentence("mean", "cat", 0.301, "cat", 0.301)
    assert same.endswith("**cat**, 30 %.")
    other = formulas.baseline_sentence("black", "bird", 0.4, "cat", 0.05)
    assert "plain black" in other
    assert "**bird**, 40 %; cat 5 %." in other
    firm = formulas.baseline_sentence("noise", "cat", 0.6, "cat", 0.6)
    assert "try another" in firm
    assert "try another" not in other


@pytest.mark.parametrize(("after", "word"), [(1.25, "falls"), (2.5, "rises")])
def test_one_patch_deleted(after: float, word: str) -> None:
    text = formulas.deleted_sentence("logit of cat", 2, "blur", 1.75, after)
    assert text.startswith("With patch 2 replaced by the blurred picture, the logit of cat goes from 1.750 to")
    assert f"to {after:.3f}: it {word} by {abs(1.75 - after):.3f}." in text


def test_place_of_a_patch_in_each_map() -> None:
    table = formulas.patch_table({"one": PLAIN, "other": NOT_IN_LOGITS}, 0)
    assert table == {
        "map": ["one", "other"],
        "value of this patch": ["+0.500", "+5.00e-01 (not in logits)"],
        "place": ["2 of 4", "2 of 4"],
    }


def test_many_patches_deleted() -> None:
    text = formulas.deletion_sentence("cat", "one", 2, np.array([0.75, 0.1, 0.5, 0.7]))
    assert re.findall(r"\d+\.\d|\d+", text) == ["75.0", "10.0", "2", "60.0", "50.0", "70.0", "2"]


@pytest.mark.parametrize(("seconds", "words"), [(7.4, "about 7 s"), (600.0, "about 10 min")])
def test_words_of_the_button_for_long_checks(seconds: float, words: str) -> None:
    text = formulas.ask_for("Curves", ["one", "other"], seconds)
    assert text == f"Work out curves of one, other: {words}"


def rows_of(table: dict[str, list[str]], title: str) -> dict[str, str]:
    return dict(zip(table["measure"], table[title], strict=True))


def test_quality_table_with_curves_alone() -> None:
    table = formulas.quality_table([Quality("one", PLAIN, CURVES, None), Quality("other", NOT_IN_LOGITS, None, None)])
    one, other = rows_of(table, "one"), rows_of(table, "other")
    assert one["deletion area (lower is better)"] == "0.375"
    assert one["insertion area (higher is better)"] == "0.500"
    where = table["measure"].index("of random orders")
    assert table["one"][where] == "0.550 ± 0.050"
    assert one["sum of all values"] == "+1.5000"
    assert one["gap"] == "0.0e+00 (0.0 %)"
    assert one["passes forward, backward"] == "1,052, 50"
    assert one["steady under noise"] == "–"
    assert other["sum of all values"] == "not in logits"
    assert other["deletion area (lower is better)"] == "–"


def test_two_maps_of_one_title_are_two_columns() -> None:
    table = formulas.quality_table([Quality("one", PLAIN, None, None), Quality("one", NOT_IN_LOGITS, None, None)])
    assert len(table) == 3


def test_lines_of_the_file_have_one_header() -> None:
    header, lines = formulas.quality_rows(
        [Quality("one", PLAIN, CURVES, None), Quality("other", NOT_IN_LOGITS, None, None)]
    )
    first, second = (dict(zip(header, line, strict=True)) for line in lines)
    assert (first["deletion_area"], second["deletion_area"]) == (pytest.approx(0.375), None)
    assert first["random_deletion_area"] == pytest.approx(0.55)
    assert first["noise_rank_correlation"] is None
    assert (first["parameters"], first["gap"]) == ("steps 50, baseline mean", 0.0)


def test_agreement_names_the_extremes() -> None:
    names = ["a", "b", "c"]
    matrix = np.array([[1, 0.9, -0.2], [0.9, 1, 0.1], [-0.2, 0.1, 1]])
    text = formulas.agreement_sentence(matrix, names)
    assert "**a** and **b** agree most (rank correlation +0.90)" in text
    assert re.search(r"\*\*a\*\* and\s\*\*c\*\* least \(-0\.20\)", text)
    two = formulas.agreement_sentence(matrix[:2, :2], names[:2])
    assert "+0.90" in two
    assert "least" not in two
    nothing = formulas.agreement_sentence(np.full((2, 2), np.nan), names[:2])
    assert "constant" in nothing


def test_settings_can_be_written_and_printed() -> None:
    settings = json.loads(json.dumps(formulas.settings_of(PLAIN)))
    assert settings["parameters"] == {"steps": 50}
    assert (settings["seed"], settings["total"], settings["expected"]) == (7, 1.5, 1.5)
    assert formulas.print_caption(changed(precision="bfloat16")) == "steps 50, baseline mean, bfloat16"
    assert formulas.print_caption(NOT_IN_LOGITS) == "no parameters"
