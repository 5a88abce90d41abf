"""What a lesson calls a part of the page is what the page calls it, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from mixer_viz.language.catalogues import DOMAIN, FOLDER
from mixer_viz.lessons import find_lesson, lessons
from mixer_viz.lessons.lesson import Step
from tests.lessons.test_languages import words_of

QUOTED = re.compile("“([^”]+)”")
FIRST = re.compile(r": |, | \("), re.compile(r"：|，|（| \(")  # marks, in both languages
VALUE = re.compile(r"\{(\w+)[^}]*\}")
STEPS = [
    pytest.param(lesson.name, step, id=f"{lesson.code}-{step.name}") for lesson in lessons() for step in lesson.steps
]


def catalogue() -> dict[str, str]:
    with (FOLDER / "zh" / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        found = {str(each.id): str(each.string) for each in read_po(file) if each.id and each.string}
    return {to_plain(message): to_plain(translated) for message, translated in found.items()}


def to_plain(text: str) -> str:
    """Without the marks of headings and of bold text, and with matrices as they are written in plain text."""
    text = re.sub(r"\$W_(\d)\$", lambda found: "W" + "₀₁₂₃₄₅₆₇₈₉"[int(found[1])], text)
    return text.lstrip("# ").replace("**", "")


MESSAGES = catalogue()


def in_chinese(phrase: str) -> Iterator[str]:
    """What the page says for it: a whole message, or one to its first mark, with the values that are in it."""
    for message, translated in MESSAGES.items():
        if phrase == message:
            yield translated
        for said, told in ((message, translated), (FIRST[0].split(message)[0], FIRST[1].split(translated)[0])):
            if len(VALUE.sub("", said)) < 8 or phrase == message:  # almost nothing but values
                continue
            pattern = "".join("(.+?)" if at % 2 else re.escape(part) for at, part in enumerate(VALUE.split(said)))
            if found := re.fullmatch(pattern, phrase):
                values = dict(zip(VALUE.findall(said), found.groups(), strict=True))
                yield VALUE.sub(lambda value, values=values: values[value[1]], told)


def quoted(step: Step) -> set[str]:
    return {phrase for text in words_of(step) for phrase in QUOTED.findall(text)}


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_the_parts_that_a_step_names_are_called_so_on_the_page(name: str, step: Step) -> None:
    lesson = find_lesson(name, "zh")
    assert lesson is not None
    told = quoted(next(each for each in lesson.steps if each.name == step.name))
    for phrase in quoted(step):
        if names := set(in_chinese(phrase)):
            assert names & told, f"{phrase!r} is {names} on the page, and the lesson has {told}"


def test_most_parts_are_compared() -> None:
    """The others have a formula in their name, or are no parts of the page."""
    phrases = {phrase for lesson in lessons() for step in lesson.steps for phrase in quoted(step)}
    found = {phrase for phrase in phrases if any(True for _ in in_chinese(phrase))}
    assert len(found) >= 0.6 * len(phrases), sorted(phrases - found)


def test_a_part_with_another_name_is_told() -> None:
    assert list(in_chinese("Check")) == ["检查"]
    assert list(in_chinese("Patch")) == ["图块"]
    assert list(in_chinese("nothing of the kind")) == []
