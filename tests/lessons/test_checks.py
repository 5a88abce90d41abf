"""A check looks at what it is given and at nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from mixer_viz.lessons.checks import Seen, check, holds, needed_quantities
from mixer_viz.lessons.lesson import Condition, Option, Quantity, Task

CHOOSE = Task(
    "a",
    "choose",
    "Which?",
    "Think.",
    "The second.",
    "It is the second.",
    options=(Option("x", "Not x."), Option("y"), Option("z")),
    right=1,
)
NUMBER = Task(
    "b",
    "number",
    "How many?",
    "Count.",
    "64.",
    "There are 64.",
    quantity=Quantity("patches"),
    value=0.5,
    tolerance=0.01,
)
COSINE = Quantity("partner_cosine")
REACH = Task(
    "c",
    "reach",
    "Find one.",
    "Look.",
    "Found.",
    "There is one.",
    conditions=(
        Condition("Go back.", page="token_mixing"),
        Condition("Block 6.", parameter="block", one_of=("6",)),
        Condition("No opposite.", quantity=COSINE, at_most=-0.7),
    ),
)
FOUND = Seen("token_mixing", (("block", "6"),), "", ((COSINE, -0.9),))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("1", "The second."),
        ("0", "Not x."),
        ("2", "Think."),
        ("", "Think."),
        ("-1", "Think."),
        ("7", "Think."),
        ("²", "Think."),
    ],
)
def test_a_choice(answer: str, words: str) -> None:
    verdict = check(CHOOSE, Seen("overview", answer=answer))
    assert verdict.words == words
    assert verdict.right == (answer == "1")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("0.5", True), ("0,509", True), ("+.5", True), ("0.52", False), ("", False), ("half", False), ("nan", False),
        ("inf", False), ("5e-1", True), ("0,5E0", True), ("5e-999", False), ("5e", False),
        ("0x1", False), ("0.5" + "0" * 60, False), ("--0.5", False), ("0.5.1", False),
    ],
)  # fmt: skip
def test_a_number(answer: str, right: bool) -> None:
    assert check(NUMBER, Seen("overview", answer=answer)).right == right


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("0.0437", ""), ("4.37e-2", ""), ("0.044", "rounded"), ("0.04", "rounded"), ("4.4e-2", "rounded"),
        ("4e-2", "rounded"),
        ("0.045", ""), ("0.43", ""), ("-0.044", ""), ("0", ""), ("0.0", ""), ("0.6593", ""), ("forty", "no_number"),
        ("", "no_number"), ("0.04.4", "no_number"),
    ],
)  # fmt: skip
def test_what_is_rounded_too_far_and_what_is_no_number(answer: str, problem: str) -> None:
    task = dataclasses.replace(NUMBER, value=0.0437, tolerance=0.0002)
    verdict = check(task, Seen("overview", answer=answer))
    assert verdict.problem == problem
    assert verdict.right == (answer in ("0.0437", "4.37e-2"))


def test_a_state_that_fulfils_everything() -> None:
    assert check(REACH, FOUND).right
    assert check(REACH, FOUND) == check(REACH, FOUND)
    assert needed_quantities(REACH) == (COSINE,)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"page": "patches"}, "Go back."),
        ({"parameters": (("block", "5"),)}, "Block 6."),
        ({"parameters": ()}, "Block 6."),
        ({"results": ((COSINE, -0.69),)}, "No opposite."),
        ({"results": ()}, "No opposite."),
        ({"results": ((COSINE, float("nan")),)}, "No opposite."),
        ({"results": ((COSINE, "high"),)}, "No opposite."),
        ({"page": "patches", "results": ()}, "Go back."),
    ],
)
def test_the_first_thing_that_is_not_so_gives_the_hint(changes: dict[str, object], hint: str) -> None:
    verdict = check(REACH, dataclasses.replace(FOUND, **changes))
    assert (verdict.right, verdict.words) == (False, hint)


def test_conditions_on_texts_and_numbers() -> None:
    seen = Seen("attribution", (("deleted", "5"),), "", ((Quantity("answer"), "airplane"),))
    assert holds(Condition("", quantity=Quantity("answer"), none_of=("bird",)), seen)
    assert not holds(Condition("", quantity=Quantity("answer"), none_of=("airplane",)), seen)
    assert holds(Condition("", parameter="deleted", at_least=5, at_most=5), seen)
    assert not holds(Condition("", parameter="deleted", at_least=6), seen)
    assert not holds(Condition("", parameter="other", at_least=6), seen)
