"""What a unit wants and what a survey says, in words."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.survey.output import Survey
from mixer_viz.texts.units import preferred, survey


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (
            Objective(kind="token unit", index=3, place=1),
            "unit 3 of token mixing in block 2, after GELU, mean over all ch",
        ),
        (Objective(kind="token unit", index=3, place=1, at=7), "after GELU, in channel 7"),
        (Objective(kind="channel unit", index=3, place=0, at=7), "channel mixing in block 1, after GELU, in patch 7"),
        (Objective(kind="channel", index=3, place=4), "channel 3 after block 2, mean over all patches"),
        (Objective(kind="class", index=3), "the logit of cat"),
    ],
)
def test_an_objective_has_a_name(objective: Objective, words: str) -> None:
    assert words in preferred.objective_name(objective, "cat")


@pytest.mark.parametrize(("seconds", "words"), [(0.3, "about a second"), (8.4, "about 8 s"), (200, "about 4 min")])
def test_estimates_are_rough(seconds: float, words: str) -> None:
    assert preferred.seconds_in_words(seconds) == words


def made(attribution: np.ndarray, done: list[int]) -> Survey:
    about = {"model": "a*b", "images": 200, "methods": ["patch_ablation"], "measures": ["area", "other"]}
    arrays = {
        "closer.attribution": attribution,
        "closer.done": np.array(done),
        "logit_lens.right": np.array([20, 150]),
        "logit_lens.as_final": np.array([50, 200]),
        "predictions.labels": np.array([1] * 150 + [0] * 50),
        "predictions.answers": np.ones(200, int),
    }
    return Survey(about, arrays)


def test_tables_of_a_survey_have_its_numbers() -> None:
    values = np.array([[[0.1, 1.0]], [[0.3, 1.0]], [[9.0, 9.0]]])
    found = made(values, [1, 1, 0])  # the third picture was never looked at
    table = survey.metrics_table(found)
    assert table["patch ablation"] == ["0.200 (0.100 to 0.300)", "1.000 (1.000 to 1.000)"]
    assert survey.metrics_table(made(values, [0, 0, 0])) == {"mean and 95 % interval": ["area", "other"]}
    lens = survey.lens_table(found)
    assert lens["right"] == ["10.0 %", "75.0 %"]
    assert lens["as the final answer"] == ["25.0 %", "100.0 %"]
    assert survey.about(found, "c") == "Survey of 200 pictures by a&#42;b, 75.00 % right."
    assert survey.about(found, "c", "sizes").endswith("other sizes or classes than c.")
    assert "other weights than those of c" in survey.about(found, "c", "weights")


def test_the_most_frequent_confusions() -> None:
    counts = np.array([[5, 3, 0], [0, 2, 7], [0, 0, 0]])
    table = survey.confused_table(counts, ["ant", "bee", "cow"])
    assert table == {"shows": ["bee", "ant"], "answered as": ["cow", "bee"], "pictures": ["7 of 9", "3 of 8"]}


def test_notes_of_a_mean_field() -> None:
    maps = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [np.nan] * 4])
    assert survey.field_notes(maps) == (
        "half of it in 25 % of the patches",
        "half of it in 50 % of the patches",
        "no gradient",
    )


def test_a_unit_stands_among_many_pictures() -> None:
    told = survey.unit_in_words("channels", 0.5, 0.1, np.array([0.1, 0.2, 0.3, np.nan]), 0.25, 99)
    assert "Over 99 pictures the channel (mean over the patches) is 0.5" in told
    assert "more than on 67 % of 3 sampled" in told
    words = survey.correlation_in_words(np.array([0.2, -0.9, 0.6]), ["ant", "bee", "cow"])
    assert "logit of cow (correlation +0.60)" in words
    assert "bee (-0.90)" in words
