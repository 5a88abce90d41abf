"""Words of the page on which a network is trained."""

from __future__ import annotations

from mixer_viz.texts import learning as texts


def test_where_the_training_is() -> None:
    assert texts.status_line("running", 1200, 2000, 41.3) == "Learning: step 1,200 of 2,000, about 41 s left."
    assert texts.status_line("running", 0, 2000, 300) == "Learning: step 0 of 2,000, about 5 min left."
    assert texts.status_line("paused", 3, 2000, 10) == "Paused: step 3 of 2,000."
    assert "others train on this computer" in texts.status_line("waiting", 3, 2000, None)


def test_task_answers_and_norms() -> None:
    words = texts.task_in_words("Find", "It is one of nine.", 1 / 9, "MLP over tokens")
    assert words == "**Find.** It is one of nine. Guessing gives 11 %. Across patches: MLP over tokens."
    assert texts.task_in_words("Where?", "", 0.5, "").startswith("**Where?** ")
    assert texts.answer_caption("ring", 0.951, True, "ring") == "✓ ring, 95 %"
    assert texts.answer_caption("ring", 0.5, False, "cross") == "✗ ring, 50 % (is: cross)"
    table = texts.norm_table({"head": (0.0, 0.0)}, {"head": (1.2345, 0.0678)})
    assert table == {
        "part": ["head"],
        "weights before": ["0"],
        "weights now": ["1.23"],
        "gradient of the last step": ["0.068"],
    }


def test_one_weight_adds_up_on_paper() -> None:
    assert texts.weight_sentence(4, 7, 0.25, -0.5, 0.125, 0.375) == (
        "Weight of unit 4 for patch 7: +0.2500 + 0.1250 = +0.3750; its gradient was -5.00e-01."
    )
    assert "+0.2500 − 0.1250 = +0.1250" in texts.weight_sentence(4, 7, 0.25, 0.5, -0.125, 0.125)


def test_the_films_ends_in_words() -> None:
    words = texts.film_in_words(["start", "epoch 9"], [float("nan"), 81.26], [1.004, 0.6])
    assert words == (
        "start: accuracy not measured, frequency 1.00 of white noise; "
        "epoch 9: accuracy 81.3 percent, frequency 0.60 of white noise."
    )
