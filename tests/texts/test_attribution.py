"""The texts of the Attributions page carry the numbers of the attribution."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from mixer_viz.analysis.attribution.baselines import BASELINES
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.texts import attribution as texts
from tests.conftest import TINY
from tests.texts.made_attributions import NOT_IN_LOGITS, PLAIN, changed


def words_missing(methods: Iterable[str], sentences: Mapping[str, str]) -> list[str]:
    """One sentence for each method without its words, and for words without a method."""
    home = "mixer_viz/texts/attribution.py, DOES_NOT_SAY"
    return [
        *(f"{home}: the method {name!r} has no sentence; add one" for name in sorted(set(methods) - set(sentences))),
        *(f"{home}: no method is called {name!r}; take it out" for name in sorted(set(sentences) - set(methods))),
    ]


def test_every_method_has_its_words() -> None:
    assert words_missing(methods_for(TINY), texts.DOES_NOT_SAY) == []


def test_words_and_methods_that_have_lost_each_other_are_named() -> None:
    unknown, lonely = words_missing(["saliency", "new"], {"saliency": "It does not.", "gone": "It does not."})
    assert unknown.endswith("the method 'new' has no sentence; add one")
    assert lonely.endswith("no method is called 'gone'; take it out")


def test_sentences_say_what_they_should_and_baselines_have_theirs() -> None:
    assert all(text.startswith("It does not ") and text.endswith(".") for text in texts.DOES_NOT_SAY.values())
    assert set(texts.BASELINE_NAMES) == set(BASELINES)
    for baseline in BASELINES:
        assert texts.baseline_sentence(baseline, "cat", 0.3, "cat", 0.3)


def test_note_of_the_sum() -> None:
    assert texts.sum_note(PLAIN) == "sum +1.500 of +1.500"
    assert texts.sum_note(changed(expected=None)) == "sum +1.500"
    assert texts.sum_note(NOT_IN_LOGITS) == "not in logits, a scale of its own"


def test_warnings_only_where_there_is_something_to_warn_of() -> None:
    assert texts.warnings_of(PLAIN) == []
    assert texts.warnings_of(changed(expected=None)) == []
    assert texts.warnings_of(changed(expected=1.5 * 0.95)) == []
    (zero,) = texts.warnings_of(changed(patch_map=np.zeros(4)))
    assert zero.startswith("This map is zero")
    (gap,) = texts.warnings_of(changed(expected=2.0))
    assert "+1.50 and should to +2.00: 25 % too little." in gap
    assert "more steps" in gap
    (much,) = texts.warnings_of(changed(expected=1.0))
    assert "50 % too much." in much
    (most,) = texts.warnings_of(changed(expected=-0.5, parameters={"samples": 9}))
    assert ": far off." in most
    assert "more samples" in most
    (other,) = texts.warnings_of(changed(expected=2.0, parameters={}))
    assert "another baseline" in other


def test_what_the_baseline_is_answered_with() -> None:
    same = texts.baseline_sentence("mean", "cat", 0.301, "cat", 0.301)
    assert same.endswith("**cat**, 30 %.")
    other = texts.baseline_sentence("black", "bird", 0.4, "cat", 0.05)
    assert "plain black" in other
    assert "**bird**, 40 %; cat 5 %." in other
    firm = texts.baseline_sentence("noise", "cat", 0.6, "cat", 0.6)
    assert "try another" in firm
    assert "try another" not in other


def test_what_is_shared_out_is_said_with_both_ends() -> None:
    text = texts.scores_sentence("logit of cat", 3.49, 1.828)
    assert re.findall(r"[+-]\d+\.\d+", text) == ["+3.490", "+1.828", "+1.662"]


@pytest.mark.parametrize(("after", "word"), [(1.25, "falls"), (2.5, "rises")])
def test_one_patch_deleted(after: float, word: str) -> None:
    text = texts.deleted_sentence("logit of cat", 2, "blur", 1.75, after)
    assert text.startswith("With patch 2 replaced by the blurred picture, the logit of cat goes from 1.750 to")
    assert f"to {after:.3f}: it {word} by {abs(1.75 - after):.3f}." in text


def test_place_of_a_patch_in_each_map() -> None:
    table = texts.patch_table({"one": PLAIN, "other": NOT_IN_LOGITS}, 0)
    assert table == {
        "map": ["one", "other"],
        "value of this patch": ["+0.500", "+5.00e-01 (not in logits)"],
        "place, most positive first": ["2 of 4", "2 of 4"],
    }


def test_many_patches_deleted() -> None:
    text = texts.deletion_sentence("cat", "one", 2, np.array([0.75, 0.1, 0.5, 0.7]))
    assert re.findall(r"\d+\.\d|\d+", text) == ["75.0", "10.0", "2", "60.0", "50.0", "70.0", "2"]


def test_many_patches_deleted_in_logits_of_one_class_against_another() -> None:
    text = texts.deletion_scores_sentence("logit of cat minus the logit of dog", np.array([1.5, -0.5, 1.0, 0.5]))
    assert re.findall(r"[+-]\d+\.\d+", text) == ["+1.50", "-0.50", "+0.75", "+0.50", "+1.00"]


def test_settings_can_be_written_and_printed() -> None:
    settings = json.loads(json.dumps(texts.settings_of(PLAIN)))
    assert settings["parameters"] == {"steps": 50}
    assert (settings["seed"], settings["total"], settings["expected"]) == (7, 1.5, 1.5)
    assert texts.print_caption(changed(precision="bfloat16")) == "steps 50, baseline mean, bfloat16"
    assert texts.print_caption(NOT_IN_LOGITS) == "no parameters"
