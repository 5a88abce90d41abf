"""A model that was trained again: the numbers in the lessons' texts are renewed, and what is left is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixer_viz.lessons import renewal
from mixer_viz.lessons.reading import parse_lesson
from mixer_viz.lessons.written import numbers_in, written_like

TEXT = """\
code: 9
title: A title with 63
minutes: 63
aim: An aim.
closing: What to keep.
state: {model: mixer_cifar10, image: cat}
teacher:
  text: For teachers of 12 pictures.
  misunderstandings: [One.]
  numbers: {"12": image_side}
chapters:
  - title: First
    steps:
      - name: look
        title: Look at 63
        page: patches
        state: {token: 63}
        text: >-
          There are 63 patches, and 1,063 of something
          else; −0.50 is less than 0, and 1 − 0.50 is known.
        notice: "63 again: not x63, nor 63.5."
        mark: patch-panel
        thing: the 63 pictures
        numbers:
          "63": patches
          "−0.50": {name: similarity, token: 3, other: 3}
          "0": exactly
        task:
          name: find
          kind: number
          question: How many, if not 63?
          hint: Look again.
          solution: There are 63.
          found: A picture has 63 patches.
          quantity: patches
          value: 63
      - name: solved
        title: Solved
        page: patches
        state: {token: 3}
        text: There are 63 more here, and nobody said what they are.
        mark: patch-panel
        thing: the pictures
        task:
          name: click
          kind: click
          question: Which?
          hint: Look again.
          solution: Patch 5.
          found: It is patch 5.
          conditions:
            - {parameter: token, one_of: [3], hint: "Not 63."}
          example: {token: 5}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lesson with wrong numbers in both languages, in a folder of its own."""
    monkeypatch.setattr(renewal, "lessons", lambda: (parse_lesson(TEXT, "small", "en"),))
    monkeypatch.setattr(renewal, "lesson_file", lambda name, language: tmp_path / f"{name}.{language}.yaml")
    for language in ("en", "zh"):
        (tmp_path / f"small.{language}.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_the_lessons_that_come_with_the_app_need_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert renewal.main([]) == 0
    assert capsys.readouterr().out == ""


def test_what_is_no_longer_true_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert renewal.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "small, look: 63 is 64, −0.50 is 1.00",
        "small, for teachers: 12 is no longer image_side",
        "small, look: another sign, so look at the sentence: −0.50 to 1.00",
        "small, solved: the example of the task 'click' no longer solves it",
        "small, solved: the task 'click' is solved before anybody has done anything",
    ]
    assert (files / "small.en.yaml").read_text(encoding="utf-8") == TEXT


def test_new_numbers_come_into_the_texts_of_their_step_and_nothing_else(files: Path) -> None:
    assert renewal.main(["--write"]) == 1
    for language in ("en", "zh"):
        lesson = parse_lesson((files / f"small.{language}.yaml").read_text(encoding="utf-8"), "small", language)
        look, solved = lesson.steps
        assert (lesson.title, lesson.minutes, look.title) == ("A title with 63", 63, "Look at 64")
        assert dict(look.state.parameters)["token"] == "63"
        assert (
            look.text
            == "There are 64 patches, and 1,063 of something else; 1.00 is less than 0, and 1 − 1.00 is known."
        )
        assert (look.notice, look.thing) == ("64 again: not x63, nor 63.5.", "the 64 pictures")
        assert [number.shown for number in look.numbers] == ["64", "1.00", "0"]
        assert dict(look.numbers[1].quantity.parameters) == {"token": "3", "other": "3"}
        assert look.task is not None
        assert (look.task.question, look.task.solution) == ("How many, if not 64?", "There are 64.")
        assert (look.task.found, look.task.value) == ("A picture has 64 patches.", 64)
        assert solved == parse_lesson(TEXT, "small", language).steps[1]


@pytest.mark.parametrize(
    ("value", "shown", "written"),
    [
        (3.14159, "0.50", "3.14"),
        (-0.004, "0.0353", "−0.0040"),
        (65920.4, "65,900", "65,920"),
        (12345, "999", "12,345"),
        (-0.2, "7", "0"),
        (7.6, "−3", "8"),
    ],
)
def test_a_number_keeps_its_digits(value: float, shown: str, written: str) -> None:
    assert written_like(value, shown) == written
    assert numbers_in(written) == [written]
